// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The vocabulary of `Lifecycle`: what can happen to a resource (events) and what is to be done about it (actions).

#include <holdfast/core/action_list.hpp>
#include <holdfast/core/policy.hpp>
#include <holdfast/operation.hpp>

#include <cstdint>

namespace holdfast::inline v1::core {

using Generation = std::uint32_t;
using JobId = std::uint32_t;
using TimerId = std::uint32_t;
/** Milliseconds on the runtime's steady clock. */
using Time = std::int64_t;

/** A member of the author's class (or several in a row) that runs on a worker. */
enum class Job : std::uint8_t {
    online,     ///< read settings, construct, probe, adopt or online
    offline,    ///< offline, then destroy the object
    look,       ///< looksAlive
    check,      ///< isAlive
    repair,     ///< repair
    terminate,  ///< terminate, then destroy the object unless another job still uses it
};

enum class Outcome : std::uint8_t {
    succeeded,  ///< returned; a check said alive; a repair said "mended"
    failed,     ///< threw; a check said failed; a repair said "not mended"
    rejected,   ///< never started: no thread to be had (overload)
};

enum class Request : std::uint8_t { online, offline, terminate, close, cancel };
inline constexpr std::size_t requestCount = 5;

enum class Timer : std::uint8_t {
    grace,             ///< from the stop request to "wedged"
    predecessor,       ///< an Online waits behind a wedged call
    limit,             ///< the operation's own limit
    heartbeat,         ///< report although user code is silent
    coalesce,          ///< no second report before
    syncGrace,         ///< Online answers ERROR_IO_PENDING at last
    slowTerminate,     ///< Terminate exceeded its budget
    terminateTimeout,  ///< Terminate answers although terminate() still runs
    closeReply,        ///< Close answers although something is wedged
    checkDue,          ///< start the next check
    checkTimeout,      ///< a started check or repair is too old
    count_
};
inline constexpr std::size_t timerCount = static_cast<std::size_t>(Timer::count_);

/** Why something is reported, failed or logged; the text is made where strings are allowed. */
enum class Reason : std::uint8_t {
    none,
    progress,             ///< the author's last checkpoint
    waitingForPrevious,   ///< D3: behind a wedged predecessor
    onlineFailed,         ///< online() threw
    offlineFailed,        ///< offline() threw
    failedWhileStarting,  ///< reportFailure() during online()
    overloaded,           ///< no worker could be had
    limitExceeded,        ///< OnlineLimit or OfflineLimit
    predecessorTimeout,   ///< the predecessor did not end in time
    checkFailed,
    checkTimedOut,
    repairTimedOut,
    reportedFailure,  ///< the author called reportFailure()
    toleratedFailure,
    toleratedTimeout,
    checkNotStarted,     ///< overload, not a failure
    repaired,            ///< a failed check was mended
    stopIgnored,         ///< the call did not end in the stop grace: it is wedged
    endedLate,           ///< a wedged call ended after all
    undone,              ///< terminate() runs again after a late end
    offlineByTerminate,  ///< D13: offline() was skipped
    engineStopped,       ///< the engine answered a report with "terminate"
    slowTerminate,
    terminateTimedOut,
    closedWedged,  ///< D8: Close answered while user code is wedged
    cancelled,     ///< W-150: the engine cancelled the pending operation
};

enum class Health : std::uint8_t { none, alive, failed };

/** Final and pending states a report can carry. */
enum class Status : std::uint8_t { onlinePending, offlinePending, online, offline, failed };

/** How a request is answered; the adapters translate. */
enum class Answer : std::uint8_t { done, pending, invalidState, failed, closed };

struct Event {
    enum class Kind : std::uint8_t {
        request,          ///< `request`
        jobEnded,         ///< `job`, `id`, `outcome`
        checkpoint,       ///< `id`: the running operation made progress
        policyRead,       ///< `id`, `policy`: the online job read its properties
        policyChanged,    ///< `policy`: the engine has other times and counts for the run under way
        timer,            ///< `timer`, `id`, `stalled`
        failureReported,  ///< `id` = generation of the run
        engineStopped,    ///< `id` = generation of the report that was answered with "terminate"
    };
    Kind kind{Kind::request};
    Request request{Request::online};
    Job job{Job::online};
    Outcome outcome{Outcome::succeeded};
    Timer timer{Timer::grace};
    std::uint32_t id{0};
    bool stalled{false};  ///< the process was suspended while this timer ran (D4)
    const Policy* policy{nullptr};

    static Event requested(Request what) noexcept {
        Event event;
        event.request = what;
        return event;
    }
    static Event ended(Job job, JobId id, Outcome outcome) noexcept {
        Event event;
        event.kind = Kind::jobEnded;
        event.job = job;
        event.id = id;
        event.outcome = outcome;
        return event;
    }
    static Event progressed(JobId id) noexcept { return simple(Kind::checkpoint, id); }
    static Event read(JobId id, const Policy& policy) noexcept {
        Event event = simple(Kind::policyRead, id);
        event.policy = &policy;
        return event;
    }
    static Event changed(const Policy& policy) noexcept {
        Event event = simple(Kind::policyChanged, 0);
        event.policy = &policy;
        return event;
    }
    static Event expired(Timer timer, TimerId id, bool stalled = false) noexcept {
        Event event = simple(Kind::timer, id);
        event.timer = timer;
        event.stalled = stalled;
        return event;
    }
    static Event reported(Generation run) noexcept { return simple(Kind::failureReported, run); }
    static Event stoppedByEngine(Generation run) noexcept { return simple(Kind::engineStopped, run); }

private:
    static Event simple(Kind kind, std::uint32_t id) noexcept {
        Event event;
        event.kind = kind;
        event.id = id;
        return event;
    }
};

struct Action {
    enum class Kind : std::uint8_t {
        reply,          ///< `request`, `answer`: everyone who waits with this request
        startJob,       ///< `job`, `id`, `destroy`: for terminate, whether the object dies with it
        requestStop,    ///< `id`, `stop`: stop token, callbacks, interruption (D7)
        cancelCall,     ///< `id`: the same for a call that is not given up: how it ends is its report (W-150)
        openReports,    ///< `id` = generation that may report from now on
        closeReports,   ///< no report of any generation begins from now on
        report,         ///< `status`, `checkPoint`, `reason`, `id` = generation
        resetEvent,     ///< `id` = generation of the new run
        signalFailure,  ///< `id` = generation, `reason`
        setVerdict,     ///< `health`, `id` = generation
        armTimer,       ///< `timer`, `id`, `duration`
        cancelTimer,    ///< `timer`
        note,           ///< `reason`, `job`: a line for the log
        release,        ///< nothing of this resource runs any more
    };
    Kind kind{Kind::note};
    Request request{Request::online};
    Answer answer{Answer::done};
    Job job{Job::online};
    StopReason stop{StopReason::none};
    Status status{Status::failed};
    Reason reason{Reason::none};
    Health health{Health::none};
    Timer timer{Timer::grace};
    bool destroy{false};
    std::uint32_t id{0};
    std::uint32_t checkPoint{0};
    Milliseconds duration{0};
};

using Actions = ActionList<Action, 32>;

}  // namespace holdfast::inline v1::core
