// SPDX-License-Identifier: BSL-1.0
// The transitions of MonitorMachine: what each change of state starts and ends. The events are in monitor_machine.cpp.
#include <holdfast/core/monitor_machine.hpp>

namespace holdfast::inline v1::core {

using Act = MonitorAction::Kind;
using State = MonitorState;

// --- timers ----------------------------------------------------------------------------------------------------------

void MonitorMachine::onTimer(const MonitorEvent& event, MonitorActions& out) noexcept {
    if (event.stalled && event.timer != MonitorTimer::restart) {
        // D4: nobody could work meanwhile, so nobody is late; and no poll is caught up.
        return arm(event.timer, timerDurations_[index(event.timer)], out);
    }
    s_.armed[index(event.timer)] = false;
    switch (event.timer) {
        case MonitorTimer::deadlock: return die(MonitorReason::deadlock, s_.call, out);  // S37
        case MonitorTimer::terminateDeadlock: return die(MonitorReason::deadlock, Call::none, out);
        case MonitorTimer::pending:
            if (s_.state == State::onlinePending) return fail(MonitorReason::onlineTimedOut, 0, false, out);  // S14
            return stop(MonitorReason::offlineTimedOut, 0, out);                                              // S29
        case MonitorTimer::looksAlive: s_.looksDue = true; return;                                            // S16
        case MonitorTimer::isAlive: s_.verifyDue = true; return;                                              // S17
        case MonitorTimer::restart: s_.wantOnline = true; return;                                             // S33
        case MonitorTimer::patience: return stop(MonitorReason::stopImpatient, 0, out);
        case MonitorTimer::count_: return;
    }
}

void MonitorMachine::arm(MonitorTimer timer, std::chrono::milliseconds duration, MonitorActions& out) noexcept {
    s_.armed[index(timer)] = true;
    timerDurations_[index(timer)] = duration;
    MonitorAction action;
    action.kind = Act::arm;
    action.timer = timer;
    action.generation = ++timerGenerations_[index(timer)];
    action.duration = duration;
    out.push(action);
}

void MonitorMachine::disarm(MonitorTimer timer, MonitorActions& out) noexcept {
    if (!isArmed(timer)) return;
    s_.armed[index(timer)] = false;
    ++timerGenerations_[index(timer)];
    MonitorAction action;
    action.kind = Act::disarm;
    action.timer = timer;
    out.push(action);
}

// --- transitions ------------------------------------------------------------------------------------------------------

/** Starts what waited for the serial lane or for the end of Terminate. */
void MonitorMachine::advance(MonitorActions& out) noexcept {
    if (s_.state == State::terminating) {
        if (s_.terminateOnStack || s_.call != Call::none) return;
        leaveTerminating(out);
    }
    if (s_.call != Call::none || s_.state == State::terminating) return;
    const bool stopping = s_.wantOffline || s_.wantClose;
    switch (s_.state) {
        case State::unloaded:
            if (s_.wantClose) return enterClosed(out);  // no RESID, so nothing to close (W-111)
            if (s_.wantOnline) return startCall(s_.loaded ? Call::open : Call::load, out);  // S4
            if (s_.controlDue) {
                s_.controlDue = false;
                onControl(out);  // refuses
            }
            return;
        case State::opened:
        case State::failed:
            if (s_.wantClose) {  // S35
                enter(State::closed, out);
                startCall(s_.deleting ? Call::deleteControl : Call::close, out);
                if (s_.controlDue) {
                    s_.controlDue = false;
                    onControl(out);
                }
                return;
            }
            if (s_.wantOnline) return startOnline(out);
            break;
        case State::onlinePending:
            if (stopping) return stop(MonitorReason::onlineCancelled, 0, out);  // S15
            break;
        case State::online:
            if (stopping) {  // S23: W-246 the watch ends before Offline begins
                endHealth(out);
                s_.held = s_.reported = false;
                s_.heldReport = {};
                s_.checkPoint = 0;
                enter(State::offlineCalled, out);
                return startCall(Call::offline, out);
            }
            if (s_.verifyDue) return verify(out);
            if (s_.looksDue) {
                s_.looksDue = false;
                return startCall(Call::looksAlive, out);
            }
            break;
        case State::offlinePending: break;
        default: return;
    }
    if (s_.controlDue) {
        s_.controlDue = false;
        startCall(Call::control, out);
    }
}

void MonitorMachine::startCall(Call call, MonitorActions& out) noexcept {
    s_.call = call;
    ++callGeneration_;
    if (!isArmed(MonitorTimer::deadlock)) arm(MonitorTimer::deadlock, settings_.deadlockTimeout, out);  // W-440
    MonitorAction action;
    action.kind = Act::call;
    action.call = call;
    action.generation = callGeneration_;
    out.push(action);
}

void MonitorMachine::startOnline(MonitorActions& out) noexcept {
    s_.wantOnline = s_.wantOffline = s_.failing = false;
    s_.hasEvent = s_.held = s_.reported = false;
    s_.heldReport = {};
    s_.checkPoint = 0;
    s_.place = RestartPlace::here;
    s_.reason = MonitorReason::none;
    disarm(MonitorTimer::restart, out);
    enter(State::onlineCalled, out);  // S5
    startCall(Call::online, out);
}

void MonitorMachine::enterOnline(MonitorActions& out) noexcept {
    disarm(MonitorTimer::pending, out);
    s_.held = s_.reported = false;
    s_.heldReport = {};
    s_.checkPoint = 0;
    enter(State::online, out);
    finish(RequestKind::online, RequestOutcome::done, out);
    armPolls(out);  // W-300
}

void MonitorMachine::startTerminate(MonitorActions& out) noexcept {
    s_.terminateOnStack = true;
    s_.terminateAgain = false;
    ++terminateGeneration_;
    arm(MonitorTimer::terminateDeadlock, settings_.deadlockTimeout, out);  // W-443
    MonitorAction action;
    action.kind = Act::terminate;
    action.generation = terminateGeneration_;
    out.push(action);
}

void MonitorMachine::fail(MonitorReason reason, std::uint32_t code, bool publishFirst, MonitorActions& out) noexcept {
    disarm(MonitorTimer::pending, out);
    disarm(MonitorTimer::patience, out);
    endHealth(out);
    s_.held = s_.reported = false;
    s_.heldReport = {};
    s_.checkPoint = 0;
    s_.failing = true;
    s_.reason = reason;
    s_.state = State::terminating;   // W-222: from here on every report is told to terminate
    if (publishFirst) publish(out);  // S20, W-302
    log(reason, out, Call::none, code);
    startTerminate(out);
    publish(out);  // W-121: log, Terminate, state
}

void MonitorMachine::stop(MonitorReason reason, std::uint32_t code, MonitorActions& out) noexcept {
    disarm(MonitorTimer::pending, out);
    disarm(MonitorTimer::patience, out);
    endHealth(out);
    s_.held = s_.reported = false;
    s_.heldReport = {};
    s_.checkPoint = 0;
    s_.failing = false;
    s_.reason = reason;
    s_.state = State::terminating;
    publish(out);
    log(reason, out, Call::none, code);
    startTerminate(out);
}

void MonitorMachine::leaveTerminating(MonitorActions& out) noexcept {
    if (s_.terminateAgain) return startTerminate(out);
    if (!s_.failing || s_.wantOffline || s_.wantClose) return enterOpened(RequestOutcome::terminated, out);  // S31
    s_.failing = false;
    enter(State::failed, out);  // S32
    if (!s_.wantOnline) finish(RequestKind::online, RequestOutcome::failed, out);
    MonitorAction action;
    action.kind = Act::failed;
    action.reason = s_.reason;
    action.place = s_.place;
    out.push(action);
}

void MonitorMachine::enterOpened(RequestOutcome outcome, MonitorActions& out) noexcept {
    disarm(MonitorTimer::pending, out);
    s_.wantOffline = s_.failing = s_.hasEvent = false;
    s_.held = s_.reported = false;
    s_.heldReport = {};
    s_.checkPoint = 0;
    enter(State::opened, out);
    finish(RequestKind::offline, outcome, out);
}

void MonitorMachine::enterClosed(MonitorActions& out) noexcept {
    s_.wantClose = s_.wantOffline = s_.broken = false;
    enter(State::closed, out);
    finish(RequestKind::close, RequestOutcome::done, out);
    if (s_.controlDue) {
        s_.controlDue = false;
        onControl(out);
    }
}

void MonitorMachine::die(MonitorReason reason, Call call, MonitorActions& out) noexcept {
    const State was = s_.state;
    log(reason, out, call);
    for (std::size_t timer = 0; timer < monitorTimerCount; ++timer) disarm(static_cast<MonitorTimer>(timer), out);
    unwatch(out);
    const Snapshot old = s_;
    s_ = Snapshot{};
    s_.requestedOnline = old.requestedOnline;
    s_.requestedOffline = old.requestedOffline;
    s_.requestedClose = old.requestedClose;
    s_.reason = reason;
    ++callGeneration_;
    ++terminateGeneration_;
    enter(State::dead, out);
    finish(RequestKind::online, RequestOutcome::failed, out);
    finish(RequestKind::offline, RequestOutcome::failed, out);
    finish(RequestKind::close, RequestOutcome::failed, out);
    if (old.controlDue) onControl(out);
    MonitorAction action;
    if (reason != MonitorReason::hostDied) {
        action.kind = Act::killHost;
        action.reason = reason;
        action.call = call;
        out.push(action);
    }
    const bool idle = was == State::unloaded || was == State::opened || was == State::closed;
    // Also one that was about to be started: who asked for it is told, and the policy decides.
    // An Online that waits behind an Offline came after it, and counts.
    if ((old.wantOnline || (!idle && !old.wantOffline)) && !old.wantClose) {
        s_.broken = true;
        action.kind = Act::failed;
        action.reason = reason;
        out.push(action);
    }
}

void MonitorMachine::enter(MonitorState state, MonitorActions& out) noexcept {
    s_.state = state;
    publish(out);
}

void MonitorMachine::publish(MonitorActions& out) noexcept {
    const auto state = externalState();
    if (state == published_) return;
    published_ = state;
    MonitorAction action;
    action.kind = Act::publish;
    action.state = state;
    action.reason = s_.reason;
    out.push(action);
}

void MonitorMachine::log(MonitorReason reason, MonitorActions& out, Call call, std::uint32_t code) noexcept {
    MonitorAction action;
    action.kind = Act::log;
    action.reason = reason;
    action.call = call;
    action.code = code;
    out.push(action);
}

void MonitorMachine::finish(RequestKind request, RequestOutcome outcome, MonitorActions& out) noexcept {
    bool& open = request == RequestKind::online    ? s_.requestedOnline
                 : request == RequestKind::offline ? s_.requestedOffline
                                                   : s_.requestedClose;
    if (!open) return;
    open = false;
    MonitorAction action;
    action.kind = Act::finished;
    action.request = request;
    action.outcome = outcome;
    out.push(action);
}

}  // namespace holdfast::inline v1::core
