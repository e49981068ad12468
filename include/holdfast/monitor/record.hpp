// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a running monitor tells about itself: one record per call, report, state change, log line and signal.

#include <holdfast/context.hpp>
#include <holdfast/monitor/host.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::inline v1::monitor {

struct CallRecord {
    EntryPoint entryPoint{};
    std::uint64_t thread{0};
    std::chrono::steady_clock::time_point start;
    std::chrono::nanoseconds span{0};
    std::chrono::milliseconds budget{0};
    abi::Dword code{0};
    abi::Dword controlCode{0};
    bool threw{false};
};

struct StatusRecord {
    ReportedStatus status;
    abi::ExitState answer{};
};

struct StateRecord {
    core::MonitorState from{};
    core::MonitorState to{};
    abi::ResourceState external{};
    std::string reason;  ///< why, when something is worth saying
};

struct LogRecord {
    LogLevel level{LogLevel::information};
    std::string operation;  ///< the call or pending operation it belongs to; empty if none
    std::string text;
    bool fromAgent{false};
};

struct SignalRecord {};

struct Record {
    std::chrono::system_clock::time_point time;
    std::string resource;  ///< empty: of the monitor itself
    std::variant<CallRecord, StatusRecord, StateRecord, LogRecord, SignalRecord> what;
};

/** One line of the calls table: an entry point's calls over the whole run. */
struct CallSummary {
    EntryPoint entryPoint{};
    std::uint64_t count{0};
    std::chrono::nanoseconds median{0};
    std::chrono::nanoseconds percentile99{0};
    std::chrono::nanoseconds worst{0};
    std::chrono::milliseconds budget{0};
    std::uint64_t overBudget{0};
    std::string worstResource;
};

/** How long the calls of one entry point took, counted under fixed bounds; the two budgets are among them (W-100). */
struct CallHistogram {
    static constexpr std::array<std::chrono::nanoseconds, 16> bounds{
        std::chrono::microseconds{10},  std::chrono::microseconds{30},  std::chrono::microseconds{100},
        std::chrono::microseconds{300}, std::chrono::milliseconds{1},   std::chrono::milliseconds{3},
        std::chrono::milliseconds{10},  std::chrono::milliseconds{30},  std::chrono::milliseconds{50},
        std::chrono::milliseconds{100}, std::chrono::milliseconds{300}, std::chrono::seconds{1},
        std::chrono::seconds{3},        std::chrono::seconds{10},       std::chrono::seconds{60},
        std::chrono::seconds{300}};

    EntryPoint entryPoint{};
    std::array<std::uint64_t, bounds.size()> atMost{};  ///< calls that took at most that bound: cumulative
    std::uint64_t count{0};
    std::chrono::nanoseconds sum{0};
    std::uint64_t overBudget{0};
};

/** A record as one line of JSON, without the line end. */
[[nodiscard]] std::string toJson(const Record& record);
/** The calls table as an array of JSON. */
[[nodiscard]] std::string toJson(const std::vector<CallSummary>& calls);
/** The calls table as aligned text, one line per entry point and a heading. */
[[nodiscard]] std::string toTable(const std::vector<CallSummary>& calls);
/** A record as a line for people; empty for what only the trace keeps. */
[[nodiscard]] std::string toLine(const Record& record);

}  // namespace holdfast::inline v1::monitor
