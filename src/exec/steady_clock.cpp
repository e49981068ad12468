// SPDX-License-Identifier: BSL-1.0

#include "steady_clock.hpp"

#include <holdfast/exec/strand.hpp>
#include <holdfast/os/process.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

namespace holdfast::inline v1::exec {
namespace {

/**
 * When a check that is due after `interval` starts: together with those of other resources, on a grid of a hundredth of the
 * interval, 50 ms at most. However many resources are idle, the pool wakes up a hundred times an interval for them, not once
 * for each; and they stay spread over it.
 */
std::chrono::steady_clock::time_point coalesced(core::Milliseconds interval) {
    using Steady = std::chrono::steady_clock;
    const Steady::duration grid =
        std::clamp<Steady::duration>(interval / 100, std::chrono::milliseconds{1}, std::chrono::milliseconds{50});
    const Steady::time_point due = Steady::now() + interval;
    const Steady::duration beyond = due.time_since_epoch() % grid;
    return beyond == Steady::duration::zero() ? due : due + (grid - beyond);
}

class SteadyTimers final : public TimerSet {
public:
    SteadyTimers(Strand& strand, Clock::Expired expired)
        : strand_{strand}, expired_{std::make_shared<Clock::Expired>(std::move(expired))} {}

    void arm(core::Timer timer, core::TimerId id, core::Milliseconds duration) override {
        auto& slot = timers_[static_cast<std::size_t>(timer)];
        if (!slot) slot.emplace(strand_.executor());
        slot->expires_at(timer == core::Timer::checkDue ? coalesced(duration)
                                                        : std::chrono::steady_clock::now() + duration);
        const core::Time armedAt = os::coarseNow();
        slot->async_wait([expired = expired_, timer, id, armedAt](const boost::system::error_code& error) {
            if (!error) (*expired)(timer, id, armedAt);
        });
    }

    void cancel(core::Timer timer) override {
        auto& slot = timers_[static_cast<std::size_t>(timer)];
        if (slot) slot->cancel();
    }

    void cancelAll() override {
        for (auto& slot : timers_) slot.reset();
    }

private:
    Strand& strand_;
    std::shared_ptr<Clock::Expired> expired_;
    std::array<std::optional<boost::asio::steady_timer>, core::timerCount> timers_;
};

}  // namespace

core::Time SteadyClock::now() const noexcept { return os::coarseNow(); }

std::unique_ptr<TimerSet> SteadyClock::makeTimers(Strand& strand, Expired expired) {
    return std::make_unique<SteadyTimers>(strand, std::move(expired));
}

bool SteadyClock::sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, core::Milliseconds duration,
                        const std::function<bool()>& done) {
    return wake.wait_for(lock, duration, done);
}

}  // namespace holdfast::inline v1::exec
