// SPDX-License-Identifier: BSL-1.0

/// Explores every reachable canonical state of `core::Lifecycle` over every order of events, and holds each transition
/// against a ledger that knows the contract but not the machine.

#include <holdfast/core/lifecycle.hpp>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include <deque>
#include <map>
#include <string>
#include <vector>

using namespace holdfast::core;
using holdfast::StopReason;

namespace {

/** What an observer outside the machine knows; violations are collected as text. */
struct Ledger {
    bool workLive{false};  // a user call other than terminate runs
    Job workJob{Job::online};
    JobId workId{0};
    bool workStopped{false};    // it was told to stop
    bool terminateLive{false};  // terminate() runs
    JobId terminateId{0};
    bool terminateDestroys{false};
    bool residue{false};      // user code ran and nothing undid it since
    bool residueGrew{false};  // ... while terminate() ran
    bool operation{false};    // an Online or Offline was accepted and has no end yet
    bool operationOnline{false};
    bool awaitsAnswer{false};  // its entry point has not returned yet
    bool gateOpen{false};
    bool terminateAsked{false};
    bool closeAsked{false};
    bool closed{false};
    bool released{false};
    Generation openGeneration{0};
    std::uint32_t lastCheckPoint{0};
    Health verdict{Health::none};
    bool signalled{false};
    bool onlineAsked{false};  // an Online has no answer yet
    bool offlineAsked{false};
    bool failureDuringOnline{false};  // reportFailure() while online() ran
    const Policy* policy{nullptr};
    Milliseconds syncGrace{0};
    std::string violation;

    void fail(const std::string& text) {
        if (violation.empty()) violation = text;
    }
    void require(bool holds, const char* text) {
        if (!holds) fail(text);
    }

    void before(const Event& event) {
        if (event.kind == Event::Kind::request) {
            if (event.request == Request::terminate && !closed) terminateAsked = true;
            if (event.request == Request::online) onlineAsked = true;
            if (event.request == Request::offline) offlineAsked = true;
            if (event.request == Request::close && !closed) {
                closeAsked = true;
                closed = true;
            }
            if (event.request == Request::terminate || event.request == Request::close) {
                endOperation();  // superseded: the third of the three ends
            }
        }
        if (event.kind == Event::Kind::failureReported && event.id == openGeneration && operation && operationOnline &&
            workLive && workJob == Job::online && !workStopped) {
            failureDuringOnline = true;
        }
        if (event.kind == Event::Kind::jobEnded) {
            if (event.job == Job::terminate && terminateLive && event.id == terminateId) {
                terminateLive = false;
                // terminate() undoes what was there when it ran; what ended meanwhile may have added to it.
                if (!workLive && !residueGrew) residue = false;
                residueGrew = false;
            } else if (event.job != Job::terminate && workLive && event.id == workId) {
                workLive = false;
                if (terminateLive) residueGrew = true;
                if (event.outcome == Outcome::rejected && workJob == Job::online) residue = false;
                if (event.outcome == Outcome::succeeded && workJob == Job::offline && !workStopped) residue = false;
            }
        }
    }

    void endOperation() { operation = awaitsAnswer = false; }

    void apply(const Action& action, const Event& event) {
        switch (action.kind) {
            case Action::Kind::reply: onReply(action); break;
            case Action::Kind::startJob: onStart(action); break;
            case Action::Kind::requestStop:
                require(workLive && action.id == workId, "a stop was requested of a call that does not run");
                require(!workStopped, "a call was told to stop twice");
                workStopped = true;
                break;
            case Action::Kind::cancelCall:
                require(workLive && action.id == workId && !workStopped, "a call was cancelled that does not run");
                require(operation || awaitsAnswer, "W-150: cancelled outside a pending operation");
                require(workJob == Job::online || workJob == Job::offline, "W-150: a check was cancelled");
                break;
            case Action::Kind::openReports:
                gateOpen = true;
                openGeneration = action.id;
                lastCheckPoint = 0;
                break;
            case Action::Kind::closeReports:
                gateOpen = false;
                if (event.kind == Event::Kind::engineStopped) endOperation();
                break;
            case Action::Kind::report: onReport(action); break;
            case Action::Kind::resetEvent: signalled = false; break;
            case Action::Kind::signalFailure:
                require(verdict == Health::failed, "W-1123: signalled before the verdict was set");
                require(!signalled, "signalled twice in one run");
                signalled = true;
                break;
            case Action::Kind::setVerdict:
                require(verdict != Health::failed || action.health != Health::alive || !signalled,
                        "W-136: a failed verdict came back to life within the run");
                verdict = action.health;
                break;
            case Action::Kind::release:
                require(closed && !workLive && !terminateLive && !residue, "released while something is left");
                require(!released, "released twice");
                released = true;
                break;
            case Action::Kind::armTimer:
                requireDuration(action);
                require(action.duration.count() > 0, "a timer without a duration");
                break;
            case Action::Kind::cancelTimer:
            case Action::Kind::note: break;
        }
    }

