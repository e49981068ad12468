// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Windows only: handles of the service control manager, and its errors in words.

#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/error.hpp>

#include <windows.h>

#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v1::service {

/** A handle of the SCM; closed with it. */
class ScmHandle {
public:
    ScmHandle() = default;
    explicit ScmHandle(SC_HANDLE handle) noexcept : handle_{handle} {}
    ScmHandle(ScmHandle&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)} {}
    ScmHandle& operator=(ScmHandle&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~ScmHandle() {
        if (handle_ != nullptr) CloseServiceHandle(handle_);
    }
    [[nodiscard]] SC_HANDLE get() const noexcept { return handle_; }

private:
    SC_HANDLE handle_{nullptr};
};

[[noreturn]] inline void failScm(std::string_view action, std::string_view service, DWORD code) {
    const ErrorCode meaning = code == ERROR_SERVICE_DOES_NOT_EXIST ? ErrorCode::notInstalled
                              : code == ERROR_SERVICE_DISABLED     ? ErrorCode::configuration
                              : code == ERROR_INVALID_NAME         ? ErrorCode::configuration
                                                                   : abi::errorCodeOf(code);
    throw Error::make(meaning, "cannot {} service \"{}\": {}", action, service,
                      code == ERROR_SERVICE_DOES_NOT_EXIST ? "there is no such service (1060)" : abi::win32Text(code));
}

/** The service, opened with `access`. A connection for each call, so that terminate() can overlap one that hangs (W-701). */
inline ScmHandle openService(const std::string& name, DWORD access) {
    const ScmHandle manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)};
    if (manager.get() == nullptr) failScm("reach the service control manager for", name, GetLastError());
    const abi::WideString wide = abi::toWide(name);
    ScmHandle service{OpenServiceW(manager.get(), wide.c_str(), access)};
    if (service.get() == nullptr) failScm("open", name, GetLastError());
    return service;
}

}  // namespace holdfast::inline v1::service
