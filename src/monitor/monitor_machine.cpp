// SPDX-License-Identifier: BSL-1.0
#include <holdfast/core/monitor_machine.hpp>

namespace holdfast::inline v1::core {

using Kind = MonitorEvent::Kind;
using Act = MonitorAction::Kind;
using State = MonitorState;

MonitorActions MonitorMachine::handle(const MonitorEvent& event) noexcept {
    MonitorActions out;
    switch (event.kind) {
        case Kind::open: onOpen(out); break;
        case Kind::online: onOnline(out); break;
        case Kind::offline: onOffline(out); break;
        case Kind::terminate: onTerminate(out); break;
        case Kind::remove:
            s_.deleting = s_.deleting || s_.state != State::closed;
            onShutdown(out);
            break;
        case Kind::shutdown: onShutdown(out); break;
        case Kind::control: onControl(out); break;
        case Kind::restart: onRestart(event, out); break;
        case Kind::callReturned:
            // W-245, W-249: what an earlier call answers concerns nobody.
            if (s_.call == Call::none || event.call != s_.call || event.generation != callGeneration_) return out;
            onReturned(event, out);
            break;
        case Kind::terminateReturned:
            if (!s_.terminateOnStack || event.generation != terminateGeneration_) return out;
            onTerminateReturned(out);
            break;
        case Kind::callThrew:
            if (event.call == Call::none) {
                if (!s_.terminateOnStack || event.generation != terminateGeneration_) return out;
            } else if (event.call != s_.call || event.generation != callGeneration_) {
                return out;
            }
            die(MonitorReason::exceptionEscaped, event.call, out);  // S38
            break;
        case Kind::reported: onReported(event.report, out); break;
        case Kind::signalled:
            if (!s_.watching || event.generation != watchGeneration_) return out;  // W-246
            onSignalled(out);
            break;
        case Kind::signalFailure: onSignalFailure(event.failure, out); break;
        case Kind::declareFailed:
            if (s_.state != State::online && s_.state != State::verifying) {
                log(MonitorReason::lateDeclaration, out);
            } else {
                fail(MonitorReason::declaredFailed, 0, true, out);
            }
            break;
        case Kind::timer:
            if (!isArmed(event.timer) || event.generation != timerGenerations_[index(event.timer)]) return out;
            onTimer(event, out);
            break;
        case Kind::hostDied:
            if (s_.state == State::dead) return out;
            if (s_.state == State::closed && s_.call == Call::none) return out;
            if (s_.state == State::unloaded && s_.call == Call::none) {
                s_.loaded = false;  // nothing of ours was in it but the library
                return out;
            }
            die(MonitorReason::hostDied, s_.call, out);
            break;
        case Kind::hostRestarted:
            if (s_.state != State::dead) return out;
            s_.loaded = false;  // S39
            enter(State::unloaded, out);
            break;
    }
    advance(out);
    return out;
}

MonitorActions MonitorMachine::configure(const MonitorSettings& settings) noexcept {
    MonitorActions out;
    settings_ = settings;
    if (isArmed(MonitorTimer::looksAlive)) arm(MonitorTimer::looksAlive, settings_.looksAlivePollInterval, out);
    if (isArmed(MonitorTimer::isAlive)) arm(MonitorTimer::isAlive, settings_.isAlivePollInterval, out);
    return out;
}

abi::ResourceState MonitorMachine::externalState() const noexcept {
    switch (s_.state) {
        case State::unloaded: return s_.broken ? abi::ResourceState::failed : abi::ResourceState::offline;
        case State::onlineCalled:
        case State::onlinePending: return abi::ResourceState::onlinePending;
        case State::online:
        case State::verifying: return abi::ResourceState::online;
        case State::offlineCalled:
        case State::offlinePending: return abi::ResourceState::offlinePending;
        case State::terminating: return s_.failing ? abi::ResourceState::failed : abi::ResourceState::offlinePending;
        case State::failed:
        case State::dead: return abi::ResourceState::failed;
        case State::opened:
        case State::closed: break;
    }
    return abi::ResourceState::offline;
}

// --- requests ---------------------------------------------------------------------------------------------------

void MonitorMachine::onOpen(MonitorActions& out) noexcept {
    if (s_.state != State::unloaded || s_.call != Call::none || s_.wantClose) return;
    startCall(s_.loaded ? Call::open : Call::load, out);  // S1
}

void MonitorMachine::onOnline(MonitorActions& out) noexcept {
    const bool joins = s_.requestedOnline;
    s_.requestedOnline = true;
    switch (s_.state) {
        case State::closed:
        case State::dead: return finish(RequestKind::online, RequestOutcome::failed, out);
        default: break;
    }
    if (s_.wantClose) return finish(RequestKind::online, RequestOutcome::cancelled, out);
    disarm(MonitorTimer::restart, out);
    switch (s_.state) {
        case State::online:
        case State::verifying:
        case State::onlineCalled:
            if (s_.wantOffline) {  // an Offline that has not begun: the later request wins
                s_.wantOffline = false;
                disarm(MonitorTimer::patience, out);
                finish(RequestKind::offline, RequestOutcome::cancelled, out);
            }
            if (s_.state != State::onlineCalled) finish(RequestKind::online, RequestOutcome::done, out);
            return;
        case State::onlinePending: return;
        case State::terminating:
            if (joins && !s_.wantOnline) return;  // the request that is just failing answers for this one too
            break;
        default: break;
    }
    s_.wantOnline = true;  // W-243: once the way is free
}

void MonitorMachine::onOffline(MonitorActions& out) noexcept {
    s_.requestedOffline = true;
    s_.wantOnline = false;
    finish(RequestKind::online, RequestOutcome::cancelled, out);
    disarm(MonitorTimer::restart, out);
    switch (s_.state) {
        case State::unloaded:  // S34: of one that could not be opened only the state changes
            s_.broken = false;
            publish(out);
            [[fallthrough]];
        case State::opened:
        case State::closed: return finish(RequestKind::offline, RequestOutcome::done, out);
        case State::dead: return finish(RequestKind::offline, RequestOutcome::failed, out);
        case State::failed: return enterOpened(RequestOutcome::done, out);               // S34: Terminate already ran
        case State::onlinePending: return stop(MonitorReason::onlineCancelled, 0, out);  // S15, W-242
        case State::onlineCalled:
        case State::online:
        case State::verifying: return stopWorking(out);
        case State::terminating: s_.wantOffline = true; return;
        case State::offlineCalled:
        case State::offlinePending: return;
    }
}

void MonitorMachine::onTerminate(MonitorActions& out) noexcept {
    switch (s_.state) {
        case State::onlineCalled:
        case State::onlinePending:
        case State::online:
        case State::verifying:
        case State::offlineCalled:
        case State::offlinePending:
            s_.requestedOffline = true;
            s_.wantOnline = false;
            finish(RequestKind::online, RequestOutcome::cancelled, out);
            return stop(MonitorReason::stopForced, 0, out);  // W-133
        default: return onOffline(out);
    }
}

void MonitorMachine::onShutdown(MonitorActions& out) noexcept {
    s_.requestedClose = true;
    if (s_.state == State::closed) {
        if (s_.call == Call::none) finish(RequestKind::close, RequestOutcome::done, out);
        return;
    }
    if (s_.state == State::dead) return finish(RequestKind::close, RequestOutcome::failed, out);
    s_.wantClose = true;
    s_.wantOnline = false;
    finish(RequestKind::online, RequestOutcome::cancelled, out);
    disarm(MonitorTimer::restart, out);
    switch (s_.state) {
        case State::onlinePending: return stop(MonitorReason::onlineCancelled, 0, out);  // W-244
        case State::onlineCalled:
        case State::online:
        case State::verifying: return stopWorking(out);  // S36
        default: return;
    }
}

/** A stop while the resource works: at once if the lane is free, otherwise after the call or the patience. */
void MonitorMachine::stopWorking(MonitorActions& out) noexcept {
    s_.wantOffline = true;
    if (s_.call != Call::none && !isArmed(MonitorTimer::patience)) {
        arm(MonitorTimer::patience, settings_.stopPatience, out);
    }
}

void MonitorMachine::onControl(MonitorActions& out) noexcept {
    switch (s_.state) {
        case State::unloaded:
            if (s_.call != Call::none || s_.wantOnline) break;  // it may be opened soon
            [[fallthrough]];
        case State::closed:
        case State::dead: {
            MonitorAction action;
            action.kind = Act::refuseControl;
            action.reason = MonitorReason::controlRefused;
            out.push(action);
            return;
        }
        default: break;
    }
    s_.controlDue = true;  // S40: serialised with the other calls
}

void MonitorMachine::onRestart(const MonitorEvent& event, MonitorActions& out) noexcept {
    const bool waits = s_.state == State::failed || (s_.state == State::unloaded && s_.call == Call::none);
    if (!waits || s_.wantClose || s_.wantOnline) return;
    arm(MonitorTimer::restart, event.duration, out);  // S33
}

// --- what calls answered ------------------------------------------------------------------------------------------

void MonitorMachine::onReturned(const MonitorEvent& event, MonitorActions& out) noexcept {
    const Call call = s_.call;
    s_.call = Call::none;
    const bool stopping = s_.wantOffline || s_.wantClose;
    if (call == Call::looksAlive && event.code == 0 && s_.state == State::online && !stopping) {
        return verify(out);  // W-301: back to back, under one deadlock timer
    }
    disarm(MonitorTimer::deadlock, out);
    disarm(MonitorTimer::patience, out);
    switch (call) {
        case Call::load:
        case Call::open: {
            const bool good = event.code == 0;
            if (!good) {
                s_.broken = true;
                const auto reason = call == Call::load ? MonitorReason::loadFailed : MonitorReason::openFailed;
                log(reason, out, call, event.code);  // S2, S4
                publish(out);
                if (s_.wantOnline) {
                    s_.wantOnline = false;
                    finish(RequestKind::online, RequestOutcome::failed, out);
                    MonitorAction action;
                    action.kind = Act::failed;
                    action.reason = reason;
                    action.code = event.code;
                    out.push(action);
                }
                return;
            }
            if (call == Call::open) {
                s_.broken = false;
                return enter(State::opened, out);  // S3
            }
            s_.loaded = true;
            if (!s_.wantClose) startCall(Call::open, out);
            return;
        }
        case Call::online: return onlineReturned(event, out);
        case Call::offline: return offlineReturned(event, out);
        case Call::looksAlive:
            if (s_.state == State::online && !s_.hasEvent && !stopping) {
                arm(MonitorTimer::looksAlive, settings_.looksAlivePollInterval, out);  // S16; W-313: after it ended
            }
            return;
        case Call::isAlive:
            if (s_.state != State::verifying) return;                                      // W-245
            if (event.code == 0) return fail(MonitorReason::isAliveFailed, 0, true, out);  // S20, W-303
            s_.state = State::online;                                                      // S19
            if (!stopping) armPolls(out);
            return;
        case Call::deleteControl: return startCall(Call::close, out);
        case Call::close: return enterClosed(out);
        case Call::control:
        case Call::none: return;
    }
}

void MonitorMachine::onlineReturned(const MonitorEvent& event, MonitorActions& out) noexcept {
    const bool good = event.code == abi::code::success || event.code == abi::code::ioPending;
    if (s_.state == State::terminating) {
        s_.terminateAgain = good;  // W-240: Terminate may have looked before there was anything to end
        return;
    }
    if (s_.state != State::onlineCalled) return;
    s_.hasEvent = event.hasEvent;
    if (event.code == abi::code::success) return enterOnline(out);                // S7; a held report is discarded
    if (!good) return fail(MonitorReason::onlineFailed, event.code, false, out);  // S9
    enter(State::onlinePending, out);                                             // S8
    arm(MonitorTimer::pending, settings_.pendingGap(), out);
    if (s_.held) applyReport(s_.heldReport, out);
}

void MonitorMachine::offlineReturned(const MonitorEvent& event, MonitorActions& out) noexcept {
    if (s_.state == State::terminating) {
        s_.terminateAgain = event.code == abi::code::ioPending;  // it began behind Terminate's back, and goes on
        return;
    }
    if (s_.state != State::offlineCalled) return;
    if (event.code == abi::code::success) return enterOpened(RequestOutcome::done, out);                 // S24
    if (event.code != abi::code::ioPending) return stop(MonitorReason::offlineFailed, event.code, out);  // S26
    enter(State::offlinePending, out);                                                                   // S25
    arm(MonitorTimer::pending, settings_.pendingGap(), out);
    if (s_.held) applyReport(s_.heldReport, out);
}

void MonitorMachine::onTerminateReturned(MonitorActions& out) noexcept {
    s_.terminateOnStack = false;
    disarm(MonitorTimer::terminateDeadlock, out);
}

// --- status reports ------------------------------------------------------------------------------------------------

bool MonitorMachine::isPending(const StatusReport& report, abi::ResourceState own) noexcept {
    return report.state == own || report.state == abi::ResourceState::pending;
}

void MonitorMachine::onReported(const StatusReport& report, MonitorActions& out) noexcept {
    switch (s_.state) {
        case State::onlineCalled:
        case State::offlineCalled: {
            const auto own = s_.state == State::onlineCalled ? abi::ResourceState::onlinePending
                                                             : abi::ResourceState::offlinePending;
            if (!s_.held || isPending(s_.heldReport, own)) {  // S6, W-202; the first final one decides (W-209)
                s_.held = true;
                s_.heldReport = report;
                return;
            }
            break;
        }
        case State::onlinePending:
        case State::offlinePending:
            applyReport(report, out);
            if (s_.state == State::terminating) out.answer = abi::ExitState::terminate;
            return;
        case State::terminating: out.answer = abi::ExitState::terminate; return;  // S14, W-222
        default: break;
    }
    out.answer = abi::ExitState::terminate;  // S22, W-117
    log(MonitorReason::unexpectedReport, out, Call::none, static_cast<std::uint32_t>(report.state));
}

void MonitorMachine::applyReport(StatusReport report, MonitorActions& out) noexcept {
    const bool onlining = s_.state == State::onlinePending;
    s_.held = false;
    s_.heldReport = {};
    if (isPending(report, onlining ? abi::ResourceState::onlinePending : abi::ResourceState::offlinePending)) {
        if (s_.reported && report.checkPoint == s_.checkPoint) return;  // W-203, W-205: nothing new
        s_.reported = true;
        s_.checkPoint = report.checkPoint;
        arm(MonitorTimer::pending, settings_.pendingGap(), out);  // S10, S27
        return;
    }
    const auto state = report.state;
    const auto code = static_cast<std::uint32_t>(state);
    const bool failed = state == abi::ResourceState::failed || state == abi::ResourceState::unknown;
    if (onlining) {
        if (state == abi::ResourceState::online) {  // S11
            s_.hasEvent = s_.hasEvent || report.hasEvent;
            return enterOnline(out);
        }
        if (state == abi::ResourceState::cannotComeOnlineOnThisNode) {  // S13
            s_.place = RestartPlace::anotherNode;
            return fail(MonitorReason::onlineRefusedHere, code, false, out);
        }
        if (state == abi::ResourceState::cannotComeOnlineOnAnyNode) {
            s_.place = RestartPlace::nowhere;
            return fail(MonitorReason::onlineRefusedAnywhere, code, false, out);
        }
        return fail(failed ? MonitorReason::onlineReportedFailed : MonitorReason::onlineReportedIllegal, code, false,
                    out);  // S12, W-208
    }
    if (state == abi::ResourceState::offline) return enterOpened(RequestOutcome::done, out);  // S28
    if (state == abi::ResourceState::online && report.veto && !s_.wantClose) {                // S30
        log(MonitorReason::offlineRefused, out);
        finish(RequestKind::offline, RequestOutcome::vetoed, out);
        s_.wantOffline = false;
        return enterOnline(out);
    }
    stop(failed ? MonitorReason::offlineReportedFailed : MonitorReason::offlineReportedIllegal, code, out);  // S29
}

// --- health ----------------------------------------------------------------------------------------------------------

void MonitorMachine::onSignalled(MonitorActions& out) noexcept {
    s_.watching = false;  // W-323: one wake-up is one event
    if (settings_.terminateOnEvent) return fail(MonitorReason::eventSignalled, 0, true, out);  // S18, legacy
    s_.verifyDue = true;  // S18; if IsAlive is on the stack it may have looked too early
}

void MonitorMachine::onSignalFailure(FailureType type, MonitorActions& out) noexcept {
    if (s_.state != State::online && s_.state != State::verifying) {
        return log(MonitorReason::lateFailureSignal, out);  // a poll, or a stop, was quicker
    }
    switch (type) {  // S21
        case FailureType::general: return fail(MonitorReason::failureSignalled, 0, true, out);
        case FailureType::embedded: return log(MonitorReason::embeddedFailure, out);
        case FailureType::networkLoss: return log(MonitorReason::networkLoss, out);
    }
}

void MonitorMachine::verify(MonitorActions& out) noexcept {
    s_.verifyDue = s_.looksDue = false;
    disarm(MonitorTimer::looksAlive, out);
    disarm(MonitorTimer::isAlive, out);
    s_.state = State::verifying;  // external state stays Online
    startCall(Call::isAlive, out);
}

void MonitorMachine::armPolls(MonitorActions& out) noexcept {
    if (!s_.hasEvent) arm(MonitorTimer::looksAlive, settings_.looksAlivePollInterval, out);  // W-321
    arm(MonitorTimer::isAlive, settings_.isAlivePollInterval, out);
    if (s_.hasEvent && !s_.watching) {
        s_.watching = true;
        ++watchGeneration_;
        MonitorAction action;
        action.kind = Act::watch;
        action.generation = watchGeneration_;
        out.push(action);
    }
}

void MonitorMachine::endHealth(MonitorActions& out) noexcept {
    disarm(MonitorTimer::looksAlive, out);
    disarm(MonitorTimer::isAlive, out);
    unwatch(out);
    s_.looksDue = s_.verifyDue = false;
}

void MonitorMachine::unwatch(MonitorActions& out) noexcept {
    if (!s_.watching) return;
    s_.watching = false;
    ++watchGeneration_;
    MonitorAction action;
    action.kind = Act::unwatch;
    out.push(action);
}

}  // namespace holdfast::inline v1::core
