// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::inline v1::reaper {

/** What a reaper leaves for its successor, should it be killed. */
struct SavedTree {
    pid_t pid{0};
    std::uint64_t startTime{0};
    bool adoptable{false};
    std::string fingerprint;
    std::string program;
};

/** Written whole or not at all; what went wrong, or nothing. */
[[nodiscard]] std::string save(const std::string& file, const SavedTree& tree);
/** Empty if there is none, if it is damaged, or if the system was started since. */
[[nodiscard]] std::optional<SavedTree> restore(const std::string& file);

}  // namespace holdfast::inline v1::reaper
