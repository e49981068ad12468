// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Other processes, as a test sees and ends them.

#include <cstdint>
#include <filesystem>
#include <set>

namespace holdfast::tests {

/** SIGKILL, or what is nearest to it; false if there is no such process. */
bool endProcess(std::int64_t process);
[[nodiscard]] bool isAlive(std::int64_t process);
/** Hosts of a run directory, their guards, and what their agents have started. */
[[nodiscard]] std::set<std::int64_t> processesOf(const std::filesystem::path& runDirectory);

}  // namespace holdfast::tests
