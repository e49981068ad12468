// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/health_policy.hpp>
#include <holdfast/core/lifecycle_events.hpp>

#include <array>
#include <cstdint>

namespace holdfast::inline v1::core {

/** What the engine was last told, or is waiting to be told. */
enum class Phase : std::uint8_t { offline, onlinePending, online, offlinePending, failed, closed };

/**
 * The agent side of one resource: events in, actions out (docs/agent-table.md, rows A1...).
 *
 * One file although it is long: every rule about what may overlap what stands here and nowhere else, in the order of the
 * table, so that it can be read beside it from top to bottom.
 *
 * Pure: no lock, no allocation, no clock, no exception. At most two user calls live at a time: one *work* job (online, offline,
 * a check or a repair) and one *terminate* job, and both at once only if the work job ignored its stop (D5).
 *
 * @par Thread safety None: one owner (the resource's strand) delivers one event at a time.
 */
class Lifecycle {
public:
    explicit Lifecycle(const Policy& policy = {}, Milliseconds syncGrace = Milliseconds{0}) noexcept
        : policy_{policy}, syncGrace_{syncGrace} {}

    /** Takes one event; `now` is the runtime's clock, used only to date timeouts inside FailureWindow. */
    Actions on(const Event& event, Time now) noexcept {
        Actions out;
        now_ = now;
        switch (event.kind) {
            case Event::Kind::request: onRequest(event.request, out); break;
            case Event::Kind::jobEnded: onJobEnded(event, out); break;
            case Event::Kind::checkpoint: onCheckpoint(event.id, out); break;
            case Event::Kind::policyRead: onPolicyRead(event, out); break;
            case Event::Kind::policyChanged: onPolicyChanged(event, out); break;
            case Event::Kind::timer: onTimer(event, out); break;
            case Event::Kind::failureReported: onFailureReported(event.id, out); break;
            case Event::Kind::engineStopped: onEngineStopped(event.id, out); break;
        }
        settle(out);
        return out;
    }

    enum class WorkState : std::uint8_t { none, running, stopping, wedged };
    /** What a pending operation waits for. */
    enum class Plan : std::uint8_t {
        none,
        predecessor,  ///< Online: until nothing of an earlier run is left (D3)
        job,          ///< its own job
        stopCheck,    ///< Offline: until the running check stopped (D13)
        stopOnline,   ///< Offline: until the online it overtook stopped (W-242)
        terminate,    ///< Offline: until terminate() did its work
    };

    [[nodiscard]] Phase phase() const noexcept { return phase_; }
    [[nodiscard]] Generation generation() const noexcept { return generation_; }
    [[nodiscard]] WorkState workState() const noexcept { return work_; }
    [[nodiscard]] Job workJob() const noexcept { return workJob_; }
    [[nodiscard]] JobId workId() const noexcept { return workId_; }
    [[nodiscard]] bool terminating() const noexcept { return terminating_; }
    [[nodiscard]] JobId terminateId() const noexcept { return terminateId_; }
    [[nodiscard]] Plan plan() const noexcept { return plan_; }
    [[nodiscard]] Health health() const noexcept { return health_; }
    [[nodiscard]] bool touched() const noexcept { return touched_; }
    [[nodiscard]] bool terminateOwed() const noexcept { return terminateOwed_; }
    [[nodiscard]] bool closeOwed() const noexcept { return closeOwed_; }
    [[nodiscard]] bool onlineOwed() const noexcept { return onlineOwed_; }
    [[nodiscard]] bool released() const noexcept { return released_; }
    [[nodiscard]] TimerId timer(Timer timer) const noexcept { return timers_[static_cast<std::size_t>(timer)]; }
    [[nodiscard]] const Policy& policy() const noexcept { return policy_; }
    [[nodiscard]] const HealthPolicy& healthPolicy() const noexcept { return checks_; }
    /** Every flag that decides what happens next, for the exploration test's canonical states. */
    [[nodiscard]] std::uint32_t flags() const noexcept {
        return static_cast<std::uint32_t>(touched_) | static_cast<std::uint32_t>(terminateWanted_) << 1U |
               static_cast<std::uint32_t>(endedMeanwhile_) << 2U | static_cast<std::uint32_t>(progressWaiting_) << 3U |
               static_cast<std::uint32_t>(failureSeen_) << 4U | static_cast<std::uint32_t>(terminateOwed_) << 5U |
               static_cast<std::uint32_t>(closeOwed_) << 6U | static_cast<std::uint32_t>(onlineOwed_) << 7U |
               static_cast<std::uint32_t>(released_) << 8U;
    }

