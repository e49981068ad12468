// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/error.hpp>

#include <windows.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v1::process {

/** A kernel handle that closes itself; null and INVALID_HANDLE_VALUE are no handle. */
class Handle {
public:
    Handle() = default;
    explicit Handle(HANDLE handle) noexcept : handle_{handle == INVALID_HANDLE_VALUE ? nullptr : handle} {}
    Handle(Handle&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Handle() { reset(); }

    [[nodiscard]] HANDLE get() const noexcept { return handle_; }
    explicit operator bool() const noexcept { return handle_ != nullptr; }
    void reset() noexcept {
        if (handle_ != nullptr) ::CloseHandle(std::exchange(handle_, nullptr));
    }

private:
    HANDLE handle_{nullptr};
};

/** An error with what the system says: "cannot start x.exe: access denied (5)". */
[[nodiscard]] inline Error systemError(std::string_view action, DWORD code) {
    return Error{abi::errorCodeOf(code), std::string{action} + ": " + abi::win32Text(code)};
}

[[nodiscard]] inline std::int64_t nowMs() noexcept { return static_cast<std::int64_t>(::GetTickCount64()); }

}  // namespace holdfast::inline v1::process
