// SPDX-License-Identifier: BSL-1.0
// resutils: single values of a key, and single properties of a list.

#include "property_data.hpp"

#include <cstring>
#include <cwchar>

using namespace holdfast::clusapi;

namespace {

/** 13 for a value of another type. */
DWORD typed(HKEY key, LPCWSTR name, DWORD type, Data& data) {
    if (key == nullptr || name == nullptr) return ERROR_BAD_ARGUMENTS;
    Stored stored = readValue(key, name);
    if (stored.code != ERROR_SUCCESS) return stored.code;
    const bool texts =
        (type == REG_SZ || type == REG_EXPAND_SZ) && (stored.type == REG_SZ || stored.type == REG_EXPAND_SZ);
    if (stored.type != type && !texts) return ERROR_INVALID_DATA;
    data = std::move(stored.data);
    return ERROR_SUCCESS;
}

template <typename Number>
DWORD number(HKEY key, LPCWSTR name, DWORD type, Number* out, Number otherwise) {
    return guarded([&]() -> DWORD {
        if (out == nullptr) return ERROR_BAD_ARGUMENTS;
        Data data;
        const DWORD code = typed(key, name, type, data);
        if (code == ERROR_FILE_NOT_FOUND) {
            *out = otherwise;
            return ERROR_SUCCESS;
        }
        if (code != ERROR_SUCCESS) return code;
        if (data.size() != sizeof(Number)) return ERROR_INVALID_DATA;
        std::memcpy(out, data.data(), sizeof(Number));
        return ERROR_SUCCESS;
    });
}

DWORD write(HKEY key, LPCWSTR name, DWORD type, const void* data, std::size_t size) noexcept {
    if (key == nullptr || name == nullptr || (data == nullptr && size != 0)) return ERROR_BAD_ARGUMENTS;
    return static_cast<DWORD>(
        ::RegSetValueExW(key, name, 0, type, static_cast<const BYTE*>(data), static_cast<DWORD>(size)));
}

/** The caller's own copy is replaced only when the value is written. */
DWORD writeAndKeep(HKEY key, LPCWSTR name, DWORD type, const void* data, std::size_t size, void** kept,
                   DWORD* keptSize) noexcept {
    void* copy = nullptr;
    if (kept != nullptr) {
        copy = localCopy(data, size);
        if (copy == nullptr) return ERROR_NOT_ENOUGH_MEMORY;
    }
    if (const DWORD code = write(key, name, type, data, size); code != ERROR_SUCCESS) {
        ::LocalFree(copy);
        return code;
    }
    if (kept != nullptr) {
        if (*kept != nullptr) ::LocalFree(*kept);
        *kept = copy;
    }
    if (keptSize != nullptr) *keptSize = static_cast<DWORD>(size);
    return ERROR_SUCCESS;
}

LPWSTR text(HKEY key, LPCWSTR name, bool expand) {
    LPWSTR result = nullptr;
    const DWORD code = guarded([&]() -> DWORD {
        Data data;
        if (const DWORD read = typed(key, name, REG_SZ, data); read != ERROR_SUCCESS) return read;
        data = normal(CLUSPROP_FORMAT_SZ, std::move(data));
        const auto* const found = reinterpret_cast<const wchar_t*>(data.data());
        result = expand ? localText(expanded(found)) : localText(found);
        return ERROR_SUCCESS;
    });
    if (code != ERROR_SUCCESS) ::SetLastError(code);
    return result;
}

/** A property of a list, of one of two formats. */
DWORD find(const void* list, DWORD size, LPCWSTR name, DWORD format, Data& data) {
    if (name == nullptr) return ERROR_BAD_ARGUMENTS;
    std::vector<Listed> properties;
    if (const DWORD code = readList(list, size, properties); code != ERROR_SUCCESS) return code;
    for (auto& property : properties) {
        if (!sameName(property.name, name)) continue;
        if (property.format != format) return ERROR_INVALID_DATA;
        data = std::move(property.data);
        return ERROR_SUCCESS;
    }
    return ERROR_FILE_NOT_FOUND;
}

template <typename Number>
DWORD findNumber(const void* list, DWORD size, LPCWSTR name, DWORD format, Number* out) {
    return guarded([&]() -> DWORD {
        Data data;
        if (const DWORD code = find(list, size, name, format, data); code != ERROR_SUCCESS) return code;
        if (out != nullptr) std::memcpy(out, data.data(), sizeof(Number));
        return ERROR_SUCCESS;
    });
}

DWORD findBytes(const void* list, DWORD size, LPCWSTR name, DWORD format, void** out, DWORD* outSize) {
    return guarded([&]() -> DWORD {
        Data data;
        if (const DWORD code = find(list, size, name, format, data); code != ERROR_SUCCESS) return code;
        if (out != nullptr) {
            *out = localCopy(data.data(), data.size());
            if (*out == nullptr) return ERROR_NOT_ENOUGH_MEMORY;
        }
        if (outSize != nullptr) *outSize = static_cast<DWORD>(data.size());
        return ERROR_SUCCESS;
    });
}

DWORD findExpanded(const void* list, DWORD size, LPCWSTR name, LPWSTR* out) {
    return guarded([&]() -> DWORD {
        Data data;
        if (const DWORD code = find(list, size, name, CLUSPROP_FORMAT_EXPAND_SZ, data); code != ERROR_SUCCESS)
            return code;
        if (out != nullptr) *out = localText(expanded(reinterpret_cast<const wchar_t*>(data.data())));
        return ERROR_SUCCESS;
    });
}

}  // namespace

