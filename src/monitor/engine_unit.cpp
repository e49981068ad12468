// SPDX-License-Identifier: BSL-1.0
// What happens on a unit's strand: the machine's events in, its actions out.
#include "monitor/engine.hpp"

#include "monitor/reason_text.hpp"

#include <holdfast/abi/property_list.hpp>
#include <holdfast/core/policy.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

using core::Call;
using core::MonitorEvent;
using core::MonitorReason;
using core::MonitorState;
using core::MonitorTimer;
using Act = core::MonitorAction::Kind;
using Kind = core::MonitorEvent::Kind;

constexpr abi::Dword getResourceFormats = 0x0200'0091;  // CLUSCTL_RESOURCE_TYPE_GET_PRIVATE_RESOURCE_PROPERTY_FMTS
constexpr abi::Dword validatePrivateProperties = 0x0100'0089;  // CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES
constexpr abi::Dword deleteResource = 0x0150'0006;             // CLUSCTL_RESOURCE_DELETE
constexpr std::size_t largestFormatList = 1U << 20U;

core::RestartPolicy::Time coarse(std::chrono::steady_clock::time_point time) {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(time);
}

LogLevel levelOf(MonitorReason reason) {
    switch (reason) {
        case MonitorReason::none:
        case MonitorReason::requested:
        case MonitorReason::lateFailureSignal:
        case MonitorReason::lateDeclaration:
        case MonitorReason::onlineCancelled: return LogLevel::information;
        case MonitorReason::unexpectedReport:
        case MonitorReason::stopForced:
        case MonitorReason::stopImpatient:
        case MonitorReason::embeddedFailure:
        case MonitorReason::networkLoss:
        case MonitorReason::controlRefused:
        case MonitorReason::offlineRefused: return LogLevel::warning;
        case MonitorReason::deadlock:
        case MonitorReason::exceptionEscaped:
        case MonitorReason::hostDied: return LogLevel::severe;
        default: return LogLevel::error;
    }
}

}  // namespace

std::string ResourceMonitor::Engine::operationOf(const Unit& unit) {
    const auto& s = unit.machine.snapshot();
    if (s.terminateOnStack) return "Terminate";
    if (s.call != Call::none) return std::string{callName(s.call)};
    if (s.state == MonitorState::onlinePending) return "Online";
    if (s.state == MonitorState::offlinePending) return "Offline";
    return {};
}

abi::ExitState ResourceMonitor::Engine::feed(Unit& unit, const MonitorEvent& event) {
    unit.events.push_back(event);
    auto answer = abi::ExitState::proceed;
    if (unit.working) return answer;  // an action fed it: it follows when that event is done
    unit.working = true;
    while (!unit.events.empty()) {
        const MonitorEvent next = unit.events.front();
        unit.events.pop_front();
        const MonitorState from = unit.machine.state();
        const auto was = unit.machine.externalState();
        unit.operation = operationOf(unit);  // what the event ended is what its log lines are about
        unit.said.clear();
        const auto actions = unit.machine.handle(next);
        if (next.kind == Kind::reported) answer = actions.answer;
        for (const auto& action : actions) apply(unit, action);
        if (unit.machine.externalState() != was) {
            unit.since = unit.stepAt = std::chrono::steady_clock::now();
            unit.step.clear();
            unit.lastCheck.reset();
            notify(unit, was);
        }
        noticeState(unit, from);
    }
    unit.working = false;
    publishView(unit);
    return answer;
}

