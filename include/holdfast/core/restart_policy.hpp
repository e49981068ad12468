// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>

namespace holdfast::inline v1::core {

/** RestartAction (5.4). */
enum class RestartAction : std::uint32_t {
    never = 0,                ///< stay Failed
    restart = 1,              ///< restart here, never fail over
    restartThenFailover = 2,  ///< past the threshold, ask for a failover of the group
};

/** The common properties that govern restarts, with the defaults of 11.5 (threshold: W-461). */
struct RestartSettings {
    using Milliseconds = std::chrono::milliseconds;
    static constexpr Milliseconds never{0xFFFF'FFFFLL};

    RestartAction action{RestartAction::restartThenFailover};
    std::uint32_t threshold{1};                    ///< RestartThreshold: restarts tolerated inside the period
    Milliseconds period{900'000};                  ///< RestartPeriod
    Milliseconds delay{500};                       ///< RestartDelay
    Milliseconds retryPeriodOnFailure{3'600'000};  ///< RetryPeriodOnFailure; `never` switches it off
};

/** What the agent said about where a restart could succeed (W-207, S13). */
enum class RestartPlace : std::uint8_t { here, anotherNode, nowhere };

/** What to do with a resource that has just become Failed. */
struct RestartDecision {
    enum class Kind : std::uint8_t {
        restart,   ///< Online after `delay`
        failover,  ///< ask for a failover of the group; meanwhile Failed
        stay,      ///< Failed
    };
    Kind kind{Kind::stay};
    std::chrono::milliseconds delay{0};  ///< before the restart
    bool retries{false};                 ///< one more attempt follows `retryAfter` in Failed (W-463)
    std::chrono::milliseconds retryAfter{0};
};

/**
 * Decides whether a failed resource is restarted (W-460..W-464, procedure 5.5).
 *
 * Restarts are remembered exactly for thresholds up to `capacity`. Above it they are counted in slices of
 * RestartPeriod / capacity, and a slice is forgotten with its youngest restart: never more than RestartThreshold
 * restarts are tolerated inside a period, and one is forgotten at most a slice late. So a threshold of 0xFFFFFFFF
 * really means "always", and one of 1,000 is not silently cut to the capacity.
 *
 * @par Thread safety One owner.
 */
class RestartPolicy {
public:
    using Milliseconds = std::chrono::milliseconds;
    using Time = std::chrono::time_point<std::chrono::steady_clock, Milliseconds>;
    static constexpr std::size_t capacity = 64;

    RestartPolicy() noexcept = default;
    explicit RestartPolicy(const RestartSettings& settings) noexcept : settings_{settings} {}

    /** Takes new settings; what was counted stays counted. */
    void configure(const RestartSettings& settings) noexcept { settings_ = settings; }
    [[nodiscard]] const RestartSettings& settings() const noexcept { return settings_; }

    /** The resource became Failed, after its Terminate. */
    [[nodiscard]] RestartDecision failed(Time now, RestartPlace place = RestartPlace::here) noexcept {
        forget(now);
        RestartDecision decision;
        const bool final = finalAttempt_;
        finalAttempt_ = false;
        if (settings_.action == RestartAction::never) return decision;  // W-462: never restarted at all
        if (place == RestartPlace::nowhere) return decision;            // S13: 126
        const bool here = place == RestartPlace::here;
        if (here && !final && count() < settings_.threshold) {  // 5.5 (3)
            record(now);
            decision.kind = RestartDecision::Kind::restart;
            decision.delay = settings_.delay;
            return decision;
        }
        if (final) return decision;  // W-463: one attempt, then it is up to people
        if (settings_.action == RestartAction::restartThenFailover) decision.kind = RestartDecision::Kind::failover;
        decision.retries = here && settings_.retryPeriodOnFailure < RestartSettings::never;
        if (decision.retries) decision.retryAfter = settings_.retryPeriodOnFailure;
        return decision;
    }

    /** RetryPeriodOnFailure has passed in Failed: the next Online is the final attempt (5.5 (5)). */
    void retrying() noexcept {
        clear();  // W-464: the counter is reset, not the property
        finalAttempt_ = true;
    }

    /** The resource is Online, or somebody asked for it by hand. */
    void recovered() noexcept { finalAttempt_ = false; }

    /** It runs elsewhere, or as if: nothing of what was counted holds there. */
    void moved() noexcept {
        clear();
        finalAttempt_ = false;
    }

    /** Restarts that happened between `first` and `last`: one, or many that are counted together. */
    struct Slice {
        Time first{};
        Time last{};
        std::uint64_t restarts{0};

        auto operator<=>(const Slice&) const = default;
    };
    /** What is remembered, the oldest first: for a policy that outlives its process. */
    [[nodiscard]] std::size_t slices() const noexcept { return size_; }
    [[nodiscard]] const Slice& slice(std::size_t index) const noexcept { return ring_[(begin_ + index) % slots]; }
    /** Takes back what `slice` gave, in its order. */
    void restore(const Slice& old) noexcept {
        if (size_ == slots || (size_ > 0 && old.first < at(size_ - 1).last)) {
            at(size_ - 1).restarts += old.restarts;  // settings that shrank, or clocks that disagree: the count is kept
            at(size_ - 1).last = at(size_ - 1).last < old.last ? old.last : at(size_ - 1).last;
            return;
        }
        at(size_) = old;
        ++size_;
    }

    /** Restarts remembered inside the period that ends at `now`. */
    [[nodiscard]] std::uint64_t restarts(Time now) noexcept {
        forget(now);
        return count();
    }

private:
    static constexpr std::size_t slots = capacity + 2;  // the oldest and the newest slice may be partial

    [[nodiscard]] Milliseconds sliceLength() const noexcept {
        if (settings_.threshold <= capacity) return Milliseconds{0};  // each restart has its own slot
        return settings_.period / capacity + Milliseconds{1};
    }

    void record(Time now) noexcept {
        if (size_ > 0) {
            Slice& newest = at(size_ - 1);
            // A clock that did not advance, or settings that shrank, may fill the slots: merging keeps the count right.
            if (now - newest.first < sliceLength() || size_ == slots) {
                newest.last = now;
                ++newest.restarts;
                return;
            }
        }
        at(size_) = Slice{now, now, 1};
        ++size_;
    }

    void forget(Time now) noexcept {
        while (size_ > 0 && now - at(0).last > settings_.period) {  // 5.5 (1): older than the period
            begin_ = (begin_ + 1) % slots;
            --size_;
        }
    }

    [[nodiscard]] std::uint64_t count() const noexcept {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < size_; ++i) sum += ring_[(begin_ + i) % slots].restarts;
        return sum;
    }

    void clear() noexcept { begin_ = size_ = 0; }
    [[nodiscard]] Slice& at(std::size_t index) noexcept { return ring_[(begin_ + index) % slots]; }

    RestartSettings settings_{};
    std::array<Slice, slots> ring_{};
    std::size_t begin_{0};
    std::size_t size_{0};
    bool finalAttempt_{false};
};

}  // namespace holdfast::inline v1::core