    /** D1, D3, D4, D8: each timer has the length that was promised. */
    void requireDuration(const Action& action) {
        const Milliseconds expected = [&] {
            switch (action.timer) {
                case Timer::grace: return Limits::stopGrace;
                case Timer::predecessor: return policy->predecessorTimeout;
                case Timer::limit: return operationOnline ? policy->onlineLimit : policy->offlineLimit;
                case Timer::heartbeat: return policy->heartbeat;
                case Timer::coalesce: return Limits::coalesce;
                case Timer::syncGrace: return syncGrace;
                case Timer::slowTerminate: return Limits::slowTerminate;
                case Timer::terminateTimeout: return policy->terminateTimeout;
                case Timer::closeReply: return Limits::closeReply;
                case Timer::checkDue: return policy->checkInterval;
                case Timer::checkTimeout: return policy->checkTimeout;
                case Timer::count_: break;
            }
            return Milliseconds{0};
        }();
        // The limit is armed before the answer that tells online from offline.
        const bool eitherLimit = action.timer == Timer::limit && !operation &&
                                 (action.duration == policy->onlineLimit || action.duration == policy->offlineLimit);
        require(action.duration == expected || eitherLimit, "a timer of another length than promised");
    }

    void onReply(const Action& action) {
        if (action.request == Request::online) onlineAsked = false;
        if (action.request == Request::offline) offlineAsked = false;
        switch (action.request) {
            case Request::online:
                if (action.answer == Answer::pending) {
                    if (!operation) {
                        operation = operationOnline = true;
                    } else {
                        require(awaitsAnswer, "Online answered twice");
                    }
                    awaitsAnswer = false;
                } else if (awaitsAnswer) {
                    endOperation();  // direct return
                }
                break;
            case Request::offline:
                if (action.answer == Answer::pending) {
                    endOperation();  // W-242: an Online under way is overtaken
                    operation = true;
                    operationOnline = false;
                }
                break;
            case Request::terminate:
                require(terminateAsked || action.answer == Answer::closed, "an answer to no Terminate");
                if (action.answer == Answer::done) {
                    require(!terminateLive, "Terminate answered while terminate() runs");
                    require(!residue || workLive, "Terminate answered although something may run");
                }
                terminateAsked = false;
                break;
            case Request::close:
                require(closeAsked || action.answer == Answer::closed, "an answer to no Close");
                if (action.answer == Answer::done)
                    require(!workLive && !terminateLive && !residue, "Close left something");
                closeAsked = false;
                break;
            case Request::cancel: break;
        }
    }

    void onStart(const Action& action) {
        if (action.job == Job::terminate) {
            require(!terminateLive, "terminate() overlaps itself");
            require(!workLive || workStopped, "D5: terminate() overlaps a call that was not told to stop");
            require(action.destroy == !workLive, "the object dies under a running call, or is never destroyed");
            terminateLive = true;
            terminateId = action.id;
            residueGrew = false;
            return;
        }
        require(!workLive && !terminateLive, "D5: two user members at a time");
        require(!closed, "user code other than terminate() after Close");
        if (action.job == Job::online) {
            require(!residue, "a new Online started user code before the old run was undone");
            require(gateOpen || awaitsAnswer, "online() outside an operation");
            if (!operation) operation = operationOnline = awaitsAnswer = true;  // sync grace: no answer yet
            residue = true;
            failureDuringOnline = false;
        }
        workLive = true;
        workStopped = false;
        workJob = action.job;
        workId = action.id;
    }

    void onReport(const Action& action) {
        require(gateOpen, "a report after Terminate was accepted");
        require(operation, "W-201: a report outside a pending operation");
        require(!awaitsAnswer, "a report before the entry point answered");
        require(action.id == openGeneration, "W-249: a stale report");
        require(action.checkPoint > lastCheckPoint, "W-203: the checkpoint did not increase");
        lastCheckPoint = action.checkPoint;
        switch (action.status) {
            case Status::onlinePending: require(operationOnline, "OnlinePending reported during Offline"); return;
            case Status::offlinePending: require(!operationOnline, "OfflinePending reported during Online"); return;
            case Status::online:
                require(!failureDuringOnline, "Online reported although the author reported a failure meanwhile");
                require(operationOnline, "W-208: Online reported during Offline");
                require(verdict == Health::alive, "Online reported before the verdict was alive");
                break;
            case Status::offline:
                require(!operationOnline, "W-208: Offline reported during Online");
                require(!residue || workLive, "Offline reported although something may run");
                break;
            case Status::failed: break;
        }
        endOperation();
    }

