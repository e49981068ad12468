// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/lifecycle_events.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace holdfast::inline v1::exec {

/**
 * Where an engine thread waits for the strand's answer (D2).
 *
 * Claimed once: if the wait ends first, the request is cancelled and the strand drops it unseen; if the strand took it first, its
 * answer is on the way. Standard primitives only: nothing of Boost.Thread may stay on an engine's thread (D9).
 *
 * @par Thread safety One waiter, one answerer.
 */
class ReplySlot {
public:
    using Deadline = std::chrono::steady_clock::time_point;

    /** By the strand: false if the waiter gave up. */
    [[nodiscard]] bool take() {
        const std::lock_guard lock{mutex_};
        if (state_ == State::cancelled) return false;
        state_ = State::taken;
        return true;
    }

    /** By the strand. */
    void answer(core::Answer answer) {
        {
            const std::lock_guard lock{mutex_};
            if (answer_) return;
            answer_ = answer;
        }
        answered_.notify_all();
    }

    /** Empty when `deadline` passed without an answer. */
    [[nodiscard]] std::optional<core::Answer> wait(Deadline deadline) {
        std::unique_lock lock{mutex_};
        answered_.wait_until(lock, deadline, [this] { return answer_.has_value(); });
        return answer_;
    }

    /** False if the strand took the request already. */
    [[nodiscard]] bool cancel() {
        const std::lock_guard lock{mutex_};
        if (state_ != State::waiting) return false;
        state_ = State::cancelled;
        return true;
    }

private:
    enum class State { waiting, taken, cancelled };
    std::mutex mutex_;  // guards all below
    std::condition_variable answered_;
    State state_{State::waiting};
    std::optional<core::Answer> answer_;
};

}  // namespace holdfast::inline v1::exec