DWORD WINAPI ResUtilGetBinaryValue(HKEY key, LPCWSTR name, LPBYTE* out, LPDWORD size) {
    return guarded([&]() -> DWORD {
        if (key == nullptr || name == nullptr || out == nullptr || size == nullptr) return ERROR_BAD_ARGUMENTS;
        *out = nullptr;
        *size = 0;
        const Stored stored = readValue(key, name);  // of any type: ResUtilGetMultiSzValue is this, too
        if (stored.code != ERROR_SUCCESS) return stored.code;
        *out = static_cast<LPBYTE>(localCopy(stored.data.data(), stored.data.size()));
        if (*out == nullptr) return ERROR_NOT_ENOUGH_MEMORY;
        *size = static_cast<DWORD>(stored.data.size());
        return ERROR_SUCCESS;
    });
}

LPWSTR WINAPI ResUtilGetSzValue(HKEY key, LPCWSTR name) { return text(key, name, false); }
LPWSTR WINAPI ResUtilGetExpandSzValue(HKEY key, LPCWSTR name, WINBOOL expand) {
    return text(key, name, expand != FALSE);
}
DWORD WINAPI ResUtilGetDwordValue(HKEY key, LPCWSTR name, LPDWORD out, DWORD otherwise) {
    return number<DWORD>(key, name, REG_DWORD, out, otherwise);
}
DWORD WINAPI ResUtilGetQwordValue(HKEY key, LPCWSTR name, PULONGLONG out, ULONGLONG otherwise) {
    return number<ULONGLONG>(key, name, REG_QWORD, out, otherwise);
}

