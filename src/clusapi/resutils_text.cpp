// SPDX-License-Identifier: BSL-1.0
// resutils: texts and paths.

#include "property_data.hpp"

#include <cwchar>

using namespace holdfast::clusapi;

LPWSTR WINAPI ResUtilDupString(LPCWSTR text) {
    if (text == nullptr) {
        ::SetLastError(ERROR_INVALID_PARAMETER);
        return nullptr;
    }
    auto* const copy = static_cast<LPWSTR>(localCopy(text, (std::wcslen(text) + 1) * sizeof(wchar_t)));
    if (copy == nullptr) ::SetLastError(ERROR_NOT_ENOUGH_MEMORY);
    return copy;
}

LPWSTR WINAPI ResUtilExpandEnvironmentStrings(LPCWSTR text) {
    LPWSTR result = nullptr;
    const DWORD code = guarded([&]() -> DWORD {
        if (text == nullptr) return ERROR_INVALID_PARAMETER;
        result = localText(expanded(text));
        return ERROR_SUCCESS;
    });
    if (code != ERROR_SUCCESS) ::SetLastError(code);
    return result;
}

/** Whether it is written as a path is: a drive or a share, then folders without characters that none may have. */
WINBOOL WINAPI ResUtilIsPathValid(LPCWSTR path) {
    if (path == nullptr) return FALSE;
    const std::wstring_view text{path};
    const bool drive = text.size() >= 2 && ((text[0] | 0x20) >= L'a' && (text[0] | 0x20) <= L'z') && text[1] == L':' &&
                       (text.size() == 2 || text[2] == L'\\' || text[2] == L'/');
    const bool share = text.size() > 4 && text.substr(0, 2) == L"\\\\" && text.find(L'\\', 2) > 2 &&
                       text.find(L'\\', 2) + 1 < text.size();
    if (!drive && !share) return FALSE;
    for (const wchar_t c : text.substr(2)) {
        if (c < L' ' || std::wstring_view{L"<>:\"|?*"}.find(c) != std::wstring_view::npos) return FALSE;
    }
    return TRUE;
}

DWORD WINAPI ResUtilCreateDirectoryTree(LPCWSTR path) {
    return guarded([&]() -> DWORD {
        if (ResUtilIsPathValid(path) == FALSE) return ERROR_INVALID_NAME;
        const std::wstring text{path};
        for (auto at = text.find_first_of(L"\\/", 3);; at = text.find_first_of(L"\\/", at + 1)) {
            const std::wstring part = text.substr(0, at);
            if (::CreateDirectoryW(part.c_str(), nullptr) == 0) {
                const DWORD code = ::GetLastError();
                const DWORD attributes = ::GetFileAttributesW(part.c_str());
                const bool there =
                    attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
                if (!there) return code == ERROR_ALREADY_EXISTS ? ERROR_DIRECTORY : code;
            }
            if (at == std::wstring::npos || at + 1 == text.size()) return ERROR_SUCCESS;
        }
    });
}