    /** Nothing of an earlier run is left: user code may run again. */
    [[nodiscard]] bool clean() const noexcept { return work_ == WorkState::none && !terminating_ && !touched_; }

private:
    // ---- requests ------------------------------------------------------------------------------------------------

    void onRequest(Request request, Actions& out) noexcept {
        if (phase_ == Phase::closed) {
            const bool joins =
                (request == Request::terminate && terminateOwed_) || (request == Request::close && closeOwed_);
            if (!joins) reply(request, Answer::closed, out);
            return;
        }
        const bool starts = request == Request::online || request == Request::offline;
        if (starts && terminateOwed_) {
            reply(request, Answer::invalidState, out);  // it ran into a Terminate, which wins (W-240)
            return;
        }
        switch (request) {
            case Request::online: onOnline(out); break;
            case Request::offline: onOffline(out); break;
            case Request::terminate: onTerminate(out); break;
            case Request::close: onClose(out); break;
            case Request::cancel: onCancel(out); break;
        }
    }

    void onOnline(Actions& out) noexcept {
        if (onlineOwed_) return;  // both callers get the one answer
        if (phase_ == Phase::online) {
            reply(Request::online, Answer::done, out);  // W-124: already up, nothing to start twice
            return;
        }
        if (phase_ == Phase::onlinePending || phase_ == Phase::offlinePending) {
            reply(Request::online, Answer::invalidState, out);  // W-243: never both
            return;
        }
        beginOperation(Phase::onlinePending, out);
        failureSeen_ = false;
        health_ = Health::none;
        push(Action::Kind::resetEvent, generation_, out);  // D12, W-246
        if (clean()) {
            if (syncGrace_.count() > 0) {
                onlineOwed_ = true;
                arm(Timer::syncGrace, syncGrace_, out);
            } else {
                reply(Request::online, Answer::pending, out);  // D2: answer first, start after
            }
            startOnline(out);
            return;
        }
        reply(Request::online, Answer::pending, out);
        plan_ = Plan::predecessor;
        arm(Timer::predecessor, policy_.predecessorTimeout, out);
        reportPending(Reason::waitingForPrevious, out);
    }

    void onOffline(Actions& out) noexcept {
        switch (phase_) {
            case Phase::offline:
            case Phase::failed:
                if (clean()) {
                    phase_ = Phase::offline;
                    reply(Request::offline, Answer::done, out);  // W-127
                    return;
                }
                beginOffline(out);
                offlineByTerminate();
                return;
            case Phase::online:
                beginOffline(out);
                if (work_ == WorkState::none) {
                    startOffline(out);
                } else if (work_ == WorkState::wedged) {
                    offlineByTerminate();
                } else {
                    plan_ = Plan::stopCheck;
                    stopWork(StopReason::offline, out);
                }
                return;
            case Phase::onlinePending: {
                // W-242: a direct Offline overtakes the Online; the same rules as for a check apply to its job.
                const bool hadJob = plan_ == Plan::job;
                if (onlineOwed_) answerOnline(Answer::failed, out);
                beginOffline(out);
                if (hadJob) {
                    plan_ = Plan::stopOnline;
                    stopWork(StopReason::offline, out);
                } else {
                    offlineByTerminate();
                }
                return;
            }
            case Phase::offlinePending: reply(Request::offline, Answer::invalidState, out); return;
            case Phase::closed: return;
        }
    }

    void onTerminate(Actions& out) noexcept {
        supersede(Phase::offline, out);
        if (!terminateOwed_) {  // W-247: otherwise both callers get the one answer
            terminateOwed_ = true;
            arm(Timer::slowTerminate, Limits::slowTerminate, out);
            arm(Timer::terminateTimeout, policy_.terminateTimeout, out);
        }
        terminateAfterStop(StopReason::terminate, out);
    }