void ResourceMonitor::Engine::apply(Unit& unit, const core::MonitorAction& action) {
    switch (action.kind) {
        case Act::call: startCall(unit, action); break;
        case Act::terminate: {
            CallOrder order;
            order.resource = unit.number;
            order.entryPoint = EntryPoint::terminate;
            order.generation = action.generation;
            host_->call(std::move(order));
            break;
        }
        case Act::arm: armTimer(unit, action); break;
        case Act::disarm: unit.timer(action.timer).cancel(); break;
        case Act::watch: host_->watch(unit.number, action.generation); break;
        case Act::unwatch: host_->unwatch(unit.number); break;
        case Act::publish: break;  // told with the state it belongs to
        case Act::log:
            if (action.reason == MonitorReason::loadFailed && !unit.problems.empty()) break;  // said in words already
            unit.said = reasonText(action.reason, action.call, action.code);
            unit.loggedReason = action.reason;
            unit.loggedCode = action.code;
            log(unit.configuration.name, levelOf(action.reason), unit.operation, unit.said);
            break;
        case Act::failed: noticeFailure(unit, action); break;
        case Act::finished: noticeFinished(unit, action); break;
        case Act::refuseControl:
            // The machine knows that controls wait, not how many.
            for (auto waiting = unit.controls.size(); waiting > 0; --waiting)
                takeControl(unit, abi::code::invalidState);
            break;
        case Act::killHost:
            unit.blamed = true;
            if (action.call == Call::load || action.call == Call::open) unit.afterHost = Unit::AfterHost::stay;
            if (host_->isolates()) {
                log(unit.configuration.name, LogLevel::severe, {}, "its host is killed (W-440)");
                separate(unit);
            } else {
                log(unit.configuration.name, LogLevel::severe, {},
                    "its process would have to end here (W-440); in process it is only never called again");
            }
            host_->condemn(unit.number);
            if (unit.controlRunning) takeControl(unit, abi::code::timeout);
            break;
    }
}

void ResourceMonitor::Engine::startCall(Unit& unit, const core::MonitorAction& action) {
    CallOrder order;
    order.resource = unit.number;
    order.generation = action.generation;
    switch (action.call) {
        case Call::load: order.entryPoint = EntryPoint::startup; break;
        case Call::open: order.entryPoint = EntryPoint::open; break;
        case Call::close: order.entryPoint = EntryPoint::close; break;
        case Call::online:
            order.entryPoint = EntryPoint::online;
            host_->storeDependencies(unit.number, dependenciesOf(unit));
            break;
        case Call::offline: order.entryPoint = EntryPoint::offline; break;
        case Call::looksAlive: order.entryPoint = EntryPoint::looksAlive; break;
        case Call::isAlive: order.entryPoint = EntryPoint::isAlive; break;
        case Call::deleteControl:
            order.entryPoint = EntryPoint::resourceControl;
            order.controlCode = deleteResource;
            break;
        case Call::control:
            order.entryPoint = EntryPoint::resourceControl;
            order.controlCode = unit.controls.front().code;
            order.input = unit.controls.front().input;
            order.outputCapacity = unit.controls.front().outputCapacity;
            unit.controlRunning = true;
            unit.controlLog.clear();
            break;
        case Call::none: return;
    }
    host_->call(std::move(order));
}

void ResourceMonitor::Engine::armTimer(Unit& unit, const core::MonitorAction& action) {
    auto& timer = unit.timer(action.timer);
    timer.expires_after(action.duration);
    if (action.timer == MonitorTimer::restart) unit.restartAt = timer.expiry();
    timer.async_wait([this, self = unit.shared_from_this(), &unit, &timer, which = action.timer,
                      generation = action.generation](const boost::system::error_code& error) {
        if (error || generation != unit.machine.timerGeneration(which)) return;
        // D4: a tick this late means that nobody ran, the agent included.
        const bool stalled = std::chrono::steady_clock::now() - timer.expiry() > core::Limits::stall;
        if (which == MonitorTimer::restart) {
            if (unit.retrying) unit.policy.retrying();
            const std::lock_guard lock{conducting_};
            if (!conductor_.mayRestart(unit.index)) return;  // what depends on it is still going down
            ++unit.restarts;
        }
        feed(unit, MonitorEvent::expired(which, generation, stalled));
    });
}

