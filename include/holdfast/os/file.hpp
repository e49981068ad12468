// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace holdfast::inline v1::os {

/**
 * Replaces a file as a whole: after a crash at any moment it has its old or its new content, never a part (temporary file,
 * flush to the device, rename). Readable by its owner only.
 *
 * @par Budget May wait for the device.
 */
[[nodiscard]] std::error_code replaceFile(const std::filesystem::path& file, std::string_view content);

/** Names this start of the system: steady times of the same one can be compared. Empty if the system does not say. */
[[nodiscard]] std::string bootId();

/**
 * A file that one process at a time owns; the system releases it when that process ends, however it ends.
 *
 * @par Thread safety One owner.
 */
class LockFile {
public:
    LockFile() noexcept = default;
    LockFile(const LockFile&) = delete;
    LockFile& operator=(const LockFile&) = delete;
    ~LockFile();

    /** What kept us from it. */
    struct Refusal {
        std::int64_t owner{0};  ///< process id of who has it; 0: it could not be made, see `error`
        std::error_code error;
    };
    [[nodiscard]] std::optional<Refusal> take(const std::filesystem::path& file);
    /** The descriptor or handle that holds the lock; the caller's from then on. -1: it holds none. */
    [[nodiscard]] std::intptr_t release() noexcept { return std::exchange(handle_, -1); }

private:
    std::intptr_t handle_{-1};
};

}  // namespace holdfast::inline v1::os
