// SPDX-License-Identifier: BSL-1.0

#include "steady_clock.hpp"

#include <holdfast/exec/strand.hpp>
#include <holdfast/os/process.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace holdfast::inline v1::exec {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::uint32_t groups = 16;

/**
 * When a check that is due after `interval` starts: together with those of other resources, on a grid of a hundredth of the
 * interval, 50 ms at most. However many resources are idle, the pool wakes up a hundred times an interval for them (oftener in
 * intervals above 5 s), not once for each.
 */
Steady::time_point coalesced(Steady::duration interval) {
    const Steady::duration grid =
        std::clamp<Steady::duration>(interval / 100, std::chrono::milliseconds{1}, std::chrono::milliseconds{50});
    const Steady::time_point due = Steady::now() + interval;
    const Steady::duration beyond = due.time_since_epoch() % grid;
    return beyond == Steady::duration::zero() ? due : due + (grid - beyond);
}

class SteadyTimers final : public TimerSet {
public:
    SteadyTimers(Strand& strand, Clock::Expired expired, std::uint32_t group)
        : strand_{strand}, expired_{std::make_shared<Clock::Expired>(std::move(expired))}, group_{group} {}

    void arm(core::Timer timer, core::TimerId id, core::Milliseconds duration) override {
        auto& slot = timers_[static_cast<std::size_t>(timer)];
        if (!slot) slot.emplace(strand_.executor());
        slot->expires_at(timer == core::Timer::checkDue ? checkAt(duration) : Steady::now() + duration);
        const core::Time armedAt = os::coarseNow();
        slot->async_wait([expired = expired_, timer, id, armedAt](const boost::system::error_code& error) {
            if (!error) (*expired)(timer, id, armedAt);
        });
    }

    void cancel(core::Timer timer) override {
        auto& slot = timers_[static_cast<std::size_t>(timer)];
        if (slot) slot->cancel();
        if (timer == core::Timer::checkDue) firstCheck_ = true;
    }

    void cancelAll() override {
        firstCheck_ = true;
        for (auto& slot : timers_) slot.reset();
    }

private:
    /**
     * Resources that come online together, as all do when a machine starts, would be checked together for ever, each on a thread
     * of its own: so the first check comes after a quarter of the interval to all of it, elsewhere for each group of resources.
     * Few groups need few wake-ups while checks take no time, many need few threads when they do; 16 is between them.
     */
    Steady::time_point checkAt(Steady::duration interval) {
        if (!std::exchange(firstCheck_, false)) return coalesced(interval);
        return coalesced(interval / 4 + interval * 3 / 4 * group_ / groups);
    }

    Strand& strand_;
    std::shared_ptr<Clock::Expired> expired_;
    const std::uint32_t group_;  ///< below groups: where in the interval
    bool firstCheck_{true};      ///< of a run; on the strand
    std::array<std::optional<boost::asio::steady_timer>, core::timerCount> timers_;
};

}  // namespace

core::Time SteadyClock::now() const noexcept { return os::coarseNow(); }

std::unique_ptr<TimerSet> SteadyClock::makeTimers(Strand& strand, Expired expired) {
    // Multiples of the golden ratio lie as far from each other as so many can.
    constexpr std::uint64_t goldenRatio = 0x9E37'79B9;  // of 2^32
    const auto place = static_cast<std::uint32_t>(made_.fetch_add(1, std::memory_order_relaxed) * goldenRatio);
    return std::make_unique<SteadyTimers>(strand, std::move(expired),
                                          static_cast<std::uint32_t>((std::uint64_t{place} * groups) >> 32));
}

bool SteadyClock::sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, core::Milliseconds duration,
                        const std::function<bool()>& done) {
    return wake.wait_for(lock, duration, done);
}

}  // namespace holdfast::inline v1::exec
