// SPDX-License-Identifier: BSL-1.0
// Explores every reachable canonical state of MonitorMachine over every order of events, stale ones included.
#include <holdfast/core/monitor_machine.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <string>
#include <vector>

using namespace holdfast::core;
namespace abi = holdfast::abi;

namespace {

using Kind = MonitorEvent::Kind;
using Act = MonitorAction::Kind;
using State = MonitorState;
using std::chrono::milliseconds;

/** What the world outside knows, tracked independently of the machine from events and actions alone. */
struct World {
    Call call{Call::none};
    bool terminate{false};
    std::array<bool, 3> waiting{};
    bool controlWaiting{false};
    bool condemned{false};  ///< Terminate was issued, and no Online since
    bool instance{false};   ///< there is a RESID
    bool watching{false};
    std::array<bool, monitorTimerCount> timers{};
    abi::ResourceState published{abi::ResourceState::offline};
    auto operator<=>(const World&) const = default;
};

struct Key {
    MonitorMachine::Snapshot machine;
    World world;
    auto operator<=>(const Key&) const = default;
};

struct Node {
    MonitorMachine machine;
    World world;
    std::size_t parent{0};
    std::string event;
};

struct Labelled {
    MonitorEvent event;
    std::string label;
};

const char* name(State state) {
    static constexpr const char* names[] = {"Unloaded",    "Opened",    "OnlineCalled",  "OnlinePending",
                                            "Online",      "Verifying", "OfflineCalled", "OfflinePending",
                                            "Terminating", "Failed",    "Closed",        "Dead"};
    return names[static_cast<std::size_t>(state)];
}

const char* name(Call call) {
    static constexpr const char* names[] = {"none",    "load",       "open",    "close",   "online",
                                            "offline", "looksAlive", "isAlive", "control", "deleteControl"};
    return names[static_cast<std::size_t>(call)];
}

std::vector<Labelled> eventsFor(const MonitorMachine& machine) {
    std::vector<Labelled> events;
    const auto add = [&](MonitorEvent event, std::string label) { events.push_back({event, std::move(label)}); };
    add(MonitorEvent::of(Kind::open), "open");
    add(MonitorEvent::of(Kind::online), "online");
    add(MonitorEvent::of(Kind::offline), "offline");
    add(MonitorEvent::of(Kind::terminate), "terminate");
    add(MonitorEvent::of(Kind::shutdown), "shutdown");
    add(MonitorEvent::of(Kind::remove), "remove");
    add(MonitorEvent::of(Kind::control), "control");
    add(MonitorEvent::of(Kind::hostDied), "host died");
    add(MonitorEvent::of(Kind::hostRestarted), "host restarted");
    add(MonitorEvent::restart(milliseconds{500}), "restart");

    const auto now = machine.callGeneration();
    for (std::size_t c = 1; c <= static_cast<std::size_t>(Call::deleteControl); ++c) {
        const auto call = static_cast<Call>(c);
        if (call == machine.snapshot().call) {
            for (const std::uint32_t code : {0U, 1U, 997U}) {
                for (const bool event : {false, true}) {
                    if (event && call != Call::online) continue;
                    add(MonitorEvent::returned(call, now, code, event),
                        std::string{name(call)} + " returns " + std::to_string(code) + (event ? " with event" : ""));
                }
            }
            add(MonitorEvent::threw(call, now), std::string{name(call)} + " throws");
        }
        add(MonitorEvent::returned(call, now - 1, 0), std::string{"stale "} + name(call) + " returns");
        add(MonitorEvent::threw(call, now - 1), std::string{"stale "} + name(call) + " throws");
    }
    const auto terminate = machine.terminateGeneration();
    add(MonitorEvent::terminateReturned(terminate), "Terminate returns");
    add(MonitorEvent::terminateReturned(terminate - 1), "stale Terminate returns");
    add(MonitorEvent::threw(Call::none, terminate), "Terminate throws");
    add(MonitorEvent::threw(Call::none, terminate - 1), "stale Terminate throws");

    for (const std::int32_t state : {-1, 0, 1, 2, 3, 4, 77, 126, 127, 128, 129, 130}) {
        for (const std::uint32_t checkPoint : {1U, 2U}) {
            for (const int flag : {0, 1, 2}) {
                if (flag != 0 && state != 2) continue;
                StatusReport report{static_cast<abi::ResourceState>(state), checkPoint, flag == 1, flag == 2};
                add(MonitorEvent::reported(report), "report " + std::to_string(state) + " #" +
                                                        std::to_string(checkPoint) +
                                                        (flag == 1   ? " event"
                                                         : flag == 2 ? " veto"
                                                                     : ""));
            }
        }
    }
    add(MonitorEvent::signalled(machine.watchGeneration()), "event signalled");
    add(MonitorEvent::signalled(machine.watchGeneration() - 1), "stale event signalled");
    add(MonitorEvent::signalFailure(FailureType::general), "SignalFailure general");
    add(MonitorEvent::signalFailure(FailureType::embedded), "SignalFailure embedded");
    add(MonitorEvent::of(MonitorEvent::Kind::declareFailed), "declared failed");
    for (std::size_t t = 0; t < monitorTimerCount; ++t) {
        const auto timer = static_cast<MonitorTimer>(t);
        const auto generation = machine.timerGeneration(timer);
        add(MonitorEvent::expired(timer, generation), "timer " + std::to_string(t));
        add(MonitorEvent::expired(timer, generation, true), "stalled timer " + std::to_string(t));
        add(MonitorEvent::expired(timer, generation - 1), "stale timer " + std::to_string(t));
    }
    return events;
}

bool isRequest(const MonitorEvent& event, RequestKind kind) {
    switch (kind) {
        case RequestKind::online: return event.kind == Kind::online;
        case RequestKind::offline: return event.kind == Kind::offline || event.kind == Kind::terminate;
        case RequestKind::close: return event.kind == Kind::shutdown || event.kind == Kind::remove;
    }
    return false;
}

/** Applies what happened to the world and checks every invariant; empty if all hold. */
std::string check(const Node& before, const MonitorEvent& event, Node& after, const MonitorActions& actions) {
    World& w = after.world;
    const auto& s = after.machine.snapshot();
    const auto& old = before.machine.snapshot();

    const bool current = event.generation == before.machine.callGeneration();
    if (event.kind == Kind::callReturned && w.call == event.call && current && w.call != Call::none) {
        if (w.call == Call::open) w.instance = event.code == 0;
        w.call = Call::none;
    }
    if (event.kind == Kind::terminateReturned && w.terminate &&
        event.generation == before.machine.terminateGeneration()) {
        w.terminate = false;
    }
    if (event.kind == Kind::timer && event.generation == before.machine.timerGeneration(event.timer)) {
        w.timers[static_cast<std::size_t>(event.timer)] = false;
    }
    if (event.kind == Kind::signalled && event.generation == before.machine.watchGeneration()) w.watching = false;
    for (const auto kind : {RequestKind::online, RequestKind::offline, RequestKind::close}) {
        if (isRequest(event, kind)) w.waiting[static_cast<std::size_t>(kind)] = true;
    }
    if (event.kind == Kind::control) w.controlWaiting = true;
    if (s.state == State::dead && old.state != State::dead) {  // the process, and with it what ran in it, is gone
        w.call = Call::none;
        w.terminate = w.instance = false;
    }

    for (const MonitorAction& action : actions) {
        switch (action.kind) {
            case Act::call:
                if (w.call != Call::none) return "two calls on the serial lane";
                if (action.generation != after.machine.callGeneration()) return "a call with an old generation";
                if (w.terminate) return "a call starts while Terminate runs";
                w.call = action.call;
                if (action.call == Call::online) w.condemned = false;
                if (action.call == Call::looksAlive && s.state != State::online) return "LooksAlive outside Online";
                if (action.call == Call::isAlive && s.state != State::verifying) return "IsAlive outside Verifying";
                if (action.call == Call::looksAlive && s.hasEvent)
                    return "LooksAlive although there is an event (W-321)";
                if (action.call != Call::load && action.call != Call::open && !w.instance)
                    return "a call without a RESID";
                if (action.call == Call::open && w.instance) return "Open of an open resource";
                if (action.call == Call::close) w.instance = false;
                if (action.call == Call::control) w.controlWaiting = false;
                break;
            case Act::terminate:
                if (w.terminate) return "Terminate twice at once";
                if (!w.instance) return "Terminate without a RESID";
                if (w.call == Call::open || w.call == Call::close) return "Terminate during Open or Close (W-102)";
                if (s.state != State::terminating) return "Terminate outside Terminating (W-222)";
                w.terminate = w.condemned = true;
                break;
            case Act::arm:
                w.timers[static_cast<std::size_t>(action.timer)] = true;
                if (s.armed[static_cast<std::size_t>(action.timer)] &&
                    action.generation > after.machine.timerGeneration(action.timer)) {
                    return "a timer with an unknown generation";
                }
                break;
            case Act::disarm: w.timers[static_cast<std::size_t>(action.timer)] = false; break;
            case Act::watch:
                if (w.watching) return "watched twice";
                w.watching = true;
                break;
            case Act::unwatch: w.watching = false; break;
            case Act::publish:
                if (w.published == action.state) return "published twice";
                w.published = action.state;
                break;
            case Act::failed:
                if (s.state == State::opened || s.state == State::online)
                    return "the policy is asked about a live resource";
                break;
            case Act::finished: {
                bool& waiting = w.waiting[static_cast<std::size_t>(action.request)];
                if (!waiting) return "an outcome nobody waits for, or a second one";
                waiting = false;
                break;
            }
            case Act::refuseControl:
                if (!w.controlWaiting) return "a refusal nobody asked for";
                w.controlWaiting = false;
                break;
            case Act::log:
            case Act::killHost: break;
        }
    }

    if (w.call != s.call || w.terminate != s.terminateOnStack)
        return "the machine and the world disagree about what runs";
    if (w.watching != s.watching) return "the machine and the world disagree about the watch";
    if (w.timers != s.armed) return "the machine and the world disagree about the timers";
    if (w.published != after.machine.externalState()) return "the published state is not the state";
    for (std::size_t i = 0; i < 3; ++i) {
        const bool open = i == 0 ? s.requestedOnline : i == 1 ? s.requestedOffline : s.requestedClose;
        if (w.waiting[i] != open) return "a request is lost";
        const bool progress =
            s.call != Call::none || s.terminateOnStack || s.armed[static_cast<std::size_t>(MonitorTimer::pending)];
        if (open && !progress) return "a request waits for nothing";
    }
    if (w.controlWaiting && !s.controlDue) return "a control request is lost";

    const auto armed = [&](MonitorTimer timer) { return s.armed[static_cast<std::size_t>(timer)]; };
    const bool pending = s.state == State::onlinePending || s.state == State::offlinePending;
    if (armed(MonitorTimer::pending) != pending) return "PendingTimeout must run exactly while pending";
    if (armed(MonitorTimer::deadlock) != (s.call != Call::none))
        return "DeadlockTimeout must run exactly during a call";
    if (armed(MonitorTimer::terminateDeadlock) != s.terminateOnStack)
        return "DeadlockTimeout must run exactly during Terminate";
    const bool healthy = s.state == State::online || s.state == State::verifying;
    if ((armed(MonitorTimer::looksAlive) || armed(MonitorTimer::isAlive)) && s.state != State::online)
        return "polls outside Online";
    if (s.watching && !healthy) return "the event is watched outside Online (W-246)";
    if (s.state == State::online && s.call == Call::none && !armed(MonitorTimer::isAlive))
        return "an online resource nobody checks";
    if (armed(MonitorTimer::restart) && s.state != State::failed && s.state != State::unloaded &&
        s.state != State::opened)
        return "a restart of a working resource";
    if (s.state == State::closed && w.instance && s.call != Call::deleteControl)
        return "closed, but the instance is open";
    if ((s.state == State::dead || s.state == State::closed) && s.terminateOnStack) return "Terminate after the end";
    if (s.held && s.state != State::onlineCalled && s.state != State::offlineCalled)
        return "a report held outside a call";
    const bool online997 =
        event.kind == Kind::callReturned && event.call == Call::online && current && event.code == 997;
    if (old.state == State::onlineCalled && online997 && old.held &&
        old.heldReport.state == abi::ResourceState::online && s.state != State::online && s.state != State::verifying &&
        s.state != State::offlineCalled) {
        return "a held report was lost (W-202)";
    }
    if (w.condemned && healthy) return "online again without a new Online";
    if (event.kind == Kind::reported && before.world.condemned && actions.answer != abi::ExitState::terminate) {
        // Before the next Online nothing is pending, so nothing may go on (W-206).
        return "a report after Terminate was told to go on";
    }
    if (event.kind == Kind::reported && s.state == State::terminating && actions.answer != abi::ExitState::terminate) {
        return "a report in Terminating was told to go on (W-222)";
    }
    return {};
}

bool isStale(const Labelled& event) { return event.label.rfind("stale", 0) == 0; }

std::string pathTo(const std::vector<Node>& nodes, std::size_t index) {
    std::string path;
    for (; index != 0; index = nodes[index].parent) path = nodes[index].event + "\n  " + path;
    return path;
}

/** From any state: shutdown, then an agent that never answers and only time passes. */
bool silentAgentEnds(MonitorMachine machine) {
    (void)machine.handle(MonitorEvent::of(Kind::shutdown));
    for (int step = 0; step < 12; ++step) {
        const auto& s = machine.snapshot();
        if (s.state == State::dead || (s.state == State::closed && s.call == Call::none)) return true;
        bool fired = false;
        for (const auto timer :
             {MonitorTimer::patience, MonitorTimer::pending, MonitorTimer::deadlock, MonitorTimer::terminateDeadlock}) {
            if (!s.armed[static_cast<std::size_t>(timer)]) continue;
            (void)machine.handle(MonitorEvent::expired(timer, machine.timerGeneration(timer)));
            fired = true;
            break;
        }
        if (!fired) return false;
    }
    return false;
}

/** From any state but Dead: shutdown, then an agent that answers everything: it must end closed. */
bool willingAgentCloses(MonitorMachine machine) {
    (void)machine.handle(MonitorEvent::of(Kind::shutdown));
    for (int step = 0; step < 20; ++step) {
        const auto& s = machine.snapshot();
        if (s.state == State::closed && s.call == Call::none) return true;
        if (s.terminateOnStack) {
            (void)machine.handle(MonitorEvent::terminateReturned(machine.terminateGeneration()));
        } else if (s.call != Call::none) {
            (void)machine.handle(
                MonitorEvent::returned(s.call, machine.callGeneration(), s.call == Call::isAlive ? 1 : 0));
        } else if (s.state == State::offlinePending) {
            (void)machine.handle(MonitorEvent::reported({abi::ResourceState::offline, 7, false, false}));
        } else {
            return false;
        }
    }
    return false;
}

struct Figures {
    std::size_t states{0};
    std::size_t transitions{0};
    std::size_t longest{0};
};

/** Empty on success, otherwise the violation and the path that leads to it. */
std::string explore(bool terminateOnEvent, Figures& figures) {
    MonitorSettings settings;
    settings.terminateOnEvent = terminateOnEvent;
    std::vector<Node> nodes{{MonitorMachine{settings}, World{}, 0, {}}};
    std::map<Key, std::size_t> seen{{{nodes[0].machine.snapshot(), nodes[0].world}, 0}};
    std::array<bool, 12> visited{};
    for (std::size_t at = 0; at < nodes.size(); ++at) {
        const Node before = nodes[at];
        visited[static_cast<std::size_t>(before.machine.state())] = true;
        if (!silentAgentEnds(before.machine))
            return "a silent agent keeps the resource for ever\n  " + pathTo(nodes, at);
        if (before.machine.state() != State::dead && !willingAgentCloses(before.machine)) {
            return "a willing agent cannot be closed\n  " + pathTo(nodes, at);
        }
        for (const Labelled& labelled : eventsFor(before.machine)) {
            Node after{before.machine, before.world, at, labelled.label};
            const MonitorActions actions = after.machine.handle(labelled.event);
            ++figures.transitions;
            figures.longest = std::max(figures.longest, actions.size());
            std::string violation = check(before, labelled.event, after, actions);
            if (violation.empty() && isStale(labelled) &&
                (after.machine.snapshot() != before.machine.snapshot() || !actions.empty())) {
                violation = "a stale event changed something";
            }
            if (!violation.empty()) {
                return violation + " in " + name(after.machine.state()) + " after\n  " + pathTo(nodes, at) +
                       labelled.label;
            }
            const auto [slot, isNew] = seen.try_emplace(Key{after.machine.snapshot(), after.world}, nodes.size());
            if (isNew) nodes.push_back(std::move(after));
        }
    }
    figures.states += nodes.size();
    if (std::find(visited.begin(), visited.end(), false) != visited.end()) return "a state of 5.2 is never reached";
    return {};
}

}  // namespace

TEST_CASE("W-410 MonitorMachine: every reachable state over every order of events") {
    for (const bool legacy : {false, true}) {
        Figures figures;
        const std::string violation = explore(legacy, figures);
        INFO(violation);
        REQUIRE(violation.empty());
        std::printf("MonitorMachine%s: %zu states, %zu transitions, at most %zu actions for one event\n",
                    legacy ? " (W-320 legacy)" : "", figures.states, figures.transitions, figures.longest);
        CHECK(figures.longest < MonitorActions::capacity());
    }
}
