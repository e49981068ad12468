// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cgroup.hpp"
#include "process/fd.hpp"
#include "process/wire.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace holdfast::inline v1::reaper {

/** A program on its way. */
struct Launched {
    pid_t pid{-1};
    process::Fd result;  ///< ends without a byte when the program runs, else carries a LaunchFailure
    process::Fd output;  ///< what it writes to its standard output; never blocks
    process::Fd errors;
};

struct LaunchFailure {
    process::Step step{process::Step::none};
    int error{0};
};

/**
 * Forks and executes the program in a session of its own, with no signal blocked or ignored and no file open but its three.
 *
 * Its output ends are pipes of which it also holds the reading end: a reaper that is killed costs it neither SIGPIPE nor
 * its output, and the next reaper takes the pipe from /proc.
 *
 * Every other descriptor of this process closes only when the program is executed. So the lock of a reaper that is killed
 * in between stays held until the child is marked by its environment, or dead.
 */
[[nodiscard]] LaunchFailure launch(const process::Order& order, const std::vector<std::string>& environment,
                                   const Cgroup& cgroup, Launched& launched);

/** For a child that will execute a program: every signal as the system has it by default, none blocked. */
void resetSignals() noexcept;

}  // namespace holdfast::inline v1::reaper
