// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v1::process {

/** Cuts a stream into lines. What exceeds `mostLength` of a line is left out. */
class Lines {
public:
    static constexpr std::size_t mostLength = 4096;

    template <typename Call>
    void add(std::string_view bytes, const Call& call) {
        for (std::size_t end = 0; (end = bytes.find('\n')) != std::string_view::npos; bytes.remove_prefix(end + 1)) {
            keep(bytes.substr(0, end));
            finish(call);
        }
        keep(bytes);
    }
    /** The stream ended: what has no newline yet is a line, too. */
    template <typename Call>
    void finish(const Call& call) {
        if (!line_.empty() && line_.back() == '\r') line_.pop_back();
        if (!line_.empty()) call(std::string_view{line_});
        line_.clear();
    }

private:
    void keep(std::string_view bytes) {
        if (line_.size() < mostLength) line_.append(bytes.substr(0, mostLength - line_.size()));
    }
    std::string line_;
};

/** At most `burst` lines at once and `rate` per second afterwards; counts the rest. Time is in ms. */
class RateLimit {
public:
    RateLimit() = default;
    RateLimit(std::uint32_t burst, std::uint32_t rate, std::int64_t now) noexcept
        : burst_{std::uint64_t{burst} * 1000}, rate_{rate}, tokens_{burst_}, since_{now} {}

    bool allows(std::int64_t now) noexcept {
        refill(now);
        if (tokens_ < 1000) {
            if (dropped_++ == 0) droppedSince_ = now;
            return false;
        }
        tokens_ -= 1000;
        return true;
    }
    void drop(std::int64_t now) noexcept {
        if (dropped_++ == 0) droppedSince_ = now;
    }
    /** When the count of dropped lines is due; INT64_MAX if none was. */
    [[nodiscard]] std::int64_t due() const noexcept { return dropped_ == 0 ? INT64_MAX : droppedSince_ + 1000; }
    std::uint32_t takeDropped() noexcept { return std::exchange(dropped_, 0U); }

private:
    void refill(std::int64_t now) noexcept {
        const auto passed = static_cast<std::uint64_t>(now > since_ ? now - since_ : 0);
        since_ = now;
        // A thousandth of a line per unit. A long silence fills the bucket, and no more.
        tokens_ = passed > 86'400'000 ? burst_ : std::min(burst_, tokens_ + passed * rate_);
    }
    std::uint64_t burst_{0};
    std::uint64_t rate_{0};
    std::uint64_t tokens_{0};
    std::int64_t since_{0};
    std::int64_t droppedSince_{0};
    std::uint32_t dropped_{0};
};

}  // namespace holdfast::inline v1::process
