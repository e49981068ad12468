// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/clock.hpp>

#include <atomic>
#include <cstdint>

namespace holdfast::inline v1::exec {

/** The system's steady clock with Asio's timers. */
class SteadyClock final : public Clock {
public:
    [[nodiscard]] core::Time now() const noexcept override;
    [[nodiscard]] std::unique_ptr<TimerSet> makeTimers(Strand& strand, Expired expired) override;
    bool sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, core::Milliseconds duration,
               const std::function<bool()>& done) override;

private:
    std::atomic<std::uint32_t> made_{0};  ///< sets of timers, of which each has its place in a check's interval
};

}  // namespace holdfast::inline v1::exec
