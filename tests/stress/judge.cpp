// SPDX-License-Identifier: BSL-1.0
#include "judge.hpp"

#include <algorithm>

namespace stress {

namespace {

constexpr milliseconds pause{5};
#if defined(_WIN32)
constexpr milliseconds leastStall{35};  // its clock may tick every 16 ms: two ticks are no stall
#else
constexpr milliseconds leastStall{2};
#endif
constexpr std::size_t mostTexts = 20;

std::int64_t now() noexcept { return Steady::now().time_since_epoch() / std::chrono::nanoseconds{1}; }
std::int64_t lateness(std::int64_t since) noexcept {
    constexpr std::int64_t usual = std::chrono::nanoseconds{pause + leastStall}.count();
    return std::max<std::int64_t>(0, now() - since - usual);
}

}  // namespace

Stalls::Stalls() : last_{now()} {
    thread_ = std::thread{[this] {
        while (!ending_.load(std::memory_order_relaxed)) {
            std::this_thread::sleep_for(pause);
            const auto late = lateness(last_.load(std::memory_order_relaxed));
            total_.fetch_add(late, std::memory_order_relaxed);
            last_.store(now(), std::memory_order_relaxed);
        }
    }};
}

Stalls::~Stalls() {
    ending_.store(true, std::memory_order_relaxed);
    thread_.join();
}

std::chrono::nanoseconds Stalls::soFar() const noexcept {
    return std::chrono::nanoseconds{total_.load(std::memory_order_relaxed) +
                                    lateness(last_.load(std::memory_order_relaxed))};
}

void Judge::broken(std::string what) {
    broken_.fetch_add(1);
    const std::lock_guard lock{mutex_};
    if (texts_.size() < mostTexts) texts_.push_back(std::move(what));
}

std::vector<std::string> Judge::texts() const {
    const std::lock_guard lock{mutex_};
    return texts_;
}

}  // namespace stress