    /** Every wait is bounded, every state has the guard it needs. */
    void after(const Lifecycle& machine, const Event& event, const Actions& actions) {
        afterStall(event, actions);
        require(machine.onlineOwed() == onlineAsked, "an Online was neither answered nor kept waiting");
        require(!offlineAsked, "an Offline was not answered");
        require(machine.touched() == residue, "the machine and the ledger disagree on what is left");
        // Nobody may be given up on without being told to stop.
        require(!workLive || workStopped || machine.plan() == Lifecycle::Plan::job ||
                    machine.phase() == Phase::online,  // a check may go on: its own timeout is checked below
                "a call was given up but not told to stop");
        if (event.kind == Event::Kind::timer && event.timer == Timer::checkTimeout && !event.stalled &&
            !actions.empty()) {
            require(!workLive || workStopped, "a check that timed out was not told to stop");
        }
        if (machine.phase() == Phase::onlinePending || machine.phase() == Phase::offlinePending) {
            require(workLive || terminateLive, "a pending operation that nobody works on");
        }
        const bool cameOnline = event.kind == Event::Kind::jobEnded && event.job == Job::online &&
                                machine.phase() == Phase::online && event.id == machine.workId();
        if (cameOnline && !actions.empty()) {
            const HealthPolicy& health = machine.healthPolicy();
            require(health.failures() == 0 && health.timeouts() == 0 && !health.repairTried() &&
                        health.sinceThorough() == 0,
                    "W-332: health remembers an earlier run");
        }
        const auto armed = [&](Timer timer) { return machine.timer(timer) != 0; };
        const bool pending = machine.phase() == Phase::onlinePending || machine.phase() == Phase::offlinePending;
        require(pending == operation, "the machine and the engine disagree on whether something is pending");
        require(!pending || armed(Timer::limit) || armed(Timer::predecessor), "a pending operation without a limit");
        require(!pending || armed(Timer::heartbeat), "a pending operation without a heartbeat");
        require(pending || (!armed(Timer::limit) && !armed(Timer::predecessor) && !armed(Timer::heartbeat)),
                "an operation's timer outlived it");
        require(!armed(Timer::grace) || machine.workState() == Lifecycle::WorkState::stopping, "grace for nothing");
        require(machine.workState() != Lifecycle::WorkState::stopping || armed(Timer::grace),
                "stopping without a grace");
        require(machine.terminateOwed() == terminateAsked, "the machine forgot a Terminate");
        require(!terminateAsked || armed(Timer::terminateTimeout), "Terminate waits without a limit");
        require(!closeAsked || armed(Timer::closeReply), "Close waits without a limit");
        require(!awaitsAnswer || armed(Timer::syncGrace), "Online waits without a limit");
        require((machine.workState() != Lifecycle::WorkState::none) == workLive, "the machine lost a user call");
        require(machine.terminating() == terminateLive, "the machine lost terminate()");
        if (machine.phase() == Phase::online) {
            require(verdict != Health::none, "online without a verdict");
            if (verdict == Health::alive) {
                require(workLive ? armed(Timer::checkTimeout) : armed(Timer::checkDue), "health stands still");
            }
        } else {
            require(verdict != Health::alive || awaitsAnswer, "alive while not online");
            require(!armed(Timer::checkDue) && !armed(Timer::checkTimeout), "checks while not online");
        }
        // What nobody will ask for again is undone by itself.
        if ((machine.phase() == Phase::offline || machine.phase() == Phase::closed) && residue) {
            require(workLive || terminateLive, "an entity is left running with nobody to end it");
        }
    }

    /** D4: deadlines on user code start again after a stall, and nothing else happens. */
    void afterStall(const Event& event, const Actions& actions) {
        if (event.kind != Event::Kind::timer || !event.stalled || actions.empty()) return;
        switch (event.timer) {
            case Timer::grace:
            case Timer::predecessor:
            case Timer::limit:
            case Timer::checkTimeout:
            case Timer::terminateTimeout:
                require(
                    actions.size() == 1 && actions[0].kind == Action::Kind::armTimer && actions[0].timer == event.timer,
                    "D4: a deadline that expired in a stall did not simply start again");
                break;
            default: break;
        }
    }