    void onClose(Actions& out) noexcept {
        supersede(Phase::closed, out);
        closeOwed_ = true;
        arm(Timer::closeReply, Limits::closeReply, out);
        terminateAfterStop(StopReason::close, out);
    }

    /** W-150: the pending call is asked to give up and nothing is killed; its own end stays its report. */
    void onCancel(Actions& out) noexcept {
        const bool pending = phase_ == Phase::onlinePending || phase_ == Phase::offlinePending;
        if (pending && plan_ == Plan::job && work_ == WorkState::running) {
            note(Reason::cancelled, workJob_, out);
            push(Action::Kind::cancelCall, workId_, out);
            reply(Request::cancel, Answer::done, out);
        } else if (pending && plan_ == Plan::predecessor) {
            finish(Status::failed, Reason::cancelled, out);  // nothing of its own runs yet
            reply(Request::cancel, Answer::done, out);
        } else {
            reply(Request::cancel, Answer::invalidState, out);
        }
    }

    // ---- what the requests share ---------------------------------------------------------------------------------

    /** Ends whatever was going on: its reports, its timers, its verdict. Terminate always wins, once (W-240). */
    void supersede(Phase next, Actions& out) noexcept {
        push(Action::Kind::closeReports, generation_, out);
        endRun(out);
        if (onlineOwed_) answerOnline(Answer::failed, out);
        ++generation_;
        phase_ = next;
        plan_ = Plan::none;
    }

    /** The run's verdict and timers go; what an old generation still says is dropped (W-249). */
    void endRun(Actions& out) noexcept {
        if (phase_ == Phase::online) setVerdict(Health::none, out);
        cancelOperationTimers(out);
        cancel(Timer::checkDue, out);
        cancel(Timer::checkTimeout, out);
    }

    void beginOperation(Phase pending, Actions& out) noexcept {
        ++generation_;
        phase_ = pending;
        checkPoint_ = 0;
        progressWaiting_ = false;
        push(Action::Kind::openReports, generation_, out);
        arm(Timer::heartbeat, policy_.heartbeat, out);
    }

    void beginOffline(Actions& out) noexcept {
        push(Action::Kind::closeReports, generation_, out);
        endRun(out);
        beginOperation(Phase::offlinePending, out);
        arm(Timer::limit, policy_.offlineLimit, out);
        reply(Request::offline, Answer::pending, out);
    }

    void offlineByTerminate() noexcept {
        plan_ = Plan::terminate;
        terminateWanted_ = touched_ && !terminating_;
    }

    void terminateAfterStop(StopReason why, Actions& out) noexcept {
        stopWork(why, out);
        if (touched_ && !terminating_) terminateWanted_ = true;  // one that already runs serves this request too
    }

    void stopWork(StopReason why, Actions& out) noexcept {
        if (work_ != WorkState::running) return;
        work_ = WorkState::stopping;
        Action action = make(Action::Kind::requestStop, workId_);
        action.stop = why;
        out.push(action);
        arm(Timer::grace, Limits::stopGrace, out);
    }

    void startWork(Job job, Actions& out) noexcept {
        work_ = WorkState::running;
        workJob_ = job;
        workId_ = ++lastJob_;
        Action action = make(Action::Kind::startJob, workId_);
        action.job = job;
        out.push(action);
    }

    void startOnline(Actions& out) noexcept {
        plan_ = Plan::job;
        touched_ = true;  // from here on only offline() or terminate() makes it clean again
        cancel(Timer::predecessor, out);
        arm(Timer::limit, policy_.onlineLimit, out);
        startWork(Job::online, out);
    }

    void startOffline(Actions& out) noexcept {
        plan_ = Plan::job;
        startWork(Job::offline, out);
    }

    void startCheck(Job job, Actions& out) noexcept {
        startWork(job, out);
        arm(Timer::checkTimeout, policy_.checkTimeout, out);
    }