void ResourceMonitor::Engine::noticeState(Unit& unit, MonitorState from) {
    const MonitorState to = unit.machine.state();
    if (from == to) return;
    const bool routine = (from == MonitorState::online && to == MonitorState::verifying) ||
                         (from == MonitorState::verifying && to == MonitorState::online);
    if (to == MonitorState::online && !routine) {
        ++unit.onlines;
        unit.retrying = false;
        unit.failWhy.clear();
        unit.policy.recovered();
        remember(unit);
    }
    if (routine) return;
    StateRecord record{from, to, unit.machine.externalState(), {}};
    if (to == MonitorState::failed || to == MonitorState::dead) record.reason = unit.reason;
    journal_.take({std::chrono::system_clock::now(), unit.configuration.name, std::move(record)});
    if (!unit.prepared) {
        if (to == MonitorState::opened) validate(unit);
        if (to == MonitorState::dead && preparationLost(unit)) {
            failPreparing(unit, unit.deathText.empty() ? "the agent did not answer, or failed badly; see the log"
                                                       : unit.deathText);
        }
    }
}

void ResourceMonitor::Engine::publishView(Unit& unit) {
    const auto& s = unit.machine.snapshot();
    const bool restartPending = s.armed[static_cast<std::size_t>(MonitorTimer::restart)];
    {
        const std::lock_guard lock{views_};
        const auto found = snapshots_.find(unit.index);
        if (found == snapshots_.end()) return;  // it is gone
        ResourceSnapshot& snapshot = found->second;
        snapshot.state = s.state;
        snapshot.external = unit.machine.externalState();
        snapshot.onlines = unit.onlines;
        snapshot.failures = unit.failures;
        snapshot.restarts = unit.restarts;
        snapshot.restartPending = restartPending;
        snapshot.restartAt = unit.restartAt;
        snapshot.reason = unit.reason;
        snapshot.since = unit.since;
        snapshot.step = unit.step;
        snapshot.stepAt = unit.stepAt;
        snapshot.lastCheck = unit.lastCheck;
        snapshot.worst = unit.worst;
        snapshot.hostProcess = unit.hostProcess;
        snapshot.separateMonitor = unit.separate;
    }
    bool hopeless = false;
    bool stopped = false;
    {
        const std::lock_guard lock{conducting_};
        // D17: until nothing of its host is left it is not down, whatever is to follow.
        const bool waits = s.state == MonitorState::dead && host_->isolates();
        const bool follows = unit.afterHost != Unit::AfterHost::nothing && unit.afterHost != Unit::AfterHost::stay;
        const bool loads = s.state == MonitorState::unloaded && s.wantOnline;  // it is on its way
        settle(conductor_.changed(unit.index, {s.state, restartPending || waits || follows || loads, unit.closed,
                                               unit.requestsTaken, s.broken}));
        stopped = conductor_.phase() == Conductor::Phase::stopped;
        hopeless = conductor_.hopeless() && !saidHopeless_;
        saidHopeless_ = conductor_.hopeless();
    }
    if (hopeless) {
        log({}, LogLevel::warning, {},
            "nothing runs any more and no retry is pending; the monitor keeps running until it is stopped");
    }
    {
        const std::lock_guard lock{views_};
        stopped_ = stopped_ || stopped;
        changed_.notify_all();
    }
    const bool ended = unit.closed || s.state == MonitorState::dead;
    if (unit.leaving && ended && !unit.retired) {  // one that the conductor never knew; the others it tells
        bool known = false;
        {
            const std::lock_guard guard{conducting_};
            known = conductor_.has(unit.index);
        }
        if (!known) boost::asio::post(unit.strand, [this, self = unit.shared_from_this()] { retire(*self); });
    }
}

