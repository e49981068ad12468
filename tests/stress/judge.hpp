// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What was broken, and what the machine is to blame for.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace stress {

using Steady = std::chrono::steady_clock;
using std::chrono::milliseconds;

/** Time in which this process wanted to run and did not, counted by a thread that wants to every few milliseconds. */
class Stalls {
public:
    Stalls();
    Stalls(const Stalls&) = delete;
    Stalls& operator=(const Stalls&) = delete;
    ~Stalls();
    [[nodiscard]] std::chrono::nanoseconds soFar() const noexcept;

private:
    std::atomic<std::int64_t> total_{0};  // ns; written by thread_ alone
    std::atomic<std::int64_t> last_;      // when it ran last: the stall that lasts counts, too
    std::atomic<bool> ending_{false};
    std::thread thread_;
};

/** Counts promises kept and keeps the text of those that were broken. @par Thread safety Every member from any thread. */
class Judge {
public:
    void kept() noexcept { kept_.fetch_add(1, std::memory_order_relaxed); }
    void broken(std::string what);
    void expect(bool holds, const char* what, std::size_t resource) {
        if (holds) return kept();
        broken(std::string{what} + ", resource " + std::to_string(resource));
    }
    /** What looks broken only because the machine did not let us run. */
    void excused() noexcept { excused_.fetch_add(1, std::memory_order_relaxed); }

    [[nodiscard]] std::uint64_t keptCount() const noexcept { return kept_.load(); }
    [[nodiscard]] std::uint64_t excusedCount() const noexcept { return excused_.load(); }
    [[nodiscard]] std::vector<std::string> texts() const;
    [[nodiscard]] std::uint64_t brokenCount() const noexcept { return broken_.load(); }

private:
    std::atomic<std::uint64_t> kept_{0};
    std::atomic<std::uint64_t> excused_{0};
    std::atomic<std::uint64_t> broken_{0};
    mutable std::mutex mutex_;
    std::vector<std::string> texts_;  // guarded by mutex_; the first few
};

}  // namespace stress
