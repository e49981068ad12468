// SPDX-License-Identifier: BSL-1.0
#include <holdfast/os/file.hpp>

#include "os/no_winsock.hpp"
#include "os/own_access_windows.hpp"
#include "os/windows_handle.hpp"

#include <array>
#include <charconv>
#include <cwchar>
#include <random>
#include <string>

namespace holdfast::inline v1::os {

namespace {

std::error_code errorOf(DWORD code) { return {static_cast<int>(code), std::system_category()}; }
std::error_code lastError() { return errorOf(::GetLastError()); }

constexpr int attempts = 50;
constexpr DWORD pause = 10;  // ms

std::error_code writeAll(HANDLE to, std::string_view content) {
    while (!content.empty()) {
        const auto size = static_cast<DWORD>(std::min<std::size_t>(content.size(), 1U << 20U));
        DWORD written = 0;
        if (::WriteFile(to, content.data(), size, &written, nullptr) == 0) return lastError();
        content.remove_prefix(written);
    }
    return ::FlushFileBuffers(to) != 0 ? std::error_code{} : lastError();
}

/** Who reads the old file, or looks it through for viruses, holds it for a moment only. */
std::error_code moveOver(const std::filesystem::path& from, const std::filesystem::path& to) {
    for (int attempt = 1;; ++attempt) {
        if (::MoveFileExW(from.c_str(), to.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) != 0) return {};
        const DWORD code = ::GetLastError();
        if ((code != ERROR_SHARING_VIOLATION && code != ERROR_ACCESS_DENIED) || attempt == attempts)
            return errorOf(code);
        ::Sleep(pause);
    }
}

std::int64_t ownerOf(const std::filesystem::path& file) {
    const WindowsHandle reader{::CreateFileW(file.c_str(), GENERIC_READ,
                                             FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                                             OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr)};
    std::array<char, 32> text{};
    DWORD count = 0;
    std::int64_t owner = 0;
    if (reader && ::ReadFile(reader.get(), text.data(), static_cast<DWORD>(text.size()), &count, nullptr) != 0)
        std::from_chars(text.data(), text.data() + count, owner);
    return owner;
}

}  // namespace

std::error_code replaceFile(const std::filesystem::path& file, std::string_view content) {
    const std::filesystem::path temporary = file.wstring() + L".new";
    std::error_code error;
    try {
        OwnAccess own;
        WindowsHandle to{::CreateFileW(temporary.c_str(), GENERIC_WRITE, 0, own.get(), CREATE_ALWAYS,
                                       FILE_ATTRIBUTE_NORMAL, nullptr)};
        if (!to) return lastError();
        error = writeAll(to.get(), content);
    } catch (const std::system_error& failure) {
        return failure.code();
    }
    if (!error) error = moveOver(temporary, file);
    if (error) ::DeleteFileW(temporary.c_str());
    return error;
}

/** A key that does not outlive the start of the system, nor this user's last session: then times go by the wall clock. */
std::string bootId() {
    HKEY key = nullptr;
    DWORD disposition = 0;
    if (::RegCreateKeyExW(HKEY_CURRENT_USER, L"Software\\holdfast\\Boot", 0, nullptr, REG_OPTION_VOLATILE,
                          KEY_QUERY_VALUE | KEY_SET_VALUE, nullptr, &key, &disposition) != ERROR_SUCCESS) {
        return {};
    }
    std::array<wchar_t, 40> text{};
    DWORD size = static_cast<DWORD>((text.size() - 1) * sizeof(wchar_t));
    if (::RegQueryValueExW(key, L"Id", nullptr, nullptr, reinterpret_cast<BYTE*>(text.data()), &size) !=
        ERROR_SUCCESS) {
        std::random_device source;
        const std::wstring made =
            std::to_wstring(source()) + L'-' + std::to_wstring(source()) + L'-' + std::to_wstring(source());
        std::wcsncpy(text.data(), made.c_str(), text.size() - 1);
        ::RegSetValueExW(key, L"Id", 0, REG_SZ, reinterpret_cast<const BYTE*>(text.data()),
                         static_cast<DWORD>((std::wcslen(text.data()) + 1) * sizeof(wchar_t)));
    }
    ::RegCloseKey(key);
    return narrow(text.data());
}

std::optional<LockFile::Refusal> LockFile::take(const std::filesystem::path& file) {
    // Others may read who has it, and nobody else may write: that is the lock, and the system's.
    WindowsHandle lock{::CreateFileW(file.c_str(), GENERIC_WRITE, FILE_SHARE_READ, nullptr, OPEN_ALWAYS,
                                     FILE_ATTRIBUTE_NORMAL, nullptr)};
    if (!lock) {
        const DWORD code = ::GetLastError();
        if (code != ERROR_SHARING_VIOLATION) return Refusal{0, errorOf(code)};
        return Refusal{ownerOf(file), std::make_error_code(std::errc::resource_unavailable_try_again)};
    }
    // Only a courtesy to who comes second. A full disk must not keep us from running.
    const std::string own = std::to_string(::GetCurrentProcessId()) + "\n";
    DWORD written = 0;
    ::SetEndOfFile(lock.get());
    ::WriteFile(lock.get(), own.data(), static_cast<DWORD>(own.size()), &written, nullptr);
    handle_ = reinterpret_cast<std::intptr_t>(lock.release());
    return std::nullopt;
}

LockFile::~LockFile() {
    if (handle_ != -1) ::CloseHandle(reinterpret_cast<HANDLE>(handle_));
}

}  // namespace holdfast::inline v1::os
