// SPDX-License-Identifier: BSL-1.0

#include "property_data.hpp"

#include <holdfast/abi/property_list.hpp>

#include <algorithm>
#include <cstring>
#include <span>

namespace holdfast::clusapi {
namespace {

constexpr std::size_t largest = 2'097'152;  // W-513

template <typename Number>
Number load(const Data& data) noexcept {
    Number value{};
    std::memcpy(&value, data.data(), std::min(sizeof value, data.size()));
    return value;
}

template <typename Number>
Data dataOf(const Number& number) {
    Data data(sizeof number);
    std::memcpy(data.data(), &number, sizeof number);
    return data;
}

std::wstring wideOf(const Data& data) {
    std::wstring text(data.size() / sizeof(wchar_t), L'\0');
    if (!text.empty()) std::memcpy(text.data(), data.data(), text.size() * sizeof(wchar_t));
    return text;
}

Data bytesOf(std::wstring_view text) {
    Data data(text.size() * sizeof(wchar_t));
    if (!data.empty()) std::memcpy(data.data(), text.data(), data.size());
    return data;
}

/** W-531: NULL is the key itself, else a subkey of it. */
class ItemKey {
public:
    ItemKey(HKEY key, const Item& item, bool write) noexcept : key_{key} {
        if (item.KeyName == nullptr || *item.KeyName == L'\0') return;
        owned_ = true;
        code_ = static_cast<DWORD>(write ? createKey(key, item.KeyName, 0, KEY_SET_VALUE, nullptr, &key_, nullptr)
                                         : ::RegOpenKeyExW(key, item.KeyName, 0, KEY_QUERY_VALUE, &key_));
    }
    ItemKey(const ItemKey&) = delete;
    ItemKey& operator=(const ItemKey&) = delete;
    ~ItemKey() {
        if (owned_ && code_ == ERROR_SUCCESS) ::RegCloseKey(key_);
    }
    [[nodiscard]] DWORD code() const noexcept { return code_; }
    [[nodiscard]] HKEY get() const noexcept { return key_; }

private:
    HKEY key_;
    bool owned_{false};
    DWORD code_{ERROR_SUCCESS};
};

template <typename Number>
bool within(const Data& data, const Number* range) noexcept {
    const auto value = load<Number>(data);
    return range[1] <= value && value <= range[2];  // default, minimum, maximum (W-530)
}

}  // namespace

Stored readValue(HKEY key, const wchar_t* name) {
    Stored stored;
    stored.data.resize(256);
    for (;;) {
        auto size = static_cast<DWORD>(stored.data.size());
        stored.code =
            static_cast<DWORD>(::RegQueryValueExW(key, name, nullptr, &stored.type, stored.data.data(), &size));
        if (stored.code == ERROR_MORE_DATA && size <= largest) {
            stored.data.resize(std::max<std::size_t>(size, stored.data.size() * 2));
            continue;
        }
        stored.data.resize(stored.code == ERROR_SUCCESS ? size : 0);
        return stored;
    }
}

DWORD readAll(HKEY key, std::vector<NamedValue>& values) {
    std::wstring name(256, L'\0');
    for (DWORD index = 0;;) {
        auto size = static_cast<DWORD>(name.size());
        const auto code =
            static_cast<DWORD>(::RegEnumValueW(key, index, name.data(), &size, nullptr, nullptr, nullptr, nullptr));
        if (code == ERROR_NO_MORE_ITEMS) return ERROR_SUCCESS;
        if (code == ERROR_MORE_DATA && name.size() < 32'768) {
            name.resize(name.size() * 2);
            continue;
        }
        if (code != ERROR_SUCCESS) return code;
        const std::wstring found = name.substr(0, size);
        Stored stored = readValue(key, found.c_str());
        // Deleted meanwhile: then it is not there.
        if (stored.code == ERROR_SUCCESS) values.push_back({found, stored.type, std::move(stored.data)});
        ++index;
    }
}

DWORD readList(const void* list, DWORD size, std::vector<Listed>& properties) {
    // The reader decides whether it is a list at all; then the bytes themselves are taken, which text in UTF-8 could not hold.
    const auto checked = holdfast::abi::readPropertyList(list, size, largest);
    if (checked.code != ERROR_SUCCESS) return checked.code;
    const std::span<const holdfast::abi::Byte> all{static_cast<const holdfast::abi::Byte*>(list), size};
    std::size_t at = sizeof(DWORD);
    for (std::size_t i = 0; i < checked.properties.size(); ++i) {
        const auto entries = holdfast::abi::readValueList(all, at);
        if (entries.code != ERROR_SUCCESS || entries.entries.size() < 2) return ERROR_INVALID_DATA;
        at = entries.end;
        const auto copy = [](const auto& entry) {
            Data data(entry.data.size());
            if (!data.empty()) std::memcpy(data.data(), entry.data.data(), data.size());
            return data;
        };
        std::wstring name = wideOf(copy(entries.entries[0]));
        name.resize(std::min(name.find(L'\0'), name.size()));
        const auto& value = entries.entries[1];
        const DWORD format = value.syntax & 0xFFFF;
        properties.push_back({std::move(name), format, normal(format, copy(value)), entries.entries.size() - 1});
    }
    return ERROR_SUCCESS;
}

void ListWriter::number(DWORD value) {
    const auto at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
}

void ListWriter::entry(DWORD syntax, const void* data, std::size_t size) {
    number(syntax);
    number(static_cast<DWORD>(size));  // W-502: without padding
    const auto at = bytes_.size();
    bytes_.resize(at + (size + 3) / 4 * 4);  // W-504: zeros
    if (size != 0) std::memcpy(bytes_.data() + at, data, size);
}

void ListWriter::add(std::wstring_view name, DWORD format, const Data& data) {
    const Data title = textData(name);
    entry(holdfast::abi::syntax::name, title.data(), title.size());
    const Data value = normal(format, data);
    entry(holdfast::abi::syntax::listValue | format, value.data(), value.size());
    if (format == CLUSPROP_FORMAT_EXPAND_SZ) {
        const Data second = textData(expanded(wideOf(value).c_str()));
        entry(holdfast::abi::syntax::listValue | CLUSPROP_FORMAT_EXPANDED_SZ, second.data(), second.size());
    }
    number(holdfast::abi::syntax::endMark);
    DWORD count = 0;
    std::memcpy(&count, bytes_.data(), sizeof count);
    ++count;
    std::memcpy(bytes_.data(), &count, sizeof count);
}

DWORD answer(const Data& data, void* out, DWORD size, DWORD* returned, DWORD* required) noexcept {
    if (returned == nullptr || required == nullptr || (out == nullptr && size != 0)) return ERROR_BAD_ARGUMENTS;
    *returned = 0;
    *required = 0;
    if (data.size() > size) {
        *required = static_cast<DWORD>(data.size());
        return ERROR_MORE_DATA;
    }
    if (!data.empty()) std::memcpy(out, data.data(), data.size());
    *returned = static_cast<DWORD>(data.size());
    return ERROR_SUCCESS;
}

Data textData(std::wstring_view text) {
    Data data = bytesOf(text);
    data.resize(data.size() + sizeof(wchar_t));
    return data;
}

Data normal(DWORD format, Data data) {
    if (format == CLUSPROP_FORMAT_MULTI_SZ) {
        const std::wstring text = wideOf(data);
        std::wstring result;
        for (std::size_t at = 0; at < text.size() && text[at] != L'\0';) {
            const auto end = std::min(text.find(L'\0', at), text.size());
            result.append(text, at, end - at);
            result += L'\0';
            at = end + 1;
        }
        result += L'\0';
        return bytesOf(result);
    }
    if (!isText(format)) return data;
    const std::wstring text = wideOf(data);
    return textData(std::wstring_view{text}.substr(0, text.find(L'\0')));
}

std::wstring expanded(const wchar_t* text) {
    std::wstring result(256, L'\0');
    for (;;) {
        const DWORD size = ::ExpandEnvironmentStringsW(text, result.data(), static_cast<DWORD>(result.size()));
        if (size == 0) return text;
        if (size <= result.size()) {
            result.resize(size - 1);
            return result;
        }
        result.resize(size);
    }
}

DWORD registryTypeOf(DWORD format) noexcept {
    switch (format) {
        case CLUSPROP_FORMAT_DWORD:
        case CLUSPROP_FORMAT_LONG: return REG_DWORD;
        case CLUSPROP_FORMAT_SZ: return REG_SZ;
        case CLUSPROP_FORMAT_EXPAND_SZ: return REG_EXPAND_SZ;
        case CLUSPROP_FORMAT_MULTI_SZ: return REG_MULTI_SZ;
        case CLUSPROP_FORMAT_ULARGE_INTEGER:
        case CLUSPROP_FORMAT_LARGE_INTEGER:
        case CLUSPROP_FORMAT_FILETIME: return REG_QWORD;
        default: return REG_BINARY;
    }
}

DWORD formatOf(DWORD registryType) noexcept {
    switch (registryType) {
        case REG_DWORD: return CLUSPROP_FORMAT_DWORD;
        case REG_SZ: return CLUSPROP_FORMAT_SZ;
        case REG_EXPAND_SZ: return CLUSPROP_FORMAT_EXPAND_SZ;
        case REG_MULTI_SZ: return CLUSPROP_FORMAT_MULTI_SZ;
        case REG_QWORD: return CLUSPROP_FORMAT_ULARGE_INTEGER;
        default: return CLUSPROP_FORMAT_BINARY;
    }
}

bool isText(DWORD format) noexcept {
    return format == CLUSPROP_FORMAT_SZ || format == CLUSPROP_FORMAT_EXPAND_SZ || format == CLUSPROP_FORMAT_EXPANDED_SZ;
}

bool isSized(DWORD format) noexcept {
    return format == CLUSPROP_FORMAT_MULTI_SZ || format == CLUSPROP_FORMAT_BINARY ||
           format == CLUSPROP_FORMAT_SECURITY_DESCRIPTOR;
}

std::size_t numberSize(DWORD format) noexcept {
    switch (format) {
        case CLUSPROP_FORMAT_DWORD:
        case CLUSPROP_FORMAT_LONG: return 4;
        case CLUSPROP_FORMAT_ULARGE_INTEGER:
        case CLUSPROP_FORMAT_LARGE_INTEGER:
        case CLUSPROP_FORMAT_FILETIME: return 8;
        default: return 0;
    }
}

bool sameName(std::wstring_view left, std::wstring_view right) noexcept {
    return ::CompareStringOrdinal(left.data(), static_cast<int>(left.size()), right.data(),
                                  static_cast<int>(right.size()), TRUE) == CSTR_EQUAL;  // W-509
}

const Item* findItem(const Item* table, std::wstring_view name) noexcept {
    for (; table->Name != nullptr; ++table) {
        if (sameName(table->Name, name)) return table;
    }
    return nullptr;
}

DWORD readItem(HKEY key, const Item& item, std::optional<Data>& data) {
    data.reset();
    if ((item.Flags & RESUTIL_PROPITEM_IN_MEMORY) != 0) return ERROR_SUCCESS;
    const ItemKey at{key, item, false};
    if (at.code() == ERROR_FILE_NOT_FOUND) return ERROR_SUCCESS;
    if (at.code() != ERROR_SUCCESS) return at.code();
    Stored stored = readValue(at.get(), item.Name);
    if (stored.code == ERROR_FILE_NOT_FOUND) return ERROR_SUCCESS;
    if (stored.code != ERROR_SUCCESS) return stored.code;
    const bool texts = isText(item.Format) && (stored.type == REG_SZ || stored.type == REG_EXPAND_SZ);
    if (!texts && stored.type != registryTypeOf(item.Format)) return ERROR_INVALID_DATA;
    const auto size = numberSize(item.Format);
    if (size != 0 && stored.data.size() != size) return ERROR_INVALID_DATA;
    data = normal(item.Format, std::move(stored.data));
    return ERROR_SUCCESS;
}

DWORD writeItem(HKEY key, const Item& item, const Data& data) {
    if ((item.Flags & RESUTIL_PROPITEM_IN_MEMORY) != 0) return ERROR_SUCCESS;
    const ItemKey at{key, item, true};
    if (at.code() != ERROR_SUCCESS) return at.code();
    return static_cast<DWORD>(::RegSetValueExW(at.get(), item.Name, 0, registryTypeOf(item.Format), data.data(),
                                               static_cast<DWORD>(data.size())));
}

std::optional<Data> defaultOf(const Item& item) {
    switch (item.Format) {
        case CLUSPROP_FORMAT_DWORD:
        case CLUSPROP_FORMAT_LONG: return dataOf(item.Default);
        case CLUSPROP_FORMAT_SZ:
        case CLUSPROP_FORMAT_EXPAND_SZ:
            if (item.lpDefault == nullptr) return std::nullopt;
            return textData(static_cast<const wchar_t*>(item.lpDefault));
        case CLUSPROP_FORMAT_ULARGE_INTEGER:
            return item.ULargeIntData == nullptr ? Data(8) : dataOf(item.ULargeIntData->Default);
        case CLUSPROP_FORMAT_LARGE_INTEGER:
            return item.LargeIntData == nullptr ? Data(8) : dataOf(item.LargeIntData->Default);
        case CLUSPROP_FORMAT_FILETIME:
            return item.FileTimeData == nullptr ? Data(8) : dataOf(item.FileTimeData->Default);
        default: break;
    }
    if (item.lpDefault == nullptr) return std::nullopt;
    const auto* const bytes = static_cast<const BYTE*>(item.lpDefault);
    return normal(item.Format, Data{bytes, bytes + item.Minimum});  // W-531: Minimum is its size
}

DWORD checkRange(const Item& item, const Data& data) noexcept {
    bool good = true;
    switch (item.Format) {
        case CLUSPROP_FORMAT_DWORD:
            if ((item.Flags & RESUTIL_PROPITEM_SIGNED) == 0) {
                const auto value = load<DWORD>(data);
                good = item.Minimum <= value && value <= item.Maximum;
                break;
            }
            [[fallthrough]];
        case CLUSPROP_FORMAT_LONG: {
            const auto value = load<LONG>(data);
            good = static_cast<LONG>(item.Minimum) <= value && value <= static_cast<LONG>(item.Maximum);
            break;
        }
        case CLUSPROP_FORMAT_ULARGE_INTEGER:
            if (const auto* const range = item.ULargeIntData; range != nullptr) {
                const ULONGLONG limits[] = {0, range->Minimum.QuadPart, range->Maximum.QuadPart};
                good = within(data, limits);
            }
            break;
        case CLUSPROP_FORMAT_LARGE_INTEGER:
            if (const auto* const range = item.LargeIntData; range != nullptr) {
                const LONGLONG limits[] = {0, range->Minimum.QuadPart, range->Maximum.QuadPart};
                good = within(data, limits);
            }
            break;
        case CLUSPROP_FORMAT_FILETIME:
            if (const auto* const range = item.FileTimeData; range != nullptr) {
                const auto join = [](const FILETIME& time) {
                    return (ULONGLONG{time.dwHighDateTime} << 32) | time.dwLowDateTime;
                };
                const ULONGLONG limits[] = {0, join(range->Minimum), join(range->Maximum)};
                good = within(data, limits);
            }
            break;
        default: break;
    }
    return good ? ERROR_SUCCESS : ERROR_INVALID_DATA;
}

void* pointerOf(const Item& item, const BYTE* block) noexcept {
    if (numberSize(item.Format) != 0) return nullptr;
    void* pointer = nullptr;
    std::memcpy(&pointer, block + item.Offset, sizeof pointer);
    return pointer;
}

std::optional<Data> readMember(const Item& item, const BYTE* block) {
    const BYTE* const member = block + item.Offset;
    if (const auto size = numberSize(item.Format); size != 0) return Data{member, member + size};
    const auto* const pointer = static_cast<const BYTE*>(pointerOf(item, block));
    if (pointer == nullptr) return std::nullopt;
    if (isText(item.Format)) return textData(reinterpret_cast<const wchar_t*>(pointer));
    DWORD size = 0;
    std::memcpy(&size, member + sizeof(void*), sizeof size);  // W-532
    return normal(item.Format, Data{pointer, pointer + size});
}

void clearMember(const Item& item, BYTE* block) noexcept {
    if (const auto size = numberSize(item.Format); size != 0) {
        std::memset(block + item.Offset, 0, size);
        return;
    }
    std::memset(block + item.Offset, 0, sizeof(void*) + (isSized(item.Format) ? sizeof(DWORD) : 0));
}

void writeMember(const Item& item, BYTE* block, const std::optional<Data>& data) {
    if (const auto size = numberSize(item.Format); size != 0) {
        if (data && data->size() == size) std::memcpy(block + item.Offset, data->data(), size);
        return;
    }
    void* copy = nullptr;
    if (data) {
        copy = localCopy(data->data(), data->size());
        if (copy == nullptr) throw std::bad_alloc{};
    }
    void* const old = pointerOf(item, block);
    std::memcpy(block + item.Offset, &copy, sizeof copy);
    if (isSized(item.Format)) {
        const auto size = static_cast<DWORD>(data ? data->size() : 0);
        std::memcpy(block + item.Offset + sizeof(void*), &size, sizeof size);
    }
    if (old != nullptr) ::LocalFree(old);
}

}  // namespace holdfast::clusapi
