// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "place.hpp"

#include <sys/types.h>

#include <chrono>
#include <string>

namespace holdfast::inline v1::ocf {

class Logger;

/**
 * Kills whatever lives of the resource `instance` beside this process: its tree of processes, and what agents' code forked by itself in
 * this host or an earlier one.
 *
 * @return who could not be proved dead within `patience`; empty once all are (L-058)
 */
[[nodiscard]] std::string endLeftovers(const Place& place, const std::string& instance, Logger& logger,
                                       std::chrono::milliseconds patience);

/** A living process of the resource `instance` beside its hosts and reapers, which are none of it; 0 if there is none. */
[[nodiscard]] pid_t anyLeftover(const Place& place, const std::string& instance);

}  // namespace holdfast::inline v1::ocf