DWORD WINAPI ResUtilSetBinaryValue(HKEY key, LPCWSTR name, LPBYTE data, DWORD size, LPBYTE* kept, LPDWORD keptSize) {
    holdfast::clusapi::noteCall("ResUtilSetBinaryValue");
    return writeAndKeep(key, name, REG_BINARY, data, size, reinterpret_cast<void**>(kept), keptSize);
}
DWORD WINAPI ResUtilSetSzValue(HKEY key, LPCWSTR name, LPCWSTR value, LPWSTR* kept) {
    holdfast::clusapi::noteCall("ResUtilSetSzValue");
    if (value == nullptr) return ERROR_BAD_ARGUMENTS;
    return writeAndKeep(key, name, REG_SZ, value, (std::wcslen(value) + 1) * sizeof(wchar_t),
                        reinterpret_cast<void**>(kept), nullptr);
}
DWORD WINAPI ResUtilSetExpandSzValue(HKEY key, LPCWSTR name, LPCWSTR value, LPWSTR* kept) {
    holdfast::clusapi::noteCall("ResUtilSetExpandSzValue");
    if (value == nullptr) return ERROR_BAD_ARGUMENTS;
    return writeAndKeep(key, name, REG_EXPAND_SZ, value, (std::wcslen(value) + 1) * sizeof(wchar_t),
                        reinterpret_cast<void**>(kept), nullptr);
}
DWORD WINAPI ResUtilSetMultiSzValue(HKEY key, LPCWSTR name, LPCWSTR value, DWORD size, LPWSTR* kept, LPDWORD keptSize) {
    holdfast::clusapi::noteCall("ResUtilSetMultiSzValue");
    return writeAndKeep(key, name, REG_MULTI_SZ, value, size, reinterpret_cast<void**>(kept), keptSize);
}
DWORD WINAPI ResUtilSetDwordValue(HKEY key, LPCWSTR name, DWORD value, LPDWORD kept) {
    holdfast::clusapi::noteCall("ResUtilSetDwordValue");
    const DWORD code = write(key, name, REG_DWORD, &value, sizeof value);
    if (code == ERROR_SUCCESS && kept != nullptr) *kept = value;
    return code;
}
DWORD WINAPI ResUtilSetQwordValue(HKEY key, LPCWSTR name, ULONGLONG value, PULONGLONG kept) {
    const DWORD code = write(key, name, REG_QWORD, &value, sizeof value);
    if (code == ERROR_SUCCESS && kept != nullptr) *kept = value;
    return code;
}

DWORD WINAPI ResUtilFindSzProperty(PVOID list, DWORD size, LPCWSTR name, LPWSTR* out) {
    return findBytes(list, size, name, CLUSPROP_FORMAT_SZ, reinterpret_cast<void**>(out), nullptr);
}
DWORD WINAPI ResUtilFindExpandSzProperty(PVOID list, DWORD size, LPCWSTR name, LPWSTR* out) {
    return findBytes(list, size, name, CLUSPROP_FORMAT_EXPAND_SZ, reinterpret_cast<void**>(out), nullptr);
}
DWORD WINAPI ResUtilFindExpandedSzProperty(PVOID list, DWORD size, LPCWSTR name, LPWSTR* out) {
    return findExpanded(list, size, name, out);
}
DWORD WINAPI ResUtilFindDwordProperty(PVOID list, DWORD size, LPCWSTR name, LPDWORD out) {
    return findNumber(list, size, name, CLUSPROP_FORMAT_DWORD, out);
}
DWORD WINAPI ResUtilFindLongProperty(PVOID list, DWORD size, LPCWSTR name, LPLONG out) {
    return findNumber(list, size, name, CLUSPROP_FORMAT_LONG, out);
}
DWORD WINAPI ResUtilFindFileTimeProperty(PVOID list, DWORD size, LPCWSTR name, LPFILETIME out) {
    return findNumber(list, size, name, CLUSPROP_FORMAT_FILETIME, out);
}
DWORD WINAPI ResUtilFindBinaryProperty(PVOID list, DWORD size, LPCWSTR name, LPBYTE* out, LPDWORD outSize) {
    return findBytes(list, size, name, CLUSPROP_FORMAT_BINARY, reinterpret_cast<void**>(out), outSize);
}
DWORD WINAPI ResUtilFindMultiSzProperty(PVOID list, DWORD size, LPCWSTR name, LPWSTR* out, LPDWORD outSize) {
    return findBytes(list, size, name, CLUSPROP_FORMAT_MULTI_SZ, reinterpret_cast<void**>(out), outSize);
}
