// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "names.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace holdfast::inline v1::process {

/** Where a resource's reaper is found, and how one is started. */
struct Place {
    Names names;
    std::string reaper;  ///< the program
    std::chrono::milliseconds adoptTimeout{30'000};
    std::string cgroup;  ///< empty: the reaper decides
};

/** From the environment and its defaults; throws `Error` if the run directory cannot be used. */
[[nodiscard]] Place placeOf(const std::string& resource);
/** The program holdfast-reaper; throws `Error` if it is nowhere. */
[[nodiscard]] std::string reaperProgram();

}  // namespace holdfast::inline v1::process