    // ---- the end of user calls -----------------------------------------------------------------------------------

    void onJobEnded(const Event& event, Actions& out) noexcept {
        if (event.job == Job::terminate) {
            if (!terminating_ || event.id != terminateId_) return;
            terminating_ = false;
            // What ended while terminate() ran may have started something behind its back: then once more (A-undo).
            if (work_ == WorkState::none && !endedMeanwhile_) touched_ = false;
            return;
        }
        if (work_ == WorkState::none || event.id != workId_) return;
        const WorkState was = work_;
        work_ = WorkState::none;
        cancel(Timer::grace, out);
        if (workJob_ != Job::online && workJob_ != Job::offline) cancel(Timer::checkTimeout, out);
        if (workJob_ == Job::online && event.outcome == Outcome::rejected) {
            touched_ = terminateWanted_ = false;  // it never ran: nothing is to be undone
        }
        if (was == WorkState::wedged) {
            endedMeanwhile_ = terminating_;
            note(Reason::endedLate, workJob_, out);
        }
        if (phase_ == Phase::online) {
            if (was == WorkState::running) {
                onCheckEnded(event.outcome, out);
            } else if (health_ == Health::alive) {
                arm(Timer::checkDue, policy_.checkInterval, out);  // its timeout was counted when it expired
            }
            return;
        }
        if (was == WorkState::running && plan_ == Plan::job) {
            if (workJob_ == Job::online) {
                onOnlineEnded(event.outcome, out);
            } else {
                onOfflineEnded(event.outcome, out);
            }
        } else if (was == WorkState::stopping && plan_ == Plan::stopCheck) {
            startOffline(out);
        } else if (was == WorkState::stopping && plan_ == Plan::stopOnline) {
            if (event.outcome == Outcome::succeeded) {
                startOffline(out);
            } else {
                offlineByTerminate();
            }
        }
    }

    void onOnlineEnded(Outcome outcome, Actions& out) noexcept {
        if (outcome != Outcome::succeeded || failureSeen_) {
            finish(Status::failed,
                   outcome == Outcome::rejected    ? Reason::overloaded
                   : outcome == Outcome::succeeded ? Reason::failedWhileStarting
                                                   : Reason::onlineFailed,
                   out);
            return;
        }
        checks_.start();
        setVerdict(Health::alive, out);  // W-332: before the engine can ask
        finish(Status::online, Reason::none, out);
        arm(Timer::checkDue, policy_.checkInterval, out);
    }

    void onOfflineEnded(Outcome outcome, Actions& out) noexcept {
        if (outcome == Outcome::succeeded) {
            touched_ = false;
            finish(Status::offline, Reason::none, out);
        } else if (outcome == Outcome::rejected) {
            offlineByTerminate();  // terminate's thread is reserved (D6), offline's is not
        } else {
            finish(Status::failed, Reason::offlineFailed, out);
        }
    }

    void onCheckEnded(Outcome outcome, Actions& out) noexcept {
        if (health_ != Health::alive) return;
        if (outcome == Outcome::rejected) {
            note(Reason::checkNotStarted, workJob_, out);
            staysAlive(out);
            return;
        }
        const bool good = outcome == Outcome::succeeded;
        HealthPolicy::Next next = HealthPolicy::Next::alive;
        if (workJob_ == Job::look) {
            next = checks_.lookEnded(good);
        } else if (workJob_ == Job::check) {
            next = checks_.checkEnded(good, policy_);
        } else {
            if (good) note(Reason::repaired, workJob_, out);
            next = checks_.repairEnded(good, policy_);
        }
        switch (next) {
            case HealthPolicy::Next::alive: staysAlive(out); break;
            case HealthPolicy::Next::tolerated:
                note(Reason::toleratedFailure, workJob_, out);
                staysAlive(out);
                break;
            case HealthPolicy::Next::checkNow:
                setVerdict(Health::alive, out);  // no verdict yet: the time for one more check is granted
                startCheck(Job::check, out);
                break;
            case HealthPolicy::Next::repair:
                setVerdict(Health::alive, out);
                startCheck(Job::repair, out);
                break;
            case HealthPolicy::Next::fail: failRun(Reason::checkFailed, out); break;
        }
    }