void ResourceMonitor::Engine::noticeFailure(Unit& unit, const core::MonitorAction& action) {
    const bool dead = unit.machine.state() == MonitorState::dead;
    if (action.reason == MonitorReason::hostDied && !unit.blamed) {
        unit.afterHost = Unit::AfterHost::revive;  // W-402: an innocent is restarted, and nothing is held against it
        return log(unit.configuration.name, LogLevel::information, {}, "it comes back with its host");
    }
    ++unit.failures;
    const std::uint32_t code = action.reason == unit.loggedReason ? unit.loggedCode : action.code;
    unit.reason =
        action.reason == MonitorReason::hostDied ? unit.deathText : reasonText(action.reason, action.call, code);
    if (action.reason == MonitorReason::declaredFailed && !unit.failWhy.empty())
        unit.reason += ": " + std::exchange(unit.failWhy, {});
    const std::string& name = unit.configuration.name;
    if (dead && !host_->isolates())
        return log(name, LogLevel::error, {}, "no restart: in process a lost agent cannot be replaced");
    if (dead) unit.afterHost = Unit::AfterHost::stay;
    const auto decision = unit.policy.failed(coarse(std::chrono::steady_clock::now()), action.place);
    unit.retrying = false;
    remember(unit);
    using DecisionKind = core::RestartDecision::Kind;
    if (decision.kind == DecisionKind::failover && failGroup(unit)) return;
    if (decision.kind == DecisionKind::restart) {
        log(name, LogLevel::information, {}, "restart in " + durationText(decision.delay));
        return scheduleRestart(unit, decision.delay, false);
    }
    std::string text = decision.kind == DecisionKind::failover
                           ? "restarts are used up; a cluster would fail the group over, here is no other node"
                           : "it stays failed";
    if (decision.retries) {
        text += "; one more attempt in " + durationText(decision.retryAfter);
        scheduleRestart(unit, decision.retryAfter, true);
    }
    log(name, LogLevel::warning, {}, std::move(text));
}

void ResourceMonitor::Engine::noticeFinished(Unit& unit, const core::MonitorAction& action) {
    using core::RequestKind;
    using core::RequestOutcome;
    if (action.request == RequestKind::close) unit.closed = true;
    const bool forced = action.outcome == RequestOutcome::terminated &&
                        unit.machine.snapshot().reason != MonitorReason::onlineCancelled;
    const bool lost = action.outcome == RequestOutcome::failed && action.request != RequestKind::online;
    const std::lock_guard lock{views_};
    if (stopping_ && (forced || lost || action.outcome == RequestOutcome::vetoed)) outcome_.stopFailed = true;
}

// --- what calls came to ------------------------------------------------------------------------------------------------

void ResourceMonitor::Engine::takeResult(Unit& unit, const CallResult& result) {
    noticeCall(unit, result);
    const auto& s = unit.machine.snapshot();
    const Call current = s.call;
    if (result.entryPoint == EntryPoint::terminate) {
        if (result.threw)
            feed(unit, MonitorEvent::threw(Call::none, result.generation));
        else
            feed(unit, MonitorEvent::terminateReturned(result.generation));
        return;
    }
    if (current == Call::none || result.generation != unit.machine.callGeneration()) {
        return log(unit.configuration.name, LogLevel::warning, std::string{nameOf(result.entryPoint)},
                   "returned after it was given up; ignored");
    }
    if (result.threw) return static_cast<void>(feed(unit, MonitorEvent::threw(current, result.generation)));
    switch (result.entryPoint) {
        case EntryPoint::startup: return takeStartup(unit, result);
        case EntryPoint::resourceTypeControl: return takeFormats(unit, result);
        case EntryPoint::resourceControl:
            if (current != Call::control) break;
            unit.controlOutput = result.output;
            unit.controlNeeded = result.outputNeeded;
            takeControl(unit, result.code);
            break;
        default: break;
    }
    feed(unit, MonitorEvent::returned(current, result.generation, result.code, result.hasEvent));
    // An Open that failed while preparing shows in no state: Unloaded it was, Unloaded it is.
    if (result.entryPoint == EntryPoint::open && result.code != 0 && !unit.prepared) {
        failPreparing(unit, fmt::format("Open failed: {}", codeText(result.code)));
    }
    if (current == Call::control && !unit.controls.empty() && !unit.controlRunning)
        feed(unit, MonitorEvent::of(Kind::control));
}

