// SPDX-License-Identifier: BSL-1.0
#include "monitor/run_directory.hpp"

#include "os/windows_handle.hpp"

#include <holdfast/os/file.hpp>

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <system_error>

namespace holdfast::inline v1::monitor {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
    throw std::runtime_error{fmt::format("the run directory {} cannot be used: {}", path.string(), why)};
}

}  // namespace

/** Who may do what in it is what its parent says: in a user's local application data, that user and administrators. */
RunDirectory::RunDirectory(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    path_ = std::filesystem::canonical(path, error);
    if (error) refuse(path, error.message());
    if (!std::filesystem::is_directory(path_, error)) refuse(path, "it is no directory");
    os::LockFile lock;
    if (const auto refusal = lock.take(path_ / "monitor.lock")) {
        if (refusal->error == std::errc::resource_unavailable_try_again) {
            refuse(path, fmt::format("another monitor uses it{}",
                                     refusal->owner == 0 ? "" : fmt::format(" (process {})", refusal->owner)));
        }
        refuse(path, fmt::format("{}: {}", (path_ / "monitor.lock").string(), refusal->error.message()));
    }
    lock_ = lock.release();
}

RunDirectory::~RunDirectory() {
    if (lock_ != -1) ::CloseHandle(reinterpret_cast<HANDLE>(lock_));
}

}  // namespace holdfast::inline v1::monitor
