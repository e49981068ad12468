// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/lifecycle_events.hpp>

#include <atomic>

namespace holdfast::inline v1::exec {

/**
 * Notices that the whole process did not run for a while (suspend, paused machine, SIGSTOP), so that nobody is blamed
 * for being late (D4).
 *
 * A tick every half second says "we ran". Whoever sees the last tick more than two seconds old grants one extension, dated
 * now; there is no second one before the next tick, so a pool that is starved rather than suspended cannot keep a verdict alive.
 *
 * @par Thread safety Lock-free, from any thread.
 */
class StallWatch {
public:
    static constexpr core::Milliseconds tickInterval{500};

    void start(core::Time now) noexcept {
        lastTick_.store(now, std::memory_order_relaxed);
        resumed_.store(never, std::memory_order_release);
    }
    void tick(core::Time now) noexcept {
        static_cast<void>(resumedAt(now));
        lastTick_.store(now, std::memory_order_release);
    }
    /** A tick that cannot be late: a clock moved by hand. */
    void ran(core::Time now) noexcept { lastTick_.store(now, std::memory_order_release); }
    /** When the last stall was noticed; `never` if none was. */
    core::Time resumedAt(core::Time now) noexcept {
        const core::Time tick = lastTick_.load(std::memory_order_acquire);
        core::Time resumed = resumed_.load(std::memory_order_acquire);
        if (now - tick > core::Limits::stall.count() && resumed < tick) {
            if (resumed_.compare_exchange_strong(resumed, now, std::memory_order_acq_rel)) return now;
        }
        return resumed;
    }
    static constexpr core::Time never = -1;

private:
    std::atomic<core::Time> lastTick_{0};
    std::atomic<core::Time> resumed_{never};
};

}  // namespace holdfast::inline v1::exec
