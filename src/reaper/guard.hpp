// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "process/fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::inline v1::reaper {

struct GuardOptions {
    std::vector<std::string> command;
    std::string marker;                 ///< "NAME=value", put into the program's environment
    int lifeline{-1};                   ///< at its end the program has to end
    int report{-1};                     ///< told "started PID", "exited N" or "killed N", "proved"
    std::int64_t patience{5'000};       ///< ms
    std::int64_t adoptTimeout{30'000};  ///< ms
};

/**
 * Runs a program and, when it ends, kills everything that it left behind, except what reapers own.
 *
 * @par Thread safety One thread.
 */
class Guard {
public:
    explicit Guard(GuardOptions options);
    /** Until all is done; the exit code. Does not return if the program was killed: then this process is, too. */
    int run();

private:
    bool start();
    void reap();
    void mainEnded(bool bySignal, int value);
    void sweep();
    void endOrphans();
    void say(const std::string& line);
    [[nodiscard]] static bool belongsToReaper(pid_t pid);
    [[nodiscard]] static bool orphaned(pid_t pid);

    const GuardOptions options_;
    process::Fd signals_;
    process::Fd lifeline_;
    process::Fd report_;
    pid_t main_{-1};
    bool mainLives_{false};
    bool bySignal_{false};
    int value_{0};
    bool childless_{false};
    bool proved_{false};
    bool orphans_{false};
    std::int64_t killMainAt_{INT64_MAX};
    std::int64_t endedAt_{0};
    std::int64_t nextSweep_{0};
};

}  // namespace holdfast::inline v1::reaper
