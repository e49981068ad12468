// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Small things every Windows seam needs. Only for *_windows.cpp.

#include <fmt/format.h>

#include <windows.h>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace holdfast::inline v1::os {

/** A kernel object's handle that closes itself. Null is none, and so is INVALID_HANDLE_VALUE. */
class WindowsHandle {
public:
    explicit WindowsHandle(HANDLE handle = nullptr) noexcept
        : handle_{handle == INVALID_HANDLE_VALUE ? nullptr : handle} {}
    WindowsHandle(WindowsHandle&& other) noexcept : handle_{other.release()} {}
    WindowsHandle& operator=(WindowsHandle&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    WindowsHandle(const WindowsHandle&) = delete;
    WindowsHandle& operator=(const WindowsHandle&) = delete;
    ~WindowsHandle() { reset(); }

    [[nodiscard]] HANDLE get() const noexcept { return handle_; }
    [[nodiscard]] explicit operator bool() const noexcept { return handle_ != nullptr; }
    [[nodiscard]] HANDLE release() noexcept { return std::exchange(handle_, nullptr); }
    void reset(HANDLE handle = nullptr) noexcept {
        if (handle_ != nullptr) ::CloseHandle(handle_);
        handle_ = handle == INVALID_HANDLE_VALUE ? nullptr : handle;
    }

private:
    HANDLE handle_;
};

/** "error 5" and what the system says to it, without the line ends it likes. */
[[nodiscard]] inline std::string windowsText(DWORD error) {
    std::string text = std::system_category().message(static_cast<int>(error));
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == '.' || text.back() == ' '))
        text.pop_back();
    return fmt::format("{} (error {})", text, error);
}

[[noreturn]] inline void throwWindows(const std::string& what, DWORD error = ::GetLastError()) {
    throw std::system_error{static_cast<int>(error), std::system_category(), what};
}

/** UTF-8 to what the system takes. */
[[nodiscard]] inline std::wstring widen(std::string_view text) {
    if (text.empty()) return {};
    const int size = ::MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0);
    std::wstring out(static_cast<std::size_t>(size), L'\0');
    ::MultiByteToWideChar(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), out.data(), size);
    return out;
}

[[nodiscard]] inline std::string narrow(std::wstring_view text) {
    if (text.empty()) return {};
    const int size =
        ::WideCharToMultiByte(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), nullptr, 0, nullptr, nullptr);
    std::string out(static_cast<std::size_t>(size), '\0');
    ::WideCharToMultiByte(CP_UTF8, 0, text.data(), static_cast<int>(text.size()), out.data(), size, nullptr, nullptr);
    return out;
}

}  // namespace holdfast::inline v1::os
