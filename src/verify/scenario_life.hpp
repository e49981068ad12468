// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/rule.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::verify {

/** A call that came back. */
struct TimedCall {
    std::string call;
    std::string resource;
    std::string budget;  ///< the rule that limits it; empty: it was not measured
    std::string beside;  ///< what else ran meanwhile
    std::string scenario;
    std::uint64_t thread{0};
    std::chrono::nanoseconds at{0};
    std::chrono::nanoseconds span{0};
    std::chrono::nanoseconds stalled{0};
    std::uint32_t code{0};
};

/**
 * What a scenario's process told, put together again (see Reporter).
 *
 * @par Thread safety One owner.
 */
class ScenarioLife {
public:
    struct Judged {
        std::string rule;
        Judgement judgement{};
        std::string evidence;
    };

    /** More of its output. */
    void take(std::string_view text);

    [[nodiscard]] const std::vector<Judged>& judged() const noexcept { return judged_; }
    [[nodiscard]] const std::vector<TimedCall>& calls() const noexcept { return calls_; }
    /** It said that it was over. */
    [[nodiscard]] bool ended() const noexcept { return ended_; }
    [[nodiscard]] bool broken() const noexcept { return broken_; }
    /** The calls that had not come back; empty: none. */
    [[nodiscard]] std::string running() const;
    [[nodiscard]] const std::string& blamed() const noexcept { return blamed_; }
    [[nodiscard]] const std::string& note() const noexcept { return note_; }
    /** The end of what the library itself printed. */
    [[nodiscard]] std::string otherOutput() const;
    [[nodiscard]] bool sawPending() const noexcept { return sawPending_; }
    /** Records of its own doing: calls and judgements, not what the library says. */
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
    [[nodiscard]] bool sawEvent() const noexcept { return sawPending_ || !calls_.empty(); }

    /** The calls, reports and log lines as `holdfast run --trace` writes them. */
    void writeTrace(std::ostream& out, std::string_view scenario) const;

private:
    void record(std::string_view text);

    std::string buffer_;
    std::string other_;
    std::vector<Judged> judged_;
    std::vector<TimedCall> calls_;
    std::map<std::uint64_t, TimedCall> open_;
    std::vector<std::string> trace_;
    std::string blamed_;
    std::string note_;
    std::chrono::system_clock::time_point start_{std::chrono::system_clock::now()};
    std::uint64_t steps_{0};
    bool ended_{false};
    bool broken_{false};
    bool sawPending_{false};
};

}  // namespace holdfast::inline v1::verify
