// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * The processes whose environment has HOLDFAST_HOST with a value that begins with `prefix`, but not with `except`: hosts and what
 * their agents started. Left out are reapers (their program is `reaper`) and what a reaper owns (HOLDFAST_TREE): they look after
 * themselves. The last resort where a guard was killed and cannot prove anything.
 *
 * Nothing if this process cannot look, for want of a descriptor: that proves nothing.
 *
 * @par Budget One look at each process of the system: about 20 us each.
 */
[[nodiscard]] std::optional<std::vector<std::int64_t>> markedProcesses(std::string_view prefix, std::string_view except,
                                                                       const std::string& reaper);

/** SIGKILL to each that still carries the marker when it is looked at through a handle of its own. */
void killMarked(const std::vector<std::int64_t>& processes, std::string_view prefix);

}  // namespace holdfast::inline v1::monitor
