// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/record.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Carries records from the monitor's threads to the one that shows them, in bounded memory.
 *
 * Calls and reports are many: they are taken only while somebody wants them. The last of the others are kept.
 *
 * @par Thread safety Every member from any thread.
 */
class RecordFeed {
public:
    static constexpr std::size_t mostWaiting = 4'096;
    using Shared = std::shared_ptr<const Record>;
    struct Taken {
        std::vector<Shared> records;
        std::size_t lost{0};  ///< no room for so many
    };

    explicit RecordFeed(std::size_t history) : history_{history} {}

    static bool isRoutine(const Record& record) noexcept {
        return std::holds_alternative<CallRecord>(record.what) || std::holds_alternative<StatusRecord>(record.what);
    }

    /** True if the reader must be woken. */
    bool put(const Record& record) {
        const bool routine = isRoutine(record);
        if (routine && routineWanted_.load(std::memory_order_relaxed) == 0) return false;
        auto shared = std::make_shared<const Record>(record);
        const std::lock_guard lock{mutex_};
        if (!routine) {
            kept_.push_back(shared);
            if (kept_.size() > history_) kept_.pop_front();
        }
        if (followers_ == 0) return false;
        if (waiting_.size() >= mostWaiting) {
            ++lost_;
            return false;  // it was woken for the others
        }
        waiting_.push_back(std::move(shared));
        return waiting_.size() == 1;
    }

    [[nodiscard]] Taken take() {
        const std::lock_guard lock{mutex_};
        return {std::exchange(waiting_, {}), std::exchange(lost_, 0)};
    }

    /** A follower begins: what it missed, at most `most`. What waits is for those before it, so take that first. */
    [[nodiscard]] std::vector<Shared> follow(bool routine, std::size_t most) {
        if (routine) ++routineWanted_;
        const std::lock_guard lock{mutex_};
        ++followers_;
        const std::size_t from = kept_.size() > most ? kept_.size() - most : 0;
        return {kept_.begin() + static_cast<std::ptrdiff_t>(from), kept_.end()};
    }
    void unfollow(bool routine) {
        if (routine) --routineWanted_;
        const std::lock_guard lock{mutex_};
        if (--followers_ == 0) waiting_.clear();
    }

private:
    const std::size_t history_;
    std::atomic<std::size_t> routineWanted_{0};
    std::mutex mutex_;  // guards all below
    std::size_t followers_{0};
    std::deque<Shared> kept_;
    std::vector<Shared> waiting_;
    std::size_t lost_{0};
};

}  // namespace holdfast::inline v1::monitor
