// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/flight_file.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

namespace holdfast::inline v1::monitor {

/**
 * Writes flight files, and has the stacks of a host's threads taken from outside before: on threads of its own, because both
 * take time.
 *
 * @par Thread safety One owner. Its events come on other threads.
 * @par Budget `write` returns at once; what it started takes at most `stacksPatience` and the time to write a few megabytes.
 */
class FlightLog {
public:
    static constexpr std::chrono::seconds stacksPatience{5};

    /** `stacksProgram` empty: there are no stacks. */
    FlightLog(std::filesystem::path folder, std::filesystem::path stacksProgram);
    FlightLog(const FlightLog&) = delete;
    FlightLog& operator=(const FlightLog&) = delete;
    /** Waits for what is being written, without stacks that are not there yet. */
    ~FlightLog();
    /**
     * For an owner whose process is about to end without destructors: what is being written is written, without stacks that are
     * not there yet, and nothing more. Waits for that, but not longer than `patience`.
     */
    void leave(std::chrono::milliseconds patience);

    struct Order {
        FlightIncident incident;
        std::shared_ptr<const void> owner;  ///< keeps `memory` mapped
        void* memory{nullptr};
        bool stacks{false};                     ///< the process lives
        std::function<void()> interrupted;      ///< the stacks were cut short: a thread may have been left stopped
        std::function<void()> taken;            ///< the stacks were taken, or will not be; before the file is written
        std::function<void(std::string)> said;  ///< where the file is, or why there is none
    };
    /** False: too many are being written, or `leave` was called; nothing of `order` is called. */
    [[nodiscard]] bool write(Order order);
    [[nodiscard]] bool hasStacks() const noexcept { return !stacksProgram_.empty(); }

private:
    struct Task {
        std::atomic<bool> done{false};
        std::thread thread;
    };
    void perform(const Order& order);
    void joinDone();

    const std::filesystem::path folder_;
    const std::filesystem::path stacksProgram_;
    std::atomic<bool> ending_{false};
    std::list<Task> tasks_;  // the owner's; `done` is set by the task's thread, last of all
};

}  // namespace holdfast::inline v1::monitor
