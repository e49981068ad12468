// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace holdfast::inline v1::monitor {

/**
 * The directory of one monitor: sockets and state of its reapers. Held by a lock that ends with this process, however it ends.
 *
 * @par Errors The constructor throws std::runtime_error that says why the directory cannot be used, and by whom it is.
 */
class RunDirectory {
public:
    explicit RunDirectory(const std::filesystem::path& path);
    RunDirectory(const RunDirectory&) = delete;
    RunDirectory& operator=(const RunDirectory&) = delete;
    ~RunDirectory();
    /** Absolute. */
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
    std::intptr_t lock_{-1};  ///< a descriptor, or a handle
};

}  // namespace holdfast::inline v1::monitor
