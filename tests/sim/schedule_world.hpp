// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The agent-side machine and the monitor's machine against each other on one imagined clock: every call, hop, report, check
/// and user call takes a random time, and the entity they fight over is a counter.

#include <holdfast/core/lifecycle.hpp>
#include <holdfast/core/monitor_machine.hpp>
#include <holdfast/core/restart_policy.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <string>

namespace sim {

using namespace holdfast::core;
using holdfast::StopReason;
namespace abi = holdfast::abi;

/** Microseconds of imagined time. */
using Ticks = std::int64_t;
constexpr Ticks ms = 1'000;

class World {
public:
    explicit World(std::uint64_t seed) : random_{seed} {
        Policy policy;
        policy.checkInterval = Milliseconds{100};
        policy.checkTimeout = Milliseconds{300};
        policy.timeoutTolerance = chance(50) ? 1 : 0;
        policy.failureTolerance = chance(50) ? 1 : 0;
        policy.repairs = chance(50);
        policy.onlineLimit = Milliseconds{2'000};
        policy.offlineLimit = Milliseconds{2'000};
        policy.heartbeat = Milliseconds{200};
        policy.terminateTimeout = Milliseconds{3'000};
        policy.predecessorTimeout = Milliseconds{1'500};
        agent_ = Lifecycle{policy, chance(30) ? Milliseconds{200} : Milliseconds{0}};
        maxAge_ = (policy.checkInterval + policy.checkTimeout + Limits::stall).count();
        MonitorSettings settings;
        settings.looksAlivePollInterval = Milliseconds{150};
        settings.isAlivePollInterval = Milliseconds{250};
        settings.pendingTimeout = Milliseconds{600};
        settings.deadlockTimeout = Milliseconds{5'000};
        settings.stopPatience = Milliseconds{chance(50) ? 500 : 50};
        settings.terminateOnEvent = chance(50);
        monitor_ = MonitorMachine{settings};
        RestartSettings restarts;
        restarts.threshold = 2;
        restarts.period = Milliseconds{5'000};
        restarts.delay = Milliseconds{10};
        restarts.retryPeriodOnFailure = Milliseconds{5'000};
        restart_ = RestartPolicy{restarts};
    }

    /** Runs one schedule to its end; what went wrong first, or nothing. */
    std::string run() {
        feed(MonitorEvent::of(MonitorEvent::Kind::open));
        Ticks at = 0;
        const int requests = 3 + pick(6);
        for (int i = 0; i < requests; ++i) {
            at += pick(3) == 0 ? pick(5) * ms : pick(1'500) * ms;
            const int what = pick(10);
            this->at(at, [this, what] {
                if (what < 5)
                    request(MonitorEvent::Kind::online);
                else if (what < 8)
                    request(MonitorEvent::Kind::offline);
                else if (what < 9)
                    feed(MonitorEvent::of(MonitorEvent::Kind::terminate));
                else
                    broken_ = true;  // the entity dies by itself; only a check can tell
            });
        }
        this->at(at + pick(2'000) * ms, [this] { request(MonitorEvent::Kind::shutdown); });
        for (std::size_t steps = 0; !queue_.empty() && violation_.empty(); ++steps) {
            if (steps > 200'000) {
                fail("the schedule does not come to an end");
                break;
            }
            const auto next = queue_.begin();
            now_ = next->first.first;
            const std::function<void()> what = std::move(next->second);
            queue_.erase(next);
            what();
        }
        if (violation_.empty()) atTheEnd();
        return violation_;
    }

    std::uint64_t events{0};
    std::uint64_t reports{0};
    std::uint64_t onlines{0};
    std::uint64_t failures{0};

private:
    // ---- chance and time ----------------------------------------------------------------------------------------
    int pick(int below) { return static_cast<int>(random_() % static_cast<std::uint64_t>(below)); }
    bool chance(int percent) { return pick(100) < percent; }
    void at(Ticks time, std::function<void()> what) { queue_.emplace(std::pair{time, ++sequence_}, std::move(what)); }
    void in(Ticks delay, std::function<void()> what) { at(now_ + delay, std::move(what)); }
    Ticks hop() { return 1 + (chance(5) ? pick(40'000) : pick(200)); }
    Time millis() const { return now_ / ms; }
    void fail(const std::string& text) {
        if (violation_.empty()) violation_ = text;
    }

    // ---- the agent's side ---------------------------------------------------------------------------------------
    void tell(const Event& event) {
        ++events;
        const Actions actions = agent_.on(event, millis());
        for (const Action& action : actions) carryOut(action);
    }

    void carryOut(const Action& action) {
        switch (action.kind) {
            case Action::Kind::reply: {
                auto& waiting = waiters_[static_cast<std::size_t>(action.request)];
                auto answered = std::move(waiting);
                waiting.clear();
                for (auto& waiter : answered) waiter(action.answer);
                break;
            }
            case Action::Kind::startJob: startJob(action); break;
            case Action::Kind::requestStop:
            case Action::Kind::cancelCall:
                if (!stopDeaf_) {
                    // It hears the stop; how it ends is up to it.
                    in(hop(), [this, id = action.id] { endWork(id, false); });
                }
                break;
            case Action::Kind::openReports: gate_ = action.id; break;
            case Action::Kind::closeReports: gate_ = 0; break;
            case Action::Kind::report: enqueue([this, action] { deliver(action); }); break;
            case Action::Kind::resetEvent:
                eventRun_ = action.id;
                eventSignalled_ = false;
                break;
            case Action::Kind::signalFailure:
                enqueue([this, run = action.id] {
                    if (run != eventRun_) return;
                    eventSignalled_ = true;
                    wakeWatcher();
                });
                break;
            case Action::Kind::setVerdict:
                verdict_ = action.health;
                verdictAt_ = millis();
                break;
            case Action::Kind::armTimer:
                in(action.duration.count() * ms + pick(300),
                   [this, timer = action.timer, id = action.id] { tell(Event::expired(timer, id)); });
                break;
            case Action::Kind::cancelTimer:
            case Action::Kind::note: break;
            case Action::Kind::release: released_ = true; break;
        }
    }

    void enqueue(std::function<void()> item) {
        outbox_.push_back(std::move(item));
        if (outbox_.size() == 1) in(hop(), [this] { drainOutbox(); });
    }
    void drainOutbox() {
        const auto item = std::move(outbox_.front());
        item();
        outbox_.pop_front();
        if (!outbox_.empty()) in(hop(), [this] { drainOutbox(); });
    }

    void deliver(const Action& action) {
        if (action.id != gate_) return;  // as the reporter does: it may not begin any more
        ++reports;
        if (terminateReturned_ == action.id) fail("a report began after Terminate returned");
        const bool final = action.status != Status::onlinePending && action.status != Status::offlinePending;
        if (final && finalOf_ == action.id) fail("an operation had two final reports");
        if (finalOf_ == action.id) fail("a report after the final one");
        if (final) finalOf_ = action.id;
        StatusReport report;
        report.checkPoint = action.checkPoint;
        switch (action.status) {
            case Status::onlinePending: report.state = abi::ResourceState::onlinePending; break;
            case Status::offlinePending: report.state = abi::ResourceState::offlinePending; break;
            case Status::online:
                report.state = abi::ResourceState::online;
                report.hasEvent = true;
                break;
            case Status::offline: report.state = abi::ResourceState::offline; break;
            case Status::failed: report.state = abi::ResourceState::failed; break;
        }
        const abi::ExitState answer = feed(MonitorEvent::reported(report));
        if (answer == abi::ExitState::terminate)
            in(hop(), [this, id = action.id] { tell(Event::stoppedByEngine(id)); });
    }

    // ---- user code ----------------------------------------------------------------------------------------------
    void startJob(const Action& action) {
        if (action.job == Job::terminate) {
            if (terminateLive_) fail("terminate() overlaps itself");
            terminateLive_ = true;
            const Ticks takes = chance(2) ? pick(8'000) * ms : chance(10) ? pick(400) * ms : pick(2'000);
            in(hop() + takes, [this, id = action.id] {
                terminateLive_ = false;
                copies_ = 0;
                broken_ = false;
                if (workLive_ && stopDeaf_ && chance(60)) endSoon(workId_);  // killing what it waits for frees it
                tell(Event::ended(Job::terminate, id, Outcome::succeeded));
            });
            return;
        }
        if (workLive_ || terminateLive_) fail("D5: two user members at a time");
        if (chance(2)) {
            in(hop(), [this, action] { tell(Event::ended(action.job, action.id, Outcome::rejected)); });
            return;
        }
        workLive_ = true;
        workId_ = action.id;
        workJob_ = action.job;
        stopDeaf_ = chance(15);
        Ticks takes = pick(3'000);
        if (action.job == Job::online) {
            ++onlines;
            if (copies_ != 0) fail("online() started a second copy");
            takes = chance(30) ? pick(3'000) * ms : pick(100) * ms;
            for (Ticks step = takes / 5; step > 0 && step < takes; step += takes / 5) {
                in(step, [this, id = action.id] { tell(Event::progressed(id)); });
            }
        } else if (action.job == Job::offline) {
            takes = chance(20) ? pick(3'000) * ms : pick(50) * ms;
        } else if (chance(4)) {
            takes = pick(2'000) * ms;  // a check that hangs
            hung_ = true;
        }
        in(takes, [this, id = action.id] { endWork(id, true); });
        if (action.job == Job::online && chance(3)) {
            in(pick(static_cast<int>(takes) + 1), [this, run = agent_.generation()] { tell(Event::reported(run)); });
            hung_ = true;
        }
    }

    void endSoon(JobId id) {
        in(hop(), [this, id] { endWork(id, chance(50)); });
    }

    void endWork(JobId id, bool byItself) {
        if (!workLive_ || id != workId_) return;
        workLive_ = false;
        Outcome outcome = Outcome::succeeded;
        switch (workJob_) {
            case Job::online:
                if (!byItself || chance(15)) {
                    outcome = Outcome::failed;
                    if (chance(50)) startCopy();  // it failed half-way: something runs
                } else {
                    startCopy();
                }
                break;
            case Job::offline:
                if (!byItself || chance(10))
                    outcome = Outcome::failed;
                else
                    copies_ = 0;
                break;
            case Job::look:
            case Job::check: {
                const bool lies = chance(1);
                if (lies) hung_ = true;
                if (broken_ || !byItself || lies) outcome = Outcome::failed;
                break;
            }
            case Job::repair:
                if (broken_ && chance(50))
                    broken_ = false;
                else
                    outcome = Outcome::failed;
                break;
            case Job::terminate: break;
        }
        tell(Event::ended(workJob_, id, outcome));
    }

    void startCopy() {
        if (copies_ != 0) fail("two copies run");
        ++copies_;
    }

    // ---- the monitor's side -------------------------------------------------------------------------------------
    void request(MonitorEvent::Kind kind) {
        if (kind == MonitorEvent::Kind::shutdown) shutdown_ = true;
        feed(MonitorEvent::of(kind));
    }

    abi::ExitState feed(const MonitorEvent& event) {
        ++events;
        const MonitorActions actions = monitor_.handle(event);
        for (const MonitorAction& action : actions) carryOut(action);
        return actions.answer;
    }

    void carryOut(const MonitorAction& action) {
        switch (action.kind) {
            case MonitorAction::Kind::call: startCall(action.call, action.generation); break;
            case MonitorAction::Kind::terminate:
                enter(Request::terminate, [this, generation = action.generation](Answer answer) {
                    terminateReturned_ = answer == Answer::done ? terminatedRun_ : 0;
                    if (answer == Answer::done && !workLive_ && copies_ != 0)
                        fail("Terminate answered while a copy runs");
                    in(hop(), [this, generation] { feed(MonitorEvent::terminateReturned(generation)); });
                });
                break;
            case MonitorAction::Kind::arm:
                timers_[static_cast<std::size_t>(action.timer)] = action.generation;
                in(action.duration.count() * ms + pick(300),
                   [this, timer = action.timer, generation = action.generation] {
                       if (timers_[static_cast<std::size_t>(timer)] == generation)
                           feed(MonitorEvent::expired(timer, generation));
                   });
                break;
            case MonitorAction::Kind::disarm: timers_[static_cast<std::size_t>(action.timer)] = 0; break;
            case MonitorAction::Kind::watch:
                watch_ = action.generation;
                watching_ = true;
                wakeWatcher();
                break;
            case MonitorAction::Kind::unwatch: watching_ = false; break;
            case MonitorAction::Kind::failed: onFailed(action); break;
            case MonitorAction::Kind::log:
                if (action.reason == MonitorReason::unexpectedReport)
                    fail("W-201: a report outside a pending operation");
                if (action.reason == MonitorReason::onlineReportedIllegal ||
                    action.reason == MonitorReason::offlineReportedIllegal)
                    fail("W-208: an illegal final report");
                if (action.reason == MonitorReason::deadlock && !slowTerminateOnly())
                    fail("an entry point did not return");
                break;
            case MonitorAction::Kind::killHost:
            case MonitorAction::Kind::publish:
            case MonitorAction::Kind::finished:
            case MonitorAction::Kind::refuseControl: break;
        }
    }

    /** terminate() itself may take longer than any limit here; nothing else may. */
    [[nodiscard]] bool slowTerminateOnly() const { return monitor_.snapshot().terminateOnStack; }

    void onFailed(const MonitorAction& action) {
        ++failures;
        if (action.reason == MonitorReason::isAliveFailed && !hung_ && !broken_ && !everBroken_) {
            fail("a healthy resource was failed");
        }
        const RestartDecision decision = restart_.failed(RestartPolicy::Time{Milliseconds{millis()}}, action.place);
        if (decision.kind == RestartDecision::Kind::restart)
            feed(MonitorEvent::restart(decision.delay));
        else if (decision.retries)
            feed(MonitorEvent::restart(decision.retryAfter));
    }

    void startCall(Call call, Generation generation) {
        const auto back = [this, call, generation](std::uint32_t code, bool hasEvent) {
            in(hop(), [this, call, generation, code, hasEvent] {
                feed(MonitorEvent::returned(call, generation, code, hasEvent));
            });
        };
        switch (call) {
            case Call::online:
                hung_ = false;
                enter(Request::online, [back](Answer answer) {
                    back(code(answer), answer == Answer::done || answer == Answer::pending);
                });
                break;
            case Call::open:
                opened_ = true;
                back(0, false);
                break;
            case Call::offline: enter(Request::offline, [back](Answer answer) { back(code(answer), false); }); break;
            case Call::close: enter(Request::close, [back](Answer) { back(0, false); }); break;
            case Call::looksAlive:
            case Call::isAlive:
                everBroken_ = everBroken_ || broken_;
                back(healthy() ? 1 : 0, false);
                break;
            default: back(0, false); break;
        }
    }

    static std::uint32_t code(Answer answer) {
        switch (answer) {
            case Answer::done: return abi::code::success;
            case Answer::pending: return abi::code::ioPending;
            case Answer::invalidState: return abi::code::invalidState;
            case Answer::failed: return abi::code::resourceFailed;
            case Answer::closed: return abi::code::resourceNotFound;
        }
        return abi::code::resourceFailed;
    }

    /** An entry point: called now, seen by the strand a hop later. */
    void enter(Request request, std::function<void(Answer)> answer) {
        const bool starts = request == Request::online || request == Request::offline;
        if (!starts) ++terminates_;
        in(hop(), [this, request, starts, before = terminates_, answer = std::move(answer)] {
            if (starts && before != terminates_) {
                answer(Answer::invalidState);  // as the instance does: a Terminate has overtaken it
                return;
            }
            if (request == Request::terminate) terminatedRun_ = agent_.generation();
            waiters_[static_cast<std::size_t>(request)].push_back(answer);
            tell(Event::requested(request));
        });
    }

    [[nodiscard]] bool healthy() const { return verdict_ == Health::alive && millis() - verdictAt_ <= maxAge_; }

    void wakeWatcher() {
        if (!watching_ || !eventSignalled_) return;
        everBroken_ = everBroken_ || broken_;
        in(hop(), [this, generation = watch_] {
            if (watching_ && watch_ == generation) feed(MonitorEvent::signalled(generation));
        });
    }

    void atTheEnd() {
        if (monitor_.state() != MonitorState::closed && monitor_.state() != MonitorState::dead)
            fail("the monitor never closed the resource");
        if (workLive_ || terminateLive_) fail("user code still runs though nothing is left to happen");
        if (copies_ != 0) fail("a copy is left running");
        if (monitor_.state() == MonitorState::closed && opened_ && !released_) fail("the agent never let go");
        for (const auto& waiting : waiters_) {
            if (!waiting.empty()) fail("an entry point was never answered");
        }
    }

    std::mt19937_64 random_;
    std::map<std::pair<Ticks, std::uint64_t>, std::function<void()>> queue_;
    std::uint64_t sequence_{0};
    Ticks now_{0};
    std::string violation_;

    Lifecycle agent_;
    Time maxAge_{0};
    std::array<std::deque<std::function<void(Answer)>>, 4> waiters_;
    std::deque<std::function<void()>> outbox_;
    std::uint32_t terminates_{0};
    Generation gate_{0};
    Generation finalOf_{0};
    Generation terminatedRun_{0};
    Generation terminateReturned_{0};
    Generation eventRun_{0};
    bool eventSignalled_{false};
    Health verdict_{Health::none};
    Time verdictAt_{0};
    bool opened_{false};
    bool released_{false};

    bool workLive_{false};
    JobId workId_{0};
    Job workJob_{Job::online};
    bool stopDeaf_{false};
    bool terminateLive_{false};
    int copies_{0};
    bool broken_{false};  // the entity no longer answers
    bool everBroken_{false};
    bool hung_{false};  // a check of this run was slow or lied

    MonitorMachine monitor_;
    RestartPolicy restart_;
    std::array<Generation, monitorTimerCount> timers_{};
    Generation watch_{0};
    bool watching_{false};
    bool shutdown_{false};
};

}  // namespace sim
