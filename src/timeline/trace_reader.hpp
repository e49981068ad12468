// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A trace as records with types: what `holdfast run --trace`, `holdfast verify --trace` and a flight recorder write.

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

namespace holdfast::inline v1::timeline {

/** Nanoseconds since 1970-01-01 UTC. */
using Time = std::int64_t;
/** A length in nanoseconds, or a reading of a steady clock. */
using Nanoseconds = std::int64_t;

/** An entry point was called and came back. */
struct CallEntry {
    std::string entryPoint;
    std::string host;  ///< the process whose thread it was, where the trace says so
    std::uint64_t thread{0};
    Nanoseconds start{0};  ///< steady clock
    Nanoseconds span{0};
    Nanoseconds budget{0};  ///< 0: none given
    std::int64_t result{0};
    std::uint32_t control{0};
    bool threw{false};
};

/** The agent reported a status. */
struct StatusEntry {
    std::string state;
    std::uint32_t checkPoint{0};
    bool askedToStop{false};  ///< the answer was "terminate"
};

/** The monitor's state of a resource changed. */
struct StateEntry {
    std::string from;
    std::string to;
    std::string reason;
};

struct LogEntry {
    std::string level;
    std::string operation;
    std::string text;
    bool fromAgent{false};
};

/** The agent signalled its event handle. */
struct SignalEntry {};

/** The head of a flight recorder's file. */
struct FlightEntry {
    std::string reason;
    std::uint64_t process{0};
};

/** What a flight recorder kept. */
struct FlightEventEntry {
    std::string event;  ///< call, job, checkpoint, verdict, report, transition, budget, wedged, …
    std::string what;
    std::string text;
    std::string by;  ///< "host" or "library": both record a call that one makes and the other takes
    std::uint64_t thread{0};
    std::uint64_t generation{0};
    Nanoseconds start{0};   ///< steady clock
    std::int64_t value{0};  ///< of an end, a broken budget and a stall: nanoseconds; else a number
    std::int64_t code{0};   ///< what was answered; of a verdict: 1 is alive
    bool ends{false};       ///< the end of what began with such an event
};

/** The stack of a thread, innermost frame first. */
struct StackEntry {
    std::string threadName;
    std::uint64_t thread{0};
    std::vector<std::string> frames;
};

struct Entry {
    Time time{0};
    std::string resource;  ///< empty: of the monitor or the host itself
    std::variant<CallEntry, StatusEntry, StateEntry, LogEntry, SignalEntry, FlightEntry, FlightEventEntry, StackEntry>
        what;
};

struct Trace {
    std::vector<Entry> entries;      ///< in the order of the lines
    std::vector<std::string> notes;  ///< what a reader should know: a torn last line, records that were left out
};

/** The trace is refused; the text says why and, where there is one, in which line. */
class TraceError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/**
 * Reads a trace to its end.
 *
 * Unknown kinds of records and unknown fields are left out. A last line that was torn (its writer was killed) is left
 * out, and a note says so.
 *
 * @par Errors TraceError: a line that is no record, a record whose fields are of the wrong type, a trace without records.
 */
[[nodiscard]] Trace readTrace(std::istream& in);

/** "2026-11-28T07:51:28.956Z", with 0 to 9 decimals; empty if it is none. */
[[nodiscard]] std::optional<Time> parseUtc(std::string_view text);

}  // namespace holdfast::inline v1::timeline
