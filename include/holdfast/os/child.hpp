// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1::os {

/** Whether this process may run the file as a program. */
[[nodiscard]] bool isExecutable(const std::filesystem::path& program);

/** A program to run to its end. */
struct ChildOrder {
    std::filesystem::path program;
    std::vector<std::string> arguments;                            ///< without the program's own name
    std::vector<std::pair<std::string, std::string>> environment;  ///< on top of this process's own
    std::chrono::milliseconds timeout{10'000};                     ///< then it is killed, with its process group
    bool endsGroup{false};  ///< what it started ends with it, and with this process, too (Linux: at its own end only)
};

struct ChildOutcome {
    enum class Kind : std::uint8_t {
        notStarted,  ///< `code` is the system's error
        exited,      ///< `code` is its exit status
        signalled,   ///< `code` is the signal
        timedOut,
        cancelled,
    };
    Kind kind{Kind::notStarted};
    int code{0};

    [[nodiscard]] bool good() const noexcept { return kind == Kind::exited && code == 0; }
    [[nodiscard]] std::string toString() const;
};

/**
 * Runs a program in a process group of its own and waits for its end; no shell, no standard input, no descriptor of this
 * process but its output. What it leaves in the background lives on, except when it is killed.
 *
 * @param output hears what it writes to standard output and standard error, as it comes
 * @param cancelled asked about every 50 ms; true kills the process group
 * @par Thread safety Any thread, any number at once. Reaps only its own child.
 * @par Budget Blocks up to `timeout` and what the system needs to kill a process.
 */
[[nodiscard]] ChildOutcome runChild(const ChildOrder& order, const std::function<void(std::string_view)>& output,
                                    const std::function<bool()>& cancelled);

}  // namespace holdfast::inline v1::os
