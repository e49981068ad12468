// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/adapters/ocf.hpp>
#include "place.hpp"
#include "process/fd.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace holdfast::inline v1::ocf {

/** `HOLDFAST_HOST=<value>`: on a resource's hosts and on whatever their agents fork by themselves. */
[[nodiscard]] std::string hostMark(const Place& place, const std::string& instance);
/** This user's living processes with that mark, in this namespace of processes: hosts, their reapers, and what their agents forked. */
[[nodiscard]] std::vector<pid_t> markedProcesses(const Place& place, const std::string& instance);

/**
 * Starts a resident host in a session of its own (L-071), with nothing of this process but a socket for its first order (L-014,
 * L-136), and an environment without what is the engine's (L-013, L-117).
 *
 * @return this process's end of the socket; empty with `wrong` if it cannot be started, and `missing` if there is no such program
 */
[[nodiscard]] process::Fd spawnHost(const Facts& facts, const Place& place, const std::string& instance,
                                    std::string& wrong, bool& missing);

/** The living resident hosts of `instance` beside this process, also such as no path leads to any more. */
[[nodiscard]] std::vector<pid_t> hostsOf(const Place& place, const std::string& instance);

}  // namespace holdfast::inline v1::ocf
