// SPDX-License-Identifier: BSL-1.0

#include "flight_history.hpp"

#include "flight_text.hpp"

#include <holdfast/exec/flight_reader.hpp>
#include <holdfast/exec/flight_recorder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

namespace holdfast::inline v1::exec {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t mostEvents = 10;
constexpr std::size_t mostBytes = 500;    // what an engine keeps of a line (W-905)
constexpr std::size_t longestEvent = 90;  // one long text must not leave the others no room
constexpr std::size_t longestStep = 120;

/** What a line has no room for: the beginning of what has ended, and of all heartbeats but the last. Newest first. */
std::vector<FlightEvent> telling(std::vector<FlightEvent> events) {
    using Ended = std::tuple<FlightKind, FlightSubject, std::uint32_t>;
    std::vector<Ended> ended;
    bool pendingSeen = false;
    std::erase_if(events, [&](const FlightEvent& event) {
        const Ended what{event.kind, event.subject, event.thread};
        const auto end = std::find(ended.begin(), ended.end(), what);
        if (event.phase == FlightPhase::begin && end != ended.end()) {
            ended.erase(end);
            return true;
        }
        if (event.phase == FlightPhase::end) ended.push_back(what);
        const bool pending = event.kind == FlightKind::report && (event.subject == FlightSubject::onlinePendingState ||
                                                                  event.subject == FlightSubject::offlinePendingState);
        return pending && std::exchange(pendingSeen, true);
    });
    return events;
}

double seconds(Steady::duration age) { return std::chrono::duration<double>(age).count(); }

}  // namespace

std::string flightHistory(std::uint32_t resource, const LastStep& step) {
    const Steady::time_point now = Steady::now();
    std::string line = "flight recorder: ";
    if (step.text.empty()) {
        line += "no step was named";
    } else {
        line += fmt::format("last step {:.1f} s ago: {}", seconds(now - step.at), cutText(step.text, longestStep));
    }
    std::string problem;
    const auto reader = FlightReader::open(flightRecorder().block(), problem);
    if (!reader) return line + "; no history: " + problem;
    const char* separator = "; newest first: ";
    // Lines of the log are there for who reads them there, and this one is why we are asked.
    auto events = telling(reader->lastOf(resource, reader->capacity(), {FlightKind::log, FlightKind::alarm}));
    if (events.size() > mostEvents) events.resize(mostEvents);
    for (const FlightEvent& event : events) {
        const Steady::time_point at{std::chrono::duration_cast<Steady::duration>(std::chrono::nanoseconds{event.time})};
        const std::string one =
            fmt::format("{}{:.1f} s {}", separator, seconds(now - at), cutText(describe(event), longestEvent));
        if (line.size() + one.size() > mostBytes) break;
        line += one;
        separator = " | ";
    }
    return line;
}

}  // namespace holdfast::inline v1::exec
