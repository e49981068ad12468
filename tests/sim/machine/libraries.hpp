// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Copies of the agent library, one for each process of the machine: processes share no variables.

#include "machine/machine.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace sim {

/** How many processes other than the monitor's can live at a time. */
inline constexpr std::size_t mostProcesses = 6;

/** Copies and loads the library; before the first machine. Throws std::runtime_error. */
void loadLibraries(const std::filesystem::path& library, const std::filesystem::path& folder);

/** Which copy is the running process's own; set by the world. */
extern std::size_t (*copyOfProcess)(ProcessNumber process);
/** Its process is gone: the copy is as it was loaded. */
void resetLibrary(std::size_t copy);
/** All of them: what comes must not depend on what was played before. */
void resetLibraries();

/** The writable variables of this program: [begin, end). */
[[nodiscard]] std::pair<const std::byte*, const std::byte*> ownVariables();

}  // namespace sim