    void staysAlive(Actions& out) noexcept {
        setVerdict(Health::alive, out);
        arm(Timer::checkDue, policy_.checkInterval, out);
    }

    /** The verdict first, then the signal (W-1123). It stays failed until the next run (W-136). */
    void failRun(Reason reason, Actions& out) noexcept {
        setVerdict(Health::failed, out);
        cancel(Timer::checkDue, out);
        cancel(Timer::checkTimeout, out);
        Action action = make(Action::Kind::signalFailure, generation_);
        action.reason = reason;
        out.push(action);
    }

    // ---- reports from user code and the engine -------------------------------------------------------------------

    void onCheckpoint(JobId id, Actions& out) noexcept {
        if (work_ != WorkState::running || id != workId_ || plan_ != Plan::job) return;
        if (onlineOwed_ || timer(Timer::coalesce) != 0) {
            progressWaiting_ = true;
        } else {
            reportPending(Reason::progress, out);
        }
    }

    void onPolicyRead(const Event& event, Actions& out) noexcept {
        if (work_ == WorkState::none || event.id != workId_ || workJob_ != Job::online) return;
        policy_ = *event.policy;
        if (phase_ == Phase::onlinePending && plan_ == Plan::job) arm(Timer::limit, policy_.onlineLimit, out);
    }

    /** L-065: what runs goes on; the next timers count by the new policy, and the pause before the next check already does. */
    void onPolicyChanged(const Event& event, Actions& out) noexcept {
        if (phase_ != Phase::online) return;
        policy_ = *event.policy;
        if (timer(Timer::checkDue) != 0) arm(Timer::checkDue, policy_.checkInterval, out);
    }

    void onFailureReported(Generation run, Actions& out) noexcept {
        if (run != generation_) return;  // W-249
        if (phase_ == Phase::onlinePending && plan_ == Plan::job) {
            failureSeen_ = true;
        } else if (phase_ == Phase::online && health_ == Health::alive) {
            failRun(Reason::reportedFailure, out);
        }
    }

    void onEngineStopped(Generation run, Actions& out) noexcept {
        if (run != generation_ || plan_ == Plan::none) return;
        note(Reason::engineStopped, workJob_, out);  // W-206: stop at once, and not another status call
        supersede(Phase::failed, out);
        stopWork(StopReason::terminate, out);
    }

    // ---- timers --------------------------------------------------------------------------------------------------

    void onTimer(const Event& event, Actions& out) noexcept {
        TimerId& armed = timers_[static_cast<std::size_t>(event.timer)];
        if (armed == 0 || armed != event.id) return;
        armed = 0;
        if (event.stalled && restartAfterStall(event.timer, out)) return;
        switch (event.timer) {
            case Timer::grace: onGraceOver(out); break;
            case Timer::predecessor: finish(Status::failed, Reason::predecessorTimeout, out); break;
            case Timer::limit:
                stopWork(StopReason::limit, out);
                finish(Status::failed, Reason::limitExceeded, out);
                break;
            case Timer::heartbeat: onHeartbeat(out); break;
            case Timer::coalesce:
                if (progressWaiting_) reportPending(Reason::progress, out);
                break;
            case Timer::syncGrace:
                answerOnline(Answer::pending, out);
                if (progressWaiting_) reportPending(Reason::progress, out);
                break;
            case Timer::slowTerminate: note(Reason::slowTerminate, Job::terminate, out); break;
            case Timer::terminateTimeout:
                note(Reason::terminateTimedOut, Job::terminate, out);
                answerTerminate(Answer::failed, out);
                break;
            case Timer::closeReply:
                note(Reason::closedWedged, workJob_, out);
                closeOwed_ = false;
                reply(Request::close, Answer::failed, out);
                break;
            case Timer::checkDue: startCheck(checks_.thoroughIsDue(policy_) ? Job::check : Job::look, out); break;
            case Timer::checkTimeout: onCheckTimeout(out); break;
            case Timer::count_: break;
        }
    }

