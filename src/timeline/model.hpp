// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a timeline shows, before anybody draws it: lanes, spans, marks. Pure: the same trace gives the same model.

#include "timeline/trace_reader.hpp"

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::inline v1::timeline {

inline constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

/** One line of what is shown about a span or mark. */
struct Fact {
    std::string key;
    std::string value;
    bool operator==(const Fact&) const = default;
};

enum class SpanKind {
    state,    ///< a band: the resource was in this state
    pending,  ///< from 997 to the final report (section 3)
    call,     ///< an entry point, from its call to its return
    work,     ///< a job of the agent's own worker
};

/** How a span did. Ordered: what is worse is greater. */
enum class Grade {
    normal,
    near,  ///< at least half of its budget
    late,  ///< over its budget
    failed,
};

/** What a state or a pending operation means for whoever needs the resource. */
enum class Tone { idle, working, good, bad };

enum class MarkKind { checkpoint, report, failure, signal, error, warning, note, stack };

struct Span {
    SpanKind kind{};
    Grade grade{Grade::normal};
    Tone tone{Tone::idle};
    bool open{false};  ///< its end was not seen: it lasts until the trace ends
    Time begin{0};
    Nanoseconds length{0};
    Nanoseconds budget{0};  ///< 0: none
    std::string name;
    std::vector<Fact> facts;
    std::size_t lane{none};  ///< of the resource
    std::size_t row{0};      ///< within its kind in that lane: what overlaps is in different rows
    std::size_t threadLane{none};
    std::size_t threadRow{0};

    [[nodiscard]] Time end() const noexcept { return begin + length; }
};

struct Mark {
    MarkKind kind{};
    Time at{0};
    std::string name;
    std::vector<Fact> facts;
    std::size_t lane{none};
    std::size_t pending{none};  ///< the span whose checkpoint or final report it is
};

enum class LaneKind {
    resource,
    monitor,  ///< what belongs to no resource
    thread,
};

struct Lane {
    LaneKind kind{};
    std::string name;
    std::uint64_t thread{0};
    bool hasStates{false};
    bool hasMarks{false};  ///< such as are not in a pending operation
    std::size_t pendingRows{0};
    std::size_t callRows{0};  ///< calls and work
};

struct Model {
    Time begin{0};
    Time end{0};                     ///< later than begin
    std::vector<Lane> lanes;         ///< resources in the order in which they appear, then threads
    std::vector<Span> spans;         ///< by begin
    std::vector<Mark> marks;         ///< by time
    std::vector<std::string> notes;  ///< what a reader should know of the trace
};

/** Draws nothing yet: finds lanes, spans and marks in a trace. */
[[nodiscard]] Model buildModel(const Trace& trace);

/** What to keep of a model. */
struct Cut {
    std::optional<Time> from;
    std::optional<Time> to;
    std::vector<std::string> resources;  ///< empty: all
};

/** @par Errors TraceError: nothing is left, or no resource has that name. */
[[nodiscard]] Model cutModel(Model model, const Cut& cut);

/** Puts what overlaps into different rows, in each lane; sets the lanes' row counts. Done by both functions above. */
void arrangeRows(Model& model);

/** The words of the formats' legends and of the program's last line. */
struct Counts {
    std::size_t calls{0};
    std::size_t pending{0};
    std::size_t late{0};
    std::size_t failed{0};
    std::size_t near{0};
    std::size_t failures{0};  ///< how often a resource became Failed or Dead
};
[[nodiscard]] Counts countsOf(const Model& model);

}  // namespace holdfast::inline v1::timeline