    [[nodiscard]] std::uint32_t key() const {
        std::uint32_t bits = 0;
        for (const bool bit : {workLive, workStopped, terminateLive, residue, residueGrew, operation,
                               operationOnline && operation, awaitsAnswer, failureDuringOnline && operation, gateOpen,
                               terminateAsked, closeAsked, closed, released, signalled}) {
            bits = bits << 1U | static_cast<std::uint32_t>(bit);
        }
        return bits << 2U | static_cast<std::uint32_t>(verdict);
    }
};

struct Node {
    Lifecycle machine;
    Ledger ledger;
    Time now{0};
    std::size_t parent{0};
    std::string how;
};

using Key = std::vector<std::uint32_t>;

Key canonical(const Node& node) {
    const Lifecycle& m = node.machine;
    std::uint32_t timers = 0;
    for (std::size_t i = 0; i < timerCount; ++i) {
        if (m.timer(static_cast<Timer>(i)) != 0) timers |= 1U << i;
    }
    HealthPolicy health = m.healthPolicy();
    health.forget(node.now, m.policy().failureWindow);
    const bool live = m.phase() == Phase::online;
    return {static_cast<std::uint32_t>(m.phase()) | static_cast<std::uint32_t>(m.plan()) << 4U |
                static_cast<std::uint32_t>(m.workState()) << 8U |
                (m.workState() == Lifecycle::WorkState::none ? 0 : static_cast<std::uint32_t>(m.workJob()) << 12U) |
                static_cast<std::uint32_t>(m.terminating()) << 16U | static_cast<std::uint32_t>(m.health()) << 20U,
            m.flags(), timers,
            // a new run forgets these, so they tell states apart only while one lasts
            live ? health.failures() | health.timeouts() << 8U | health.sinceThorough() << 16U |
                       static_cast<std::uint32_t>(health.repairTried()) << 24U
                 : 0,
            node.ledger.key()};
}

struct Step {
    Event event;
    Time later{0};
    bool mustChangeNothing{false};
    std::string name;
};

std::vector<Step> stepsFrom(const Node& node, const Policy& policy) {
    std::vector<Step> steps;
    const auto add = [&](const Event& event, std::string name, bool stale = false, Time later = 0) {
        steps.push_back({event, later, stale, std::move(name)});
    };
    const char* requests[] = {"Online", "Offline", "Terminate", "Close", "Cancel"};
    for (int i = 0; i < 5; ++i) add(Event::requested(static_cast<Request>(i)), requests[i]);
    const Lifecycle& m = node.machine;
    const Outcome outcomes[] = {Outcome::succeeded, Outcome::failed, Outcome::rejected};
    const char* names[] = {"succeeded", "failed", "rejected"};
    if (m.workState() != Lifecycle::WorkState::none) {
        for (int i = 0; i < 3; ++i) {
            add(Event::ended(m.workJob(), m.workId(), outcomes[i]),
                fmt::format("job{} {}", static_cast<int>(m.workJob()), names[i]));
        }
        add(Event::progressed(m.workId()), "checkpoint");
        add(Event::read(m.workId(), policy), "policy read");
    }
    if (m.terminating()) add(Event::ended(Job::terminate, m.terminateId(), Outcome::succeeded), "terminate ended");
    add(Event::read(m.workId() + 7, policy), "stale policy", true);
    add(Event::changed(policy), "policy changed");
    add(Event::ended(m.workJob(), m.workId() - 1, Outcome::succeeded), "stale end", true);
    add(Event::ended(Job::terminate, m.terminateId() - 1, Outcome::succeeded), "stale terminate end", true);
    add(Event::progressed(m.workId() + 7), "stale checkpoint", true);
    add(Event::reported(m.generation()), "reportFailure");
    add(Event::reported(m.generation() - 1), "stale reportFailure", true);
    add(Event::stoppedByEngine(m.generation()), "engine says terminate");
    add(Event::stoppedByEngine(m.generation() - 1), "stale engine answer", true);
    for (std::size_t i = 0; i < timerCount; ++i) {
        const auto timer = static_cast<Timer>(i);
        const TimerId id = m.timer(timer);
        add(Event::expired(timer, id + 1), fmt::format("stale timer{}", i), true);
        if (id == 0) continue;
        add(Event::expired(timer, id), fmt::format("timer{}", i));
        add(Event::expired(timer, id, true), fmt::format("timer{} after a stall", i));
        if (timer == Timer::checkTimeout && policy.failureWindow.count() > 0) {
            add(Event::expired(timer, id), fmt::format("timer{} much later", i), false,
                policy.failureWindow.count() + 1);
        }
    }
    return steps;
}

struct Exploration {
    std::vector<Node> nodes;
    std::vector<std::vector<std::size_t>> predecessors;
    std::size_t transitions{0};
    std::size_t mostActions{0};
    std::string violation;
};

std::string pathTo(const Exploration& exploration, std::size_t index, const std::string& last) {
    std::string path = last;
    while (index != 0) {
        path = exploration.nodes[index].how + " > " + path;
        index = exploration.nodes[index].parent;
    }
    return path;
}

Exploration explore(const Policy& policy, Milliseconds syncGrace) {
    Exploration result;
    std::map<Key, std::size_t> known;
    Ledger ledger;
    ledger.policy = &policy;
    ledger.syncGrace = syncGrace;
    result.nodes.push_back({Lifecycle{policy, syncGrace}, ledger, 0, 0, {}});
    result.predecessors.emplace_back();
    known.emplace(canonical(result.nodes[0]), 0);
    for (std::size_t at = 0; at < result.nodes.size() && result.violation.empty(); ++at) {
        for (const Step& step : stepsFrom(result.nodes[at], policy)) {
            Node next = result.nodes[at];
            next.now += step.later;
            next.ledger.before(step.event);
            const Actions actions = next.machine.on(step.event, next.now);
            ++result.transitions;
            result.mostActions = std::max(result.mostActions, actions.size());
            for (const Action& action : actions) next.ledger.apply(action, step.event);
            next.ledger.after(next.machine, step.event, actions);
            const Key key = canonical(next);
            if (step.mustChangeNothing && (!actions.empty() || key != canonical(result.nodes[at]))) {
                next.ledger.fail("a stale event had an effect");
            }
            if (!next.ledger.violation.empty()) {
                result.violation = next.ledger.violation + ": " + pathTo(result, at, step.name);
                break;
            }
            const auto [place, isNew] = known.emplace(key, result.nodes.size());
            if (isNew) {
                next.parent = at;
                next.how = step.name;
                result.nodes.push_back(std::move(next));
                result.predecessors.emplace_back();
            }
            result.predecessors[place->second].push_back(at);
        }
    }
    return result;
}

/** States from which no order of events leads to one in which nothing is left and nobody waits. */
std::size_t deadEnds(const Exploration& exploration) {
    std::vector<bool> escapes(exploration.nodes.size(), false);
    std::deque<std::size_t> queue;
    for (std::size_t i = 0; i < exploration.nodes.size(); ++i) {
        const Ledger& ledger = exploration.nodes[i].ledger;
        if (ledger.released && !ledger.terminateAsked && !ledger.closeAsked) {
            escapes[i] = true;
            queue.push_back(i);
        }
    }
    while (!queue.empty()) {
        const std::size_t at = queue.front();
        queue.pop_front();
        for (const std::size_t from : exploration.predecessors[at]) {
            if (!escapes[from]) {
                escapes[from] = true;
                queue.push_back(from);
            }
        }
    }
    return static_cast<std::size_t>(std::count(escapes.begin(), escapes.end(), false));
}

}  // namespace

TEST_CASE("Lifecycle keeps its promises in every reachable state over every order of events") {
    struct Variant {
        const char* name;
        Policy policy;
        Milliseconds syncGrace;
    };
    std::vector<Variant> variants{{"strict", {}, Milliseconds{0}}, {"sync grace", {}, Milliseconds{200}}};
    Policy tolerant;
    tolerant.repairs = true;
    tolerant.failureTolerance = 1;
    tolerant.timeoutTolerance = 1;
    tolerant.thoroughEvery = 2;
    variants.push_back({"tolerant with repair", tolerant, Milliseconds{0}});
    tolerant.failureWindow = Milliseconds{0};
    variants.push_back({"tolerant without a window", tolerant, Milliseconds{200}});

    for (const Variant& variant : variants) {
        const Exploration exploration = explore(variant.policy, variant.syncGrace);
        fmt::print("Lifecycle ({}): {} states, {} transitions, at most {} actions\n", variant.name,
                   exploration.nodes.size(), exploration.transitions, exploration.mostActions);
        INFO(variant.name << ": " << exploration.violation);
        REQUIRE(exploration.violation.empty());
        CHECK(exploration.mostActions < Actions::capacity());
        CHECK(deadEnds(exploration) == 0);
    }
}