    /** D4: time in which the process did not run is nobody's delay; deadlines on user code start again. */
    bool restartAfterStall(Timer timer, Actions& out) noexcept {
        switch (timer) {
            case Timer::checkTimeout: arm(timer, policy_.checkTimeout, out); return true;
            case Timer::predecessor: arm(timer, policy_.predecessorTimeout, out); return true;
            case Timer::limit:
                arm(timer, phase_ == Phase::onlinePending ? policy_.onlineLimit : policy_.offlineLimit, out);
                return true;
            case Timer::terminateTimeout:
                arm(timer, policy_.terminateTimeout, out);  // D1: given up too early, a second copy could start
                return true;
            case Timer::grace: arm(timer, Limits::stopGrace, out); return true;
            default: return false;
        }
    }

    void onGraceOver(Actions& out) noexcept {
        work_ = WorkState::wedged;
        note(Reason::stopIgnored, workJob_, out);
        if (plan_ == Plan::stopCheck || plan_ == Plan::stopOnline) offlineByTerminate();  // D13
    }

    void onHeartbeat(Actions& out) noexcept {
        if (!onlineOwed_ && timer(Timer::coalesce) == 0) {
            reportPending(plan_ == Plan::predecessor ? Reason::waitingForPrevious : Reason::progress, out);
        }
        arm(Timer::heartbeat, policy_.heartbeat, out);
    }

    void onCheckTimeout(Actions& out) noexcept {
        const bool repairing = workJob_ == Job::repair;
        stopWork(StopReason::limit, out);
        if (!repairing && checks_.timedOut(now_, policy_) == HealthPolicy::Next::tolerated) {
            note(Reason::toleratedTimeout, workJob_, out);
            setVerdict(Health::alive, out);
            arm(Timer::checkTimeout, policy_.checkTimeout, out);  // if it stays, the next period counts again
        } else {
            failRun(repairing ? Reason::repairTimedOut : Reason::checkTimedOut, out);
        }
    }

    // ---- what follows from the state alone -----------------------------------------------------------------------

    void settle(Actions& out) noexcept {
        const bool free = work_ == WorkState::none || work_ == WorkState::wedged;
        if (!terminating_ && free && (terminateWanted_ || mustUndo())) {
            if (!terminateWanted_) note(Reason::undone, workJob_, out);
            terminateWanted_ = false;
            terminating_ = true;
            endedMeanwhile_ = false;
            terminateId_ = ++lastJob_;
            Action action = make(Action::Kind::startJob, terminateId_);
            action.job = Job::terminate;
            action.destroy = work_ == WorkState::none;
            out.push(action);
        }
        if (terminating_ || !free || (work_ == WorkState::none && touched_ && mustUndo())) return;
        if (terminateOwed_) answerTerminate(Answer::done, out);
        if (plan_ == Plan::terminate) finish(Status::offline, Reason::offlineByTerminate, out);
        if (!clean()) return;
        if (phase_ == Phase::closed && !released_) {
            released_ = true;
            push(Action::Kind::release, generation_, out);  // before the answer: who closed may look at once
        }
        if (phase_ == Phase::closed && closeOwed_) {
            closeOwed_ = false;
            cancel(Timer::closeReply, out);
            reply(Request::close, Answer::done, out);
        }
        if (plan_ == Plan::predecessor) startOnline(out);
    }

    /** Something of an earlier run may be left and nobody owns it. */
    [[nodiscard]] bool mustUndo() const noexcept {
        if (!touched_ || work_ != WorkState::none) return false;
        return phase_ == Phase::offline || phase_ == Phase::closed || plan_ == Plan::predecessor ||
               plan_ == Plan::terminate || terminateOwed_;
    }

    // ---- small things --------------------------------------------------------------------------------------------

    /** The one end of a pending operation: a direct return while the engine's call still waits, a report otherwise. */
    void finish(Status status, Reason reason, Actions& out) noexcept {
        plan_ = Plan::none;
        phase_ = status == Status::online ? Phase::online : status == Status::offline ? Phase::offline : Phase::failed;
        cancelOperationTimers(out);
        if (onlineOwed_) {
            answerOnline(status == Status::online ? Answer::done : Answer::failed, out);
            if (reason != Reason::none) note(reason, Job::online, out);
            return;
        }
        report(status, reason, out);
    }

