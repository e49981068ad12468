// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/clock.hpp>

namespace holdfast::inline v1::exec {

/** The system's steady clock with Asio's timers. */
class SteadyClock final : public Clock {
public:
    [[nodiscard]] core::Time now() const noexcept override;
    [[nodiscard]] std::unique_ptr<TimerSet> makeTimers(Strand& strand, Expired expired) override;
    bool sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, core::Milliseconds duration,
               const std::function<bool()>& done) override;
};

}  // namespace holdfast::inline v1::exec