void ResourceMonitor::Engine::noticeCall(Unit& unit, const CallResult& result) {
    if (!result.called) return;
    const std::chrono::nanoseconds budget = budgetOf(result.entryPoint);
    const std::chrono::nanoseconds worstBudget = unit.worst.budget;
    // Compared as parts of their budgets, without dividing.
    if (unit.worst.budget.count() == 0 ||
        result.span.count() / 1'000 * worstBudget.count() > unit.worst.span.count() / 1'000 * budget.count()) {
        unit.worst = {result.entryPoint, result.span, budgetOf(result.entryPoint)};
    }
    if (result.entryPoint != EntryPoint::isAlive && result.entryPoint != EntryPoint::looksAlive) return;
    unit.lastCheck = {result.entryPoint, !result.threw && result.code != 0, result.start + result.span};
}

void ResourceMonitor::Engine::takeStartup(Unit& unit, const CallResult& result) {
    for (const auto& note : result.notes) log(unit.configuration.name, LogLevel::warning, "Startup", note);
    if (result.code == abi::code::success) return orderFormats(unit, 4'096);
    const std::string text = fmt::format("agent '{}': {}", unit.configuration.agent.string(),
                                         result.problem.empty() ? codeText(result.code) : result.problem);
    log(unit.configuration.name, LogLevel::error, "Startup", text);
    if (!unit.prepared)
        unit.problems.push_back(
            {unit.configuration.where, fmt::format("resource '{}': {}", unit.configuration.name, text)});
    feed(unit, MonitorEvent::returned(Call::load, result.generation, result.code));
    finishPreparing(unit);
}

/** Still part of loading: what the agent calls its properties decides what is stored before Open. */
void ResourceMonitor::Engine::orderFormats(Unit& unit, std::size_t capacity) {
    CallOrder order;
    order.resource = unit.number;
    order.entryPoint = EntryPoint::resourceTypeControl;
    order.generation = unit.machine.callGeneration();
    order.controlCode = getResourceFormats;
    order.outputCapacity = capacity;
    unit.formatsCapacity = capacity;
    host_->call(std::move(order));
}

void ResourceMonitor::Engine::takeFormats(Unit& unit, const CallResult& result) {
    if (result.code == abi::code::moreData && result.outputNeeded > unit.formatsCapacity &&
        result.outputNeeded <= largestFormatList) {
        return orderFormats(unit, result.outputNeeded);  // W-630
    }
    auto& formats = unit.formats;
    formats.reset();
    if (result.code == abi::code::success) {
        formats = readFormats(result.output);
        if (!formats)
            log(unit.configuration.name, LogLevel::warning, "ResourceTypeControl",
                "its list of property formats is malformed");
    }
    if (!formats && !unit.settings.empty()) {
        log(unit.configuration.name, LogLevel::information, "ResourceTypeControl",
            "the agent does not say which properties it has (W-622); they are stored as the file spells them");
    }
    auto encoded = encodeProperties(unit.settings, formats);
    // D15: a type's private properties are defaults of its resources' properties, so they have their formats.
    auto ofType = encodeProperties(unit.configuration.typeProperties, formats);
    std::move(ofType.problems.begin(), ofType.problems.end(), std::back_inserter(encoded.problems));
    if (!encoded.problems.empty()) {
        unit.problems.insert(unit.problems.end(), encoded.problems.begin(), encoded.problems.end());
        feed(unit, MonitorEvent::returned(Call::load, result.generation, abi::code::invalidData));
        return finishPreparing(unit);
    }
    unit.properties = std::move(encoded.bag);
    unit.typeProperties = std::move(ofType.bag);
    storeProperties(unit, unit.properties);
    storeTypeProperties(unit, unit.typeProperties);
    feed(unit, MonitorEvent::returned(Call::load, result.generation, 0));
}

void ResourceMonitor::Engine::queueControl(Unit& unit, Unit::Control control) {
    unit.controls.push_back(std::move(control));
    feed(unit, MonitorEvent::of(Kind::control));
}

void ResourceMonitor::Engine::takeControl(Unit& unit, abi::Dword code) {
    if (unit.controls.empty()) return;
    const Unit::Control control = std::move(unit.controls.front());
    unit.controls.pop_front();
    unit.controlRunning = false;
    if (control.answer) control.answer(code);
}

std::vector<holdfast::Dependency> ResourceMonitor::Engine::dependenciesOf(const Unit& unit) const {
    std::vector<holdfast::Dependency> dependencies;
    for (const auto& name : unit.configuration.dependsOn) {
        // Of the other unit only what never changes is read; its properties stand in the registry.
        if (const auto other = find(name)) {
            dependencies.push_back(
                {name, other->configuration.type, registry_.values(other->registryKey + "\\Parameters"), {}});
        }
    }
    return dependencies;
}

void ResourceMonitor::Engine::storeProperties(Unit& unit, const PropertyBag& changes) {
    ++unit.lastStore;
    for (const auto& [name, value] : changes) {
        const auto known = std::find_if(unit.storedAt.begin(), unit.storedAt.end(),
                                        [&of = name](const auto& one) { return samePropertyName(one.first, of); });
        if (known != unit.storedAt.end())
            known->second = unit.lastStore;
        else
            unit.storedAt.emplace_back(name, unit.lastStore);
    }
    registry_.set(unit.registryKey + "\\Parameters", changes);
    host_->storeProperties(unit.number, changes, unit.lastStore);
}

/** Each resource of a type stores the same, so whoever is first makes it true for all. */
void ResourceMonitor::Engine::storeTypeProperties(Unit& unit, const PropertyBag& changes) {
    if (changes.empty()) return;
    registry_.set(typeParametersPath(unit.configuration.type), changes);
    host_->storeTypeProperties(unit.number, changes);
}

// --- preparing ----------------------------------------------------------------------------------------------------------

void ResourceMonitor::Engine::prepareUnit(Unit& unit) { feed(unit, MonitorEvent::of(Kind::open)); }

/** Also without properties: what is required may be missing. */
void ResourceMonitor::Engine::validate(Unit& unit) {
    Unit::Control control;
    control.code = validatePrivateProperties;
    control.input =
        abi::writePropertyList(effectiveProperties(unit.properties, unit.typeProperties), abi::ListUse::send);
    control.preparing = true;
    control.answer = [this, &unit](abi::Dword code) {
        if (code == abi::code::success) return finishPreparing(unit);
        if (code == abi::code::invalidFunction) {
            if (!unit.properties.empty()) {
                log(unit.configuration.name, LogLevel::information, "ResourceControl",
                    "the agent does not validate properties; accepted as they are");
            }
            return finishPreparing(unit);
        }
        std::string text;
        for (const auto& line : unit.controlLog) text += (text.empty() ? "" : "; ") + line;
        if (text.empty()) text = fmt::format("the agent refuses its properties: {}", codeText(code));
        // The line of the property that the agent names, if it names one.
        for (const auto* settings : {&unit.settings, &unit.configuration.typeProperties}) {
            for (const auto& setting : *settings) {
                if (text.find(setting.name) == std::string::npos) continue;
                unit.problems.push_back({setting.where, std::move(text)});
                return finishPreparing(unit);
            }
        }
        failPreparing(unit, std::move(text));
    };
    queueControl(unit, std::move(control));
}

void ResourceMonitor::Engine::failPreparing(Unit& unit, std::string text) {
    if (unit.prepared) return;
    unit.problems.push_back(
        {unit.configuration.where, fmt::format("resource '{}': {}", unit.configuration.name, text)});
    finishPreparing(unit);
}

void ResourceMonitor::Engine::finishPreparing(Unit& unit) {
    if (unit.prepared) return;
    unit.prepared = true;
    const std::lock_guard lock{views_};
    --unprepared_;
    changed_.notify_all();
}

}  // namespace holdfast::inline v1::monitor
