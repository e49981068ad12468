// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holdfast::inline v1::exec {

/** What kind of thing happened. The numbers are stored: new ones are added at the end. */
enum class FlightKind : std::uint8_t {
    none,
    call,        ///< an entry point; at its end `code` is its answer and `value` its duration, ns
    polls,       ///< LooksAlive or IsAlive; `code`: 1 alive; `value`: how many answered so since the last entry
    job,         ///< a member of the author's class on a worker; at its end `code` is 0 if it succeeded
    checkpoint,  ///< `text`: the author's own
    verdict,     ///< `code`: 0 none, 1 alive, 2 failed; `text`: why
    report,      ///< a status report to the engine, `value`: its checkpoint number; at its end `code` is the answer
    transition,  ///< the resource is in another phase
    budget,      ///< an entry point was late: `value` is its duration, ns
    wedged,      ///< the author's code does not end when it should; `text`: how
    stall,       ///< nothing of the process ran for `value` ns
    opened,      ///< `text`: the resource's name
    log,         ///< a line for the engine's log, its beginning
    alarm,       ///< the recorder was asked to be written out; `text`: why
};

enum class FlightPhase : std::uint8_t { instant, begin, end };

/** What it happened to. The numbers are stored: new ones are added at the end. */
enum class FlightSubject : std::uint16_t {
    none,
    // entry points
    startup,
    open,
    close,
    online,
    offline,
    terminate,
    cancel,
    looksAlive,
    isAlive,
    resourceControl,
    resourceTypeControl,
    // members of the author's class
    onlineJob,
    offlineJob,
    looksAliveJob,
    isAliveJob,
    repairJob,
    terminateJob,
    // phases and reported states
    onlinePendingState,
    offlinePendingState,
    onlineState,
    offlineState,
    failedState,
    closedState,
    failureSignal,
};

/** Its name: `Online` the entry point, `online` the job, `OnlinePending` the state. */
[[nodiscard]] std::string_view nameOf(FlightKind kind) noexcept;
[[nodiscard]] std::string_view nameOf(FlightSubject subject) noexcept;

/** What is recorded. */
struct FlightNote {
    FlightKind kind{FlightKind::none};
    FlightPhase phase{FlightPhase::instant};
    FlightSubject subject{FlightSubject::none};
    std::uint32_t resource{0};  ///< of `FlightRecorder::addResource`; 0: of none
    std::uint32_t code{0};
    std::uint64_t generation{0};
    std::int64_t value{0};
    std::string_view text{};  ///< at most 80 bytes of it are kept, cut between two characters
};

/** What is read. */
struct FlightEvent {
    std::uint64_t index{0};  ///< in the order in which entries were claimed, from 0
    std::int64_t time{0};    ///< steady clock, ns
    std::uint32_t thread{0};
    FlightKind kind{FlightKind::none};
    FlightPhase phase{FlightPhase::instant};
    FlightSubject subject{FlightSubject::none};
    std::uint32_t resource{0};
    std::uint32_t code{0};
    std::uint64_t generation{0};
    std::int64_t value{0};
    std::string text;
};

/** In a few words, without time and resource: `Online ended: 997, 0.2 ms`. */
[[nodiscard]] std::string describe(const FlightEvent& event);

}  // namespace holdfast::inline v1::exec
