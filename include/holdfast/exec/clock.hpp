// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/lifecycle_events.hpp>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

namespace holdfast::inline v1::exec {

class Strand;

/**
 * One resource's timers, at most one per kind.
 *
 * @par Thread safety Owned by the resource's strand.
 */
class TimerSet {
public:
    TimerSet() = default;
    TimerSet(const TimerSet&) = delete;
    TimerSet& operator=(const TimerSet&) = delete;
    virtual ~TimerSet() = default;
    virtual void arm(core::Timer timer, core::TimerId id, core::Milliseconds duration) = 0;
    virtual void cancel(core::Timer timer) = 0;
    virtual void cancelAll() = 0;
};

/**
 * Where time comes from: the system's steady clock, or a test's hand.
 *
 * @par Thread safety All members from any thread.
 */
class Clock {
public:
    /** Called on the strand; `armedAt` tells whether a stall happened meanwhile (D4). */
    using Expired = std::function<void(core::Timer, core::TimerId, core::Time armedAt)>;

    Clock() = default;
    Clock(const Clock&) = delete;
    Clock& operator=(const Clock&) = delete;
    virtual ~Clock() = default;

    [[nodiscard]] virtual core::Time now() const noexcept = 0;
    [[nodiscard]] virtual std::unique_ptr<TimerSet> makeTimers(Strand& strand, Expired expired) = 0;

    /** Tells how many workers are at work, so that a clock moved by hand can let them finish before it moves on. */
    virtual void watchWork(const std::function<std::size_t()>& busyWorkers) { static_cast<void>(busyWorkers); }

    /**
     * Sleeps on `wake` until `done()` or `duration` passed on this clock; true if `done()` ended it. `lock` is held
     * whenever `done` runs.
     */
    virtual bool sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, core::Milliseconds duration,
                       const std::function<bool()>& done) = 0;
};

}  // namespace holdfast::inline v1::exec
