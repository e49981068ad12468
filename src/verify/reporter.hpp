// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/rule.hpp"

#include <holdfast/abi/resapi.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace holdfast::inline v1::verify {

/** What begins each record in what a scenario's process writes: whatever the library itself prints has none. */
inline constexpr char recordMark = '\x1E';

/** The note of a process that is about to crash by order (--inject crash). */
inline constexpr std::string_view crashOrdered = "a crash was ordered";

/**
 * What a scenario's process tells of itself, a record at a time: what is called, what came back, what is thought of it. Written
 * before the call, so that whoever reads knows what ran when the process died.
 *
 * @par Thread safety Every member from any thread.
 */
class Reporter {
public:
    using Write = std::function<void(std::string_view)>;
    explicit Reporter(Write write) : write_{std::move(write)} {}

    void judge(std::string_view rule, Judgement judgement, std::string_view evidence);
    [[nodiscard]] bool failed(std::string_view rule) const;

    /** A number for `left`. */
    std::uint64_t entered(std::string_view call, std::string_view resource);
    struct Left {
        std::uint64_t number{0};
        std::chrono::nanoseconds span{0};
        std::chrono::nanoseconds stalled{0};  ///< of it the machine did not run us
        abi::Dword code{0};
        std::string_view budget;  ///< the rule that limits it; empty: it is not measured
        std::string_view also;    ///< what else ran
    };
    void left(const Left& what);
    void status(std::string_view resource, std::int32_t state, abi::Dword checkPoint, abi::Dword answer);
    void logged(std::string_view resource, abi::Dword level, std::string_view text);
    /** A crash from here on is a breach of `rule`; empty: of the general one. */
    void blame(std::string_view rule);
    void note(std::string_view text);
    /** The scenario is over; `broken`: nothing that builds on it makes sense. */
    void done(bool broken);

private:
    void line(const std::string& text);
    const Write write_;
    const std::chrono::steady_clock::time_point start_{std::chrono::steady_clock::now()};
    mutable std::mutex mutex_;  // guards all below, and one record at a time
    std::uint64_t lastNumber_{0};
    std::map<std::string, int, std::less<>> told_;  ///< findings per rule: a flood says no more than its beginning
    std::set<std::string, std::less<>> failed_;
    int logLines_{0};
};

}  // namespace holdfast::inline v1::verify
