// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/stage.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace holdfast::inline v1::verify {

/** @par Thread safety What is set at the start is read by all; the rest is the call's until `waitFor` has answered true. */
class Stage::Running {
public:
    std::string name;
    std::string resource;
    std::string_view budget;
    std::uint64_t number{0};
    std::chrono::nanoseconds stalledBefore{0};
    std::chrono::steady_clock::time_point start;

    abi::Dword code{0};
    std::string threw;
    std::chrono::nanoseconds span{0};

    void end(abi::Dword itsCode, std::string itsEnd) {
        const auto now = std::chrono::steady_clock::now();
        const std::lock_guard lock{mutex_};
        code = itsCode;
        threw = std::move(itsEnd);
        span = now - start;
        ended_ = true;
        changed_.notify_all();
    }
    void entered() noexcept { entered_.store(true, std::memory_order_release); }
    /** Until its thread is about to enter the library. */
    void waitUntilEntered() const noexcept {
        while (!entered_.load(std::memory_order_acquire)) std::this_thread::yield();
    }
    [[nodiscard]] bool waitFor(std::chrono::milliseconds limit) {
        std::unique_lock lock{mutex_};
        return changed_.wait_for(lock, limit, [&] { return ended_; });
    }

private:
    std::mutex mutex_;  // guards what `end` sets
    std::condition_variable changed_;
    bool ended_{false};
    std::atomic<bool> entered_{false};
};

}  // namespace holdfast::inline v1::verify