    void reportPending(Reason reason, Actions& out) noexcept {
        progressWaiting_ = false;
        report(phase_ == Phase::onlinePending ? Status::onlinePending : Status::offlinePending, reason, out);
        arm(Timer::coalesce, Limits::coalesce, out);
    }

    void report(Status status, Reason reason, Actions& out) noexcept {
        Action action = make(Action::Kind::report, generation_);
        action.status = status;
        action.reason = reason;
        action.job = workJob_;
        action.checkPoint = ++checkPoint_;  // W-203, W-205: each report a new one
        out.push(action);
    }

    void answerOnline(Answer answer, Actions& out) noexcept {
        onlineOwed_ = false;
        cancel(Timer::syncGrace, out);
        reply(Request::online, answer, out);
    }

    void answerTerminate(Answer answer, Actions& out) noexcept {
        terminateOwed_ = false;
        cancel(Timer::slowTerminate, out);
        cancel(Timer::terminateTimeout, out);
        reply(Request::terminate, answer, out);
    }

    void setVerdict(Health health, Actions& out) noexcept {
        health_ = health;
        Action action = make(Action::Kind::setVerdict, generation_);
        action.health = health;
        out.push(action);
    }

    static void reply(Request request, Answer answer, Actions& out) noexcept {
        Action action = make(Action::Kind::reply, 0);
        action.request = request;
        action.answer = answer;
        out.push(action);
    }

    static void note(Reason reason, Job job, Actions& out) noexcept {
        Action action = make(Action::Kind::note, 0);
        action.reason = reason;
        action.job = job;
        out.push(action);
    }

    static Action make(Action::Kind kind, std::uint32_t id) noexcept {
        Action action;
        action.kind = kind;
        action.id = id;
        return action;
    }
    static void push(Action::Kind kind, std::uint32_t id, Actions& out) noexcept { out.push(make(kind, id)); }

    void arm(Timer timer, Milliseconds duration, Actions& out) noexcept {
        Action action = make(Action::Kind::armTimer, ++lastTimer_);
        action.timer = timer;
        action.duration = duration;
        timers_[static_cast<std::size_t>(timer)] = action.id;
        out.push(action);
    }

    void cancel(Timer timer, Actions& out) noexcept {
        TimerId& armed = timers_[static_cast<std::size_t>(timer)];
        if (armed == 0) return;
        armed = 0;
        Action action = make(Action::Kind::cancelTimer, 0);
        action.timer = timer;
        out.push(action);
    }

    void cancelOperationTimers(Actions& out) noexcept {
        for (const Timer timer : {Timer::predecessor, Timer::limit, Timer::heartbeat, Timer::coalesce})
            cancel(timer, out);
        progressWaiting_ = false;
    }

    Policy policy_;
    Milliseconds syncGrace_;
    HealthPolicy checks_;
    std::array<TimerId, timerCount> timers_{};
    Time now_{0};
    Generation generation_{0};
    JobId lastJob_{0};
    JobId workId_{0};
    JobId terminateId_{0};
    TimerId lastTimer_{0};
    std::uint32_t checkPoint_{0};
    Phase phase_{Phase::offline};
    Plan plan_{Plan::none};
    WorkState work_{WorkState::none};
    Job workJob_{Job::online};
    Health health_{Health::none};
    bool touched_{false};          ///< user code may have started something that nothing ended yet
    bool terminating_{false};      ///< a terminate job runs
    bool terminateWanted_{false};  ///< one is to start as soon as the work job ended or is wedged
    bool endedMeanwhile_{false};   ///< a wedged job ended while the terminate job ran
    bool progressWaiting_{false};  ///< a checkpoint came inside the coalescing time
    bool failureSeen_{false};      ///< reportFailure() during online()
    bool terminateOwed_{false};
    bool closeOwed_{false};
    bool onlineOwed_{false};
    bool released_{false};
};

}  // namespace holdfast::inline v1::core
