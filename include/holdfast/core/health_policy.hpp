// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/policy.hpp>

#include <array>
#include <cstdint>

namespace holdfast::inline v1::core {

/**
 * Decides what a check's end means (D10, D11): alive, tolerated, worth a repair, or a failure.
 *
 * A failed check is the entity's word; a timed-out one is only silence, so each has its own tolerance: FailureTolerance
 * counts failures in a row, TimeoutTolerance counts timeouts inside FailureWindow. A repair is tried once per episode (from
 * the first failed check to the next alive one), before the failure counts.
 */
class HealthPolicy {
public:
    enum class Next : std::uint8_t { alive, checkNow, repair, tolerated, fail };

    /** A new run: nothing is remembered of the last one (W-332). */
    void start() noexcept { *this = HealthPolicy{}; }

    /** True if the check due now is the thorough one. */
    [[nodiscard]] bool thoroughIsDue(const Policy& policy) noexcept {
        if (++sinceThorough_ < policy.thoroughEvery) return false;
        sinceThorough_ = 0;
        return true;
    }

    [[nodiscard]] Next lookEnded(bool alive) noexcept {
        if (alive) return Next::alive;
        sinceThorough_ = 0;
        return Next::checkNow;  // W-301: LooksAlive alone never fails a resource
    }

    [[nodiscard]] Next checkEnded(bool alive, const Policy& policy) noexcept {
        if (alive) {
            failures_ = 0;
            repairTried_ = false;
            return Next::alive;
        }
        if (policy.repairs && !repairTried_) {
            repairTried_ = true;
            return Next::repair;
        }
        return failureCounts(policy);
    }

    [[nodiscard]] Next repairEnded(bool mended, const Policy& policy) noexcept {
        return mended ? Next::checkNow : failureCounts(policy);
    }

    [[nodiscard]] Next timedOut(std::int64_t now, const Policy& policy) noexcept {
        forget(now, policy.failureWindow);
        if (timeouts_ >= policy.timeoutTolerance || timeouts_ >= capacity) return Next::fail;
        timeoutAt_[timeouts_++] = now;
        return Next::tolerated;
    }

    /** Forgets timeouts that left the window; 0 means never. */
    void forget(std::int64_t now, Milliseconds window) noexcept {
        if (window.count() == 0) return;
        std::uint32_t kept = 0;
        for (std::uint32_t i = 0; i < timeouts_; ++i) {
            if (now - timeoutAt_[i] <= window.count()) timeoutAt_[kept++] = timeoutAt_[i];
        }
        timeouts_ = kept;
    }

    [[nodiscard]] std::uint32_t failures() const noexcept { return failures_; }
    [[nodiscard]] std::uint32_t timeouts() const noexcept { return timeouts_; }
    [[nodiscard]] std::uint32_t sinceThorough() const noexcept { return sinceThorough_; }
    [[nodiscard]] bool repairTried() const noexcept { return repairTried_; }

    static constexpr std::uint32_t capacity = 100;  ///< the largest TimeoutTolerance

private:
    Next failureCounts(const Policy& policy) noexcept {
        if (failures_ >= policy.failureTolerance) return Next::fail;
        ++failures_;
        return Next::tolerated;
    }

    std::array<std::int64_t, capacity> timeoutAt_{};
    std::uint32_t timeouts_{0};
    std::uint32_t failures_{0};
    std::uint32_t sinceThorough_{0};
    bool repairTried_{false};
};

}  // namespace holdfast::inline v1::core
