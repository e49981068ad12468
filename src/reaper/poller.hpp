// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <poll.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace holdfast::inline v1::reaper {

/** One round of waiting: who waits for what, and the earliest time at which somebody wants to look again. */
class Poller {
public:
    explicit Poller(std::int64_t now) noexcept : now_{now} {}

    void watch(int fd, short events, std::function<void(short)> ready) {
        entries_.push_back({fd, events, 0});
        ready_.push_back(std::move(ready));
    }
    /** `time` is on the monotonic clock, in ms. */
    void wakeAt(std::int64_t time) noexcept { wake_ = std::min(wake_, time); }

    void wait() {
        const std::int64_t most = 60'000;  // nothing depends on it: a bound for what nobody thought of
        const auto timeout = static_cast<int>(std::clamp<std::int64_t>(wake_ - now_, 0, most));
        if (::poll(entries_.data(), entries_.size(), timeout) <= 0) return;
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            if (entries_[i].revents != 0) ready_[i](entries_[i].revents);
        }
    }

private:
    std::int64_t now_;
    std::int64_t wake_{INT64_MAX};
    std::vector<pollfd> entries_;
    std::vector<std::function<void(short)>> ready_;
};

}  // namespace holdfast::inline v1::reaper
