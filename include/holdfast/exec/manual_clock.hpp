// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/clock.hpp>

#include <atomic>
#include <map>
#include <set>
#include <vector>

namespace holdfast::inline v1::exec {

/**
 * A clock that moves only when told: a PendingTimeout of three minutes passes in microseconds.
 *
 * @par Thread safety All members from any thread; `advance` by one thread at a time.
 */
class ManualClock final : public Clock {
public:
    ManualClock();
    ~ManualClock() override;

    [[nodiscard]] core::Time now() const noexcept override;
    [[nodiscard]] std::unique_ptr<TimerSet> makeTimers(Strand& strand, Expired expired) override;
    bool sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, core::Milliseconds duration,
               const std::function<bool()>& done) override;

    void watchWork(const std::function<std::size_t()>& busyWorkers) override;

    /**
     * Moves the time, stopping at each timer on the way until its strand dealt with it and the calls it started ended, sleep on
     * this clock, or have been stuck for 20 ms of real time.
     */
    void advance(core::Milliseconds duration);

    /** Moves the time at once, as if the process had been suspended: timers on the way fire late (D4). */
    void jump(core::Milliseconds duration);

private:
    class Timers;
    struct Armed {
        Timers* owner;
        core::Timer timer;
        core::TimerId id;
        core::Time armedAt;
    };
    void wakeSleepers();
    bool fireNext(core::Time until, bool moveTime);
    void letStrandsFinish();
    void letWorkFinish();

    mutable std::mutex mutex_;  // guards armed_, all_, sleepers_ and busyWorkers_
    std::multimap<core::Time, Armed> armed_;
    std::set<Timers*> all_;
    std::set<std::condition_variable*> sleepers_;
    std::function<std::size_t()> busyWorkers_;
    std::size_t stuck_{0};  // the advancing thread's
    std::atomic<core::Time> now_;
};

}  // namespace holdfast::inline v1::exec
