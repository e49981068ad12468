// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What /proc says of processes, and pidfds.

#include "fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::process {

struct ProcStat {
    char state{'?'};
    pid_t parent{0};
    pid_t session{0};
    std::uint64_t startTime{0};  ///< clock ticks since the system started; with the pid it names one process

    /** A zombie is dead: only its parent has not looked yet. */
    [[nodiscard]] bool dead() const noexcept { return state == 'Z' || state == 'X'; }
};

/** Empty if there is no such process. */
[[nodiscard]] std::optional<ProcStat> readStat(pid_t pid);
/** Changes with every start of the system; empty if unknown. */
[[nodiscard]] std::string bootId();
/** The whole of a small file; empty if it cannot be read. */
[[nodiscard]] std::string readFile(const char* path, std::size_t most = 1U << 22);

/** All processes there are. */
[[nodiscard]] std::vector<pid_t> allProcesses();
/** The living children of `pid`. A process that forks meanwhile may be missing: ask again. */
[[nodiscard]] std::vector<pid_t> childrenOf(pid_t pid);
/** The descendants of `pid`; below one that `skip` names nothing is looked at. */
[[nodiscard]] std::vector<pid_t> descendantsOf(pid_t pid, const std::function<bool(pid_t)>& skip = {});

/** The value of an environment variable as the process was started with; empty if it has none or may not be asked. */
[[nodiscard]] std::optional<std::string> environmentOf(pid_t pid, std::string_view variable);
/** Every living process but this one whose environment has `marker` ("NAME=value"). */
[[nodiscard]] std::vector<pid_t> findMarked(std::string_view marker);
/** Whether `pid` runs the same program file as this process. */
[[nodiscard]] bool sameProgram(pid_t pid);

/** Empty if there is no such process (or no pidfds: Linux before 5.3). */
[[nodiscard]] Fd openPidfd(pid_t pid);
/** 0, or the errno. */
[[nodiscard]] int signalPidfd(const Fd& pidfd, int number);
[[nodiscard]] bool pidfdEnded(const Fd& pidfd);

/** What an errno means, from any thread. */
[[nodiscard]] const char* errorText(int error) noexcept;
/** Milliseconds of the monotonic clock. */
[[nodiscard]] std::int64_t nowMs();
/** write() to the end; false if it cannot. */
bool writeAll(int fd, std::string_view text);
/** Puts a file (0600) in place of `file`, whole or not at all; what went wrong, or nothing. */
[[nodiscard]] std::string replaceFile(const std::string& file, std::string_view text);

}  // namespace holdfast::inline v1::process
