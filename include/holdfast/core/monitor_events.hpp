// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The vocabulary of `MonitorMachine`: what can happen to a hosted resource (events) and what is to be done (actions).

#include <holdfast/abi/resapi.hpp>
#include <holdfast/core/action_list.hpp>
#include <holdfast/core/restart_policy.hpp>

#include <chrono>
#include <compare>
#include <cstdint>

namespace holdfast::inline v1::core {

using Generation = std::uint32_t;

/** The monitor's states of one resource (5.2). */
enum class MonitorState : std::uint8_t {
    unloaded,       ///< no RESID: nothing loaded yet, or load or Open failed
    opened,         ///< offline
    onlineCalled,   ///< Online is on the stack
    onlinePending,  ///< it answered 997
    online,
    verifying,  ///< IsAlive is on the stack
    offlineCalled,
    offlinePending,
    terminating,
    failed,
    closed,
    dead,  ///< the process that hosted it is lost, or must be treated so
};

/** A call on the serial lane of a resource; at most one at a time (W-101). Terminate has a lane of its own (W-102). */
enum class Call : std::uint8_t {
    none,
    load,  ///< load the library, Startup, and what belongs to it
    open,
    close,
    online,
    offline,
    looksAlive,
    isAlive,
    control,        ///< the oldest control request of the monitor's queue
    deleteControl,  ///< CLUSCTL_RESOURCE_DELETE, before Close (S35)
};

enum class MonitorTimer : std::uint8_t {
    deadlock,           ///< DeadlockTimeout of the call on the serial lane (W-440)
    terminateDeadlock,  ///< the same for Terminate (W-443)
    pending,            ///< PendingTimeout (W-220)
    looksAlive,
    isAlive,
    restart,   ///< RestartDelay, or RetryPeriodOnFailure
    patience,  ///< how long a stop waits for the call on the stack before Terminate overlaps it
    count_
};
inline constexpr std::size_t monitorTimerCount = static_cast<std::size_t>(MonitorTimer::count_);

/** FAILURE_TYPE (W-032, S21). */
enum class FailureType : std::uint8_t { general = 0, embedded = 1, networkLoss = 2 };

/** Why something happened; the text is made where strings are allowed (monitor/reason_text.hpp). */
enum class MonitorReason : std::uint8_t {
    none,
    loadFailed,
    openFailed,
    onlineFailed,  ///< Online returned an error
    onlineReportedFailed,
    onlineReportedIllegal,  ///< W-208
    onlineRefusedHere,      ///< 127
    onlineRefusedAnywhere,  ///< 126
    onlineTimedOut,         ///< PendingTimeout
    onlineCancelled,        ///< an offline request arrived first (W-242)
    isAliveFailed,
    eventSignalled,    ///< legacy mode (W-320)
    failureSignalled,  ///< SignalFailure, general
    declaredFailed,    ///< people say so
    embeddedFailure,   ///< SignalFailure, reported only
    networkLoss,       ///< SignalFailure, reported only
    offlineFailed,     ///< Offline returned an error
    offlineReportedFailed,
    offlineReportedIllegal,
    offlineTimedOut,
    offlineRefused,     ///< the agent vetoed the move (S30)
    stopForced,         ///< Terminate was asked for
    stopImpatient,      ///< the call on the stack outlasted the patience of a stop
    unexpectedReport,   ///< SetResourceStatus outside a pending operation (S22)
    lateFailureSignal,  ///< SignalFailure of a resource that is not online any more, or not yet (W-324)
    lateDeclaration,    ///< people declare failed what is not online any more, or not yet
    deadlock,           ///< a call exceeded DeadlockTimeout (S37)
    exceptionEscaped,   ///< S38
    hostDied,
    controlRefused,  ///< there is no instance to control
    requested,       ///< somebody asked
};

/** How a request ended; each request ends exactly once. */
enum class RequestOutcome : std::uint8_t {
    done,  ///< Online, Offline or Closed was reached as it should be
    failed,
    cancelled,   ///< a later request took its place
    terminated,  ///< it is offline, but not gracefully
    vetoed,
};

enum class RequestKind : std::uint8_t { online, offline, close };

/** The times one hosted resource runs under (4.1, 5.4), with the defaults of 11.5. */
struct MonitorSettings {
    using Milliseconds = std::chrono::milliseconds;
    Milliseconds looksAlivePollInterval{5'000};
    Milliseconds isAlivePollInterval{60'000};
    Milliseconds pendingTimeout{180'000};
    Milliseconds deadlockTimeout{300'000};
    Milliseconds stopPatience{5'000};
    bool terminateOnEvent{false};  ///< W-320: the legacy reaction to a signalled event

    /** W-221: the lower of the two rules. */
    [[nodiscard]] constexpr Milliseconds pendingGap() const noexcept {
        return pendingTimeout < deadlockTimeout ? pendingTimeout : deadlockTimeout;
    }
};

/** A status report as the agent made it (W-203). */
struct StatusReport {
    abi::ResourceState state{abi::ResourceState::unknown};
    std::uint32_t checkPoint{0};
    bool hasEvent{false};
    bool veto{false};  ///< V2: flags that refuse an offline (W-128)

    auto operator<=>(const StatusReport&) const = default;
};

struct MonitorEvent {
    enum class Kind : std::uint8_t {
        open,          ///< create the resource (S1)
        online,        ///< bring it online
        offline,       ///< take it offline
        terminate,     ///< stop it at once
        shutdown,      ///< close it, gracefully first (S35, S36)
        remove,        ///< the same, telling it that it is deleted
        control,       ///< a control request waits in the queue (S40)
        restart,       ///< the restart policy wants Online after `duration` (S33)
        callReturned,  ///< of the serial lane: `call`, `generation`, `code`, `hasEvent`
        terminateReturned,
        callThrew,      ///< S38; `call` is none for Terminate
        reported,       ///< SetResourceStatus
        signalled,      ///< the event handle; `generation` of the watch
        signalFailure,  ///< S21
        declareFailed,  ///< people say that it failed: as S21, general
        timer,          ///< `timer`, `generation`, `stalled`
        hostDied,
        hostRestarted,  ///< S39
    };

    Kind kind{Kind::open};
    Call call{Call::none};
    MonitorTimer timer{MonitorTimer::deadlock};
    FailureType failure{FailureType::general};
    bool hasEvent{false};  ///< Online left a handle
    bool stalled{false};   ///< D4: the tick is so late that the process was suspended
    Generation generation{0};
    std::uint32_t code{0};  ///< Win32 code; for LooksAlive and IsAlive the BOOL; for load and open 0 is success
    StatusReport report{};
    std::chrono::milliseconds duration{0};

    static constexpr MonitorEvent of(Kind kind) noexcept {
        MonitorEvent event;
        event.kind = kind;
        return event;
    }
    static constexpr MonitorEvent returned(Call call, Generation generation, std::uint32_t code,
                                           bool hasEvent = false) noexcept {
        MonitorEvent event = of(Kind::callReturned);
        event.call = call;
        event.generation = generation;
        event.code = code;
        event.hasEvent = hasEvent;
        return event;
    }
    static constexpr MonitorEvent terminateReturned(Generation generation) noexcept {
        MonitorEvent event = of(Kind::terminateReturned);
        event.generation = generation;
        return event;
    }
    static constexpr MonitorEvent threw(Call call, Generation generation) noexcept {
        MonitorEvent event = of(Kind::callThrew);
        event.call = call;
        event.generation = generation;
        return event;
    }
    static constexpr MonitorEvent reported(const StatusReport& report) noexcept {
        MonitorEvent event = of(Kind::reported);
        event.report = report;
        return event;
    }
    static constexpr MonitorEvent signalled(Generation generation) noexcept {
        MonitorEvent event = of(Kind::signalled);
        event.generation = generation;
        return event;
    }
    static constexpr MonitorEvent signalFailure(FailureType failure) noexcept {
        MonitorEvent event = of(Kind::signalFailure);
        event.failure = failure;
        return event;
    }
    static constexpr MonitorEvent expired(MonitorTimer timer, Generation generation, bool stalled = false) noexcept {
        MonitorEvent event = of(Kind::timer);
        event.timer = timer;
        event.generation = generation;
        event.stalled = stalled;
        return event;
    }
    static constexpr MonitorEvent restart(std::chrono::milliseconds delay) noexcept {
        MonitorEvent event = of(Kind::restart);
        event.duration = delay;
        return event;
    }
};

struct MonitorAction {
    enum class Kind : std::uint8_t {
        call,       ///< start `call` on the serial lane; answer with `generation`
        terminate,  ///< start Terminate on its own lane
        arm,        ///< `timer` for `duration`; replaces an armed one
        disarm,
        watch,  ///< wait for the event handle
        unwatch,
        publish,        ///< the external state changed to `state` (W-411)
        log,            ///< `reason`, with `call` and `code`
        failed,         ///< ask the restart policy (S32); `place` says where a restart could succeed
        finished,       ///< a request of kind `request` ended with `outcome`
        refuseControl,  ///< the oldest control request cannot be carried out
        killHost,       ///< the process must end (W-440); in process it is reported only
    };

    Kind kind{Kind::log};
    Call call{Call::none};
    MonitorTimer timer{MonitorTimer::deadlock};
    MonitorReason reason{MonitorReason::none};
    RequestKind request{RequestKind::online};
    RequestOutcome outcome{RequestOutcome::done};
    RestartPlace place{RestartPlace::here};
    Generation generation{0};
    std::uint32_t code{0};
    abi::ResourceState state{abi::ResourceState::offline};
    std::chrono::milliseconds duration{0};
};

/** The actions of one event, in order, and for a status report what to answer (W-206). */
struct MonitorActions : ActionList<MonitorAction, 20> {
    abi::ExitState answer{abi::ExitState::proceed};
};

}  // namespace holdfast::inline v1::core
