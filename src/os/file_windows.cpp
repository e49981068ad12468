// SPDX-License-Identifier: BSL-1.0
#include <holdfast/os/file.hpp>

#include "no_winsock.hpp"

#include <windows.h>

namespace holdfast::inline v1::os {

namespace {

std::error_code lastError() { return {static_cast<int>(::GetLastError()), std::system_category()}; }

}  // namespace

std::error_code replaceFile(const std::filesystem::path& file, std::string_view content) {
    const std::filesystem::path temporary = file.wstring() + L".new";
    HANDLE const to =
        ::CreateFileW(temporary.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (to == INVALID_HANDLE_VALUE) return lastError();
    DWORD written = 0;
    std::error_code error;
    if (::WriteFile(to, content.data(), static_cast<DWORD>(content.size()), &written, nullptr) == 0 ||
        ::FlushFileBuffers(to) == 0) {
        error = lastError();
    }
    ::CloseHandle(to);
    if (!error &&
        ::MoveFileExW(temporary.c_str(), file.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) == 0) {
        error = lastError();
    }
    if (error) ::DeleteFileW(temporary.c_str());
    return error;
}

std::string bootId() { return {}; }

std::optional<LockFile::Refusal> LockFile::take(const std::filesystem::path& file) {
    HANDLE const lock = ::CreateFileW(file.c_str(), GENERIC_WRITE, FILE_SHARE_READ, nullptr, OPEN_ALWAYS,
                                      FILE_ATTRIBUTE_NORMAL, nullptr);
    if (lock == INVALID_HANDLE_VALUE) return Refusal{0, lastError()};
    handle_ = reinterpret_cast<std::intptr_t>(lock);
    return std::nullopt;
}

LockFile::~LockFile() {
    if (handle_ != -1) ::CloseHandle(reinterpret_cast<HANDLE>(handle_));
}

}  // namespace holdfast::inline v1::os
