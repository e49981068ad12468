// SPDX-License-Identifier: BSL-1.0
#include <holdfast/monitor/record.hpp>

#include "monitor/reason_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <ctime>

namespace holdfast::inline v1::monitor {

namespace {

namespace json = boost::json;
using std::chrono::duration_cast;

template <typename... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

std::int64_t milliseconds(std::chrono::system_clock::time_point time) {
    return duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

/** ISO 8601 in UTC with milliseconds. */
std::string utc(std::chrono::system_clock::time_point time) {
    const auto ms = milliseconds(time);
    const auto seconds = static_cast<std::time_t>(ms / 1'000);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(seconds), ms % 1'000);
}

std::string clockTime(std::chrono::system_clock::time_point time) {
    const auto ms = milliseconds(time);
    return fmt::format("{:%H:%M:%S}.{:03}", fmt::localtime(static_cast<std::time_t>(ms / 1'000)), ms % 1'000);
}

std::string_view levelName(LogLevel level) {
    switch (level) {
        case LogLevel::information: return "info";
        case LogLevel::warning: return "warning";
        case LogLevel::error: return "error";
        case LogLevel::severe: return "severe";
    }
    return "info";
}

std::string span(std::chrono::nanoseconds time) {
    const auto ns = static_cast<double>(time.count());
    if (ns < 1e3) return fmt::format("{:.0f} ns", ns);
    if (ns < 1e6) return fmt::format("{:.1f} us", ns / 1e3);
    if (ns < 1e9) return fmt::format("{:.1f} ms", ns / 1e6);
    return fmt::format("{:.1f} s", ns / 1e9);
}

std::string printable(std::string_view text) {
    std::string clean;
    for (const char c : text) clean.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? ' ' : c);
    return clean;
}

}  // namespace

std::string toJson(const Record& record) {
    json::object line;
    line["time"] = utc(record.time);
    if (!record.resource.empty()) line["resource"] = record.resource;
    std::visit(Overloaded{
                   [&](const CallRecord& call) {
                       line["record"] = "call";
                       line["entryPoint"] = std::string{nameOf(call.entryPoint)};
                       line["kind"] = static_cast<int>(call.entryPoint);
                       line["thread"] = call.thread;
                       line["start"] = duration_cast<std::chrono::nanoseconds>(call.start.time_since_epoch()).count();
                       line["span"] = call.span.count();
                       line["budget"] = duration_cast<std::chrono::nanoseconds>(call.budget).count();
                       line["result"] = call.code;
                       if (call.controlCode != 0) line["control"] = call.controlCode;
                       if (call.threw) line["threw"] = true;
                   },
                   [&](const StatusRecord& status) {
                       line["record"] = "status";
                       line["state"] = std::string{stateName(status.status.report.state)};
                       line["value"] = static_cast<std::int32_t>(status.status.report.state);
                       line["checkPoint"] = status.status.report.checkPoint;
                       line["waitHint"] = status.status.waitHint;
                       line["event"] = status.status.report.hasEvent;
                       line["answer"] = static_cast<std::uint32_t>(status.answer);
                   },
                   [&](const StateRecord& state) {
                       line["record"] = "state";
                       line["from"] = std::string{stateName(state.from)};
                       line["to"] = std::string{stateName(state.to)};
                       line["external"] = static_cast<std::int32_t>(state.external);
                       if (!state.reason.empty()) line["reason"] = state.reason;
                   },
                   [&](const LogRecord& log) {
                       line["record"] = "log";
                       line["level"] = std::string{levelName(log.level)};
                       if (!log.operation.empty()) line["operation"] = log.operation;
                       line["source"] = log.fromAgent ? "agent" : "monitor";
                       line["text"] = log.text;
                   },
                   [&](const SignalRecord&) { line["record"] = "signal"; },
               },
               record.what);
    return json::serialize(line);
}

std::string toLine(const Record& record) {
    const std::string head =
        fmt::format("{}  {:<16}", clockTime(record.time), record.resource.empty() ? "-" : record.resource);
    return std::visit(Overloaded{
                          [&](const CallRecord& call) {
                              if (call.span <= call.budget) return std::string{};
                              return fmt::format("{} {:<8} {:<15} took {}; it should take {}", head, "warning",
                                                 nameOf(call.entryPoint), span(call.span), span(call.budget));
                          },
                          [&](const StatusRecord&) { return std::string{}; },
                          [&](const StateRecord& state) {
                              return fmt::format("{} {:<8} {:<15} {} -> {}{}{}", head, "state", "",
                                                 stateName(state.from), stateName(state.to),
                                                 state.reason.empty() ? "" : ": ", printable(state.reason));
                          },
                          [&](const LogRecord& log) {
                              return fmt::format("{} {:<8} {:<15} {}", head, levelName(log.level), log.operation,
                                                 printable(log.text));
                          },
                          [&](const SignalRecord&) {
                              return fmt::format("{} {:<8} {:<15} the agent signalled its event", head, "info", "");
                          },
                      },
                      record.what);
}

std::string toJson(const std::vector<CallSummary>& calls) {
    json::array rows;
    for (const CallSummary& call : calls) {
        rows.push_back(json::object{{"entryPoint", std::string{nameOf(call.entryPoint)}},
                                    {"kind", static_cast<int>(call.entryPoint)},
                                    {"count", call.count},
                                    {"median", call.median.count()},
                                    {"percentile99", call.percentile99.count()},
                                    {"worst", call.worst.count()},
                                    {"worstResource", call.worstResource},
                                    {"budget", duration_cast<std::chrono::nanoseconds>(call.budget).count()},
                                    {"overBudget", call.overBudget}});
    }
    return json::serialize(rows);
}

std::string toTable(const std::vector<CallSummary>& calls) {
    std::string table = fmt::format("{:<20}{:>9}{:>12}{:>12}{:>12}{:>12}{:>8}  {}\n", "entry point", "calls", "median",
                                    "99 %", "worst", "budget", "over", "worst of");
    for (const CallSummary& call : calls) {
        table += fmt::format("{:<20}{:>9}{:>12}{:>12}{:>12}{:>12}{:>8}  {}\n", nameOf(call.entryPoint), call.count,
                             span(call.median), span(call.percentile99), span(call.worst), span(call.budget),
                             call.overBudget, call.worstResource);
    }
    return table;
}

}  // namespace holdfast::inline v1::monitor
