// SPDX-License-Identifier: BSL-1.0
#include "witness.hpp"

#include "monitor/reason_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace sim {

using holdfast::core::MonitorState;
using holdfast::monitor::CallRecord;
using holdfast::monitor::EntryPoint;
using holdfast::monitor::LogRecord;
using holdfast::monitor::Record;
using holdfast::monitor::SignalRecord;
using holdfast::monitor::StateRecord;
using holdfast::monitor::StatusRecord;

namespace {

constexpr Instant budget = 300 * oneMs;
constexpr Instant pollBudget = 50 * oneMs;
/** Checks of many resources start together: so much later at most. */
constexpr Instant grid = 50 * oneMs;
constexpr Instant restartDelay = 200 * oneMs;  // of world.cpp
/** A limit that has begun starts again after so long a pause (D4): 2 s, less the time since the last tick. */
constexpr Instant stall = 1'000 * oneMs;
/** What a handful of hops from thread to thread may take when nobody is kept waiting on purpose. */
constexpr Instant moment = 500 * oneMs;

/** What holds until the first Online has read the settings (D1). */
constexpr Instant unreadTerminateTimeout = 30'000 * oneMs;
/** For what has begun to say something when Close (W-117), or Terminate (W-240), is called, an agent waits so long. */
constexpr Instant closeWaits = 30 * oneMs;
constexpr Instant terminateWaits = 200 * oneMs;  // 250 ms from its beginning on, which is less than 50 ms ago

std::string_view nameOf(MonitorState state) { return holdfast::monitor::stateName(state); }

/** The monitor believes that nothing of it runs. */
bool meansOffline(MonitorState state) {
    return state == MonitorState::opened || state == MonitorState::failed || state == MonitorState::closed ||
           state == MonitorState::unloaded;
}

bool meansOnline(MonitorState state) { return state == MonitorState::online || state == MonitorState::verifying; }

Instant instantOf(std::chrono::steady_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

Witness::Witness(const Plan& plan, Machine& machine, Stage& stage, std::function<void(std::string)> violated)
    : tell{[](const std::string&) {}},
      plan_{plan},
      machine_{machine},
      stage_{stage},
      violated_{std::move(violated)},
      seen_(plan.resources) {}

Instant Witness::delaysSince(Instant delayedThen) const { return 2 * (machine_.delayed() - delayedThen); }

void Witness::heard(const Record& record) {
    if (record.resource.empty()) {
        const auto* const said = std::get_if<LogRecord>(&record.what);
        if (said == nullptr) return;
        tell("the monitor says: " + said->text);
        if (inOrder(closeWaits) && said->text.find("names no open resource") != std::string::npos)
            violated_("an agent called back after Close: " + said->text);
        return;
    }
    std::uint32_t number = 0;
    std::from_chars(record.resource.data() + 1, record.resource.data() + record.resource.size(), number);
    if (const auto* const called = std::get_if<CallRecord>(&record.what)) {
        call(number, *called);
    } else if (const auto* const changed = std::get_if<StateRecord>(&record.what)) {
        state(number, *changed);
    } else if (const auto* const status = std::get_if<StatusRecord>(&record.what)) {
        reported(number, *status);
    } else if (std::holds_alternative<SignalRecord>(record.what)) {
        signalled(number);
    } else if (const auto* const said = std::get_if<LogRecord>(&record.what)) {
        tell(fmt::format("r{}: says: {}", number, said->text));
        for (const char* const words : {"outside a pending operation", "which no Online may", "which no Offline may"}) {
            if (said->text.find(words) == std::string::npos) continue;
            seen_.at(number).misheard = true;
            if (inOrder(terminateWaits))
                violated_(fmt::format("r{}: a report that is late, doubled or illegal: {} (W-201, W-208)", number,
                                      said->text));
        }
        const MonitorState state = seen_.at(number).state;
        if ((state == MonitorState::failed || state == MonitorState::opened) && inOrder(terminateWaits) &&
            said->text.find("SignalFailure while it is not online") != std::string::npos)
            violated_(fmt::format("r{}: a failure is signalled after Terminate or Offline (W-324)", number));
        const Instant recently = machine_.delaysBetween(machine_.now() - plan_.deadlockTimeout, machine_.now());
        // Before its settings are read, an agent waits 30 s for a terminate() that takes so long (D1).
        if (recently != 0 || stage_.deedsOf(Member::terminate) > plan_.deadlockTimeout / 2) return;
        for (const char* const words :
             {"did not return within DeadlockTimeout", "made no progress for PendingTimeout"}) {
            if (said->text.find(words) != std::string::npos && !said->fromAgent)
                violated_(fmt::format("r{}: {}", number, said->text));
        }
    }
}

bool Witness::inOrder(Instant waitedFor) const {
    return machine_.delaysBetween(machine_.now() - 1'000 * oneMs, machine_.now()) < waitedFor;
}

void Witness::reported(std::uint32_t resource, const StatusRecord& status) {
    ++reports_;
    Seen& seen = seen_.at(resource);
    const auto state = status.status.report.state;
    if (state == holdfast::abi::ResourceState::online) ++seen.onlineFinals;
    if (state == holdfast::abi::ResourceState::offline) ++seen.offlineFinals;
    if (state == holdfast::abi::ResourceState::failed) ++seen.failedFinals;
    const std::uint64_t finals = seen.onlineFinals + seen.offlineFinals + seen.failedFinals;
    if (inOrder(terminateWaits) &&
        (seen.onlineFinals > seen.starts || seen.offlineFinals > seen.stops || finals > seen.starts + seen.stops))
        violated_(fmt::format("r{}: more final reports than operations (W-208)", resource));
}

void Witness::call(std::uint32_t resource, const CallRecord& call) {
    ++calls_;
    const Instant span = call.span.count();
    const Instant start = instantOf(call.start);
    const bool polls = call.entryPoint == EntryPoint::isAlive || call.entryPoint == EntryPoint::looksAlive;
    const Instant own = polls ? pollBudget : budget;
    if (call.entryPoint == EntryPoint::terminate) seen_.at(resource).gaveUp = span > plan_.terminateTimeout - moment;
    Instant allowed = own + machine_.delaysBetween(start, start + span);
    // The author's own time, twice if an abandoned call is undone at once, for as long as TerminateTimeout lets it.
    if (call.entryPoint == EntryPoint::terminate) {
        const Instant timeout = seen_.at(resource).configured ? plan_.terminateTimeout : unreadTerminateTimeout;
        const Instant deeds = 2 * stage_.deedsOf(Member::terminate, resource);
        const bool stalled = machine_.delaysBetween(start, start + span) != 0;  // which starts the limit again (D4)
        allowed += stalled ? deeds : std::min(deeds, timeout + moment);
    }
    if (span > allowed) {
        violated_(fmt::format("r{}: {} took {:.3f} ms, of which {:.3f} are excused (W-100)", resource,
                              holdfast::monitor::nameOf(call.entryPoint), static_cast<double>(span) / 1e6,
                              static_cast<double>(allowed - own) / 1e6));
    }
    if (call.threw)
        violated_(
            fmt::format("r{}: an exception left {} (W-105)", resource, holdfast::monitor::nameOf(call.entryPoint)));
    if (call.entryPoint == EntryPoint::isAlive) seen_.at(resource).polledAt = machine_.now();
    if (polls && call.code == 0 && meansOnline(seen_.at(resource).state) && !isExcused(resource))
        violated_(fmt::format("r{}: {} says no, and nothing has happened to it (D10)", resource,
                              holdfast::monitor::nameOf(call.entryPoint)));
}

bool Witness::isStalled(Instant limit) const {
    const Instant resumed = machine_.resumedFrom(stall);
    return resumed != 0 && machine_.now() - resumed < limit + moment;
}

bool Witness::isCalm(Instant length) const {
    return machine_.delaysBetween(machine_.now() - length, machine_.now()) == 0;
}

/** People say that it failed, at some time. */
bool Witness::isDeclared(std::uint32_t resource) const {
    return std::any_of(plan_.wishes.begin(), plan_.wishes.end(),
                       [&](const Wish& wish) { return wish.kind == Wish::Kind::fail && wish.resource == resource; });
}

/** Something has happened in this run, or just before, that a failure may come of. */
bool Witness::isExcused(std::uint32_t resource) const {
    const Role& role = stage_.role(resource);
    return role.excused || isDeclared(resource) || machine_.now() - role.causeAt < 100 * oneMs ||
           !isCalm(20'000 * oneMs);
}

void Witness::signalled(std::uint32_t resource) {
    tell(fmt::format("r{}: signals a failure", resource));
    if (meansOnline(seen_.at(resource).state) && !isExcused(resource))
        violated_(fmt::format("r{}: a failure is signalled, and nothing has failed in this run (D12)", resource));
}

/** Who depends on another starts after it, and stops before it. */
void Witness::order(std::uint32_t resource) {
    if (!plan_.depends || plan_.resources < 2) return;
    const Seen& provider = seen_[0];
    if (resource != 0 && seen_[resource].state == MonitorState::onlineCalled && !meansOnline(provider.state) &&
        machine_.now() - provider.since > moment + delaysSince(provider.delayedThen))
        violated_(
            fmt::format("r{} starts while r0, on which it depends, is {} (W-412)", resource, nameOf(provider.state)));
    if (resource != 0 || provider.state != MonitorState::offlineCalled) return;
    for (std::uint32_t r = 1; r < plan_.resources; ++r) {
        const MonitorState state = seen_[r].state;
        if (!meansOffline(state) && state != MonitorState::dead)
            violated_(
                fmt::format("r0 is taken offline while r{}, which depends on it, is {} (W-412)", r, nameOf(state)));
    }
}

void Witness::state(std::uint32_t resource, const StateRecord& state) {
    Seen& seen = seen_.at(resource);
    tell(fmt::format("r{}: {} -> {}{}{}", resource, nameOf(state.from), nameOf(state.to),
                     state.reason.empty() ? "" : ": ", state.reason));
    if (meansOnline(state.to) && !meansOnline(seen.state)) seen.onlineSince = machine_.now();
    seen.state = state.to;
    if (!meansOnline(state.to)) seen.misheard = false;
    if (meansOnline(state.to)) seen.configured = true;
    if (state.to == MonitorState::unloaded || state.to == MonitorState::dead) seen.configured = false;
    if (state.to == MonitorState::failed || state.to == MonitorState::dead) ++seen.failures;
    if (state.to == MonitorState::dead) ++seen.deaths;
    if (state.to == MonitorState::offlineCalled) ++seen.stops;
    seen.failed = state.external == holdfast::abi::ResourceState::failed;
    if (state.to == MonitorState::onlinePending) return;  // its time began with OnlineCalled
    seen.since = machine_.now();
    seen.delayedThen = machine_.delayed();
    if (state.to == MonitorState::terminating) seen.terminatingSince = machine_.now();
    if (state.to == MonitorState::failed) ++failures_;
    if (state.to == MonitorState::onlineCalled) {
        ++seen.starts;
        if (seen.starts > 1) ++restarts_;
        if (!seen.wanted && machine_.now() - seen.wantedSince > moment && isCalm(machine_.now() - seen.wantedSince))
            violated_(fmt::format("r{}: it is started, and people want it offline", resource));
    }
    order(resource);
    if (meansOffline(state.to)) rest(resource);
}

/** The monitor has just heard that it is offline, or failed and terminated. */
void Witness::rest(std::uint32_t resource) {
    const Role& role = stage_.role(resource);
    // Undoing what an abandoned call has left goes on behind a Terminate that is back.
    const bool wedged =
        std::any_of(role.live.begin(), role.live.end(), [](const Role::Live& live) { return live.deaf; });
    // Terminate has said that it gave up, and that the entity may still run (D1).
    const bool undoes =
        wedged || seen_.at(resource).gaveUp || machine_.now() - role.deafUntil < plan_.terminateTimeout + moment;
    for (const Role::Live& live : role.terminating) {
        if (!undoes && machine_.now() - live.since < plan_.terminateTimeout - moment &&
            isCalm(2 * plan_.terminateTimeout))
            violated_(fmt::format("r{}: it is {} for the monitor, and terminate() still runs (D1)", resource,
                                  nameOf(seen_.at(resource).state)));
    }
    if (role.entity.copies.empty() || !role.live.empty() || !role.terminating.empty()) return;
    if (seen_.at(resource).state == MonitorState::unloaded) return;  // its host died, and it dies with it
    // So does what ran in a host that has died this very moment; `audit` sees whether it does.
    if (role.diedAt != never && machine_.now() - role.diedAt < moment) return;
    // What an abandoned call has left is undone once that call ends (promise 2), which may be now: `audit` sees whether it is.
    if (machine_.now() - role.deafUntil < moment) return;
    // Of two pauses within half a second one is noticed (D4), so that terminate() had no time to begin: as above.
    if (isStalled(0) && machine_.resumedFrom(stall) > seen_.at(resource).terminatingSince) return;
    violated_(fmt::format("r{}: it is {} for the monitor, and runs", resource, nameOf(seen_.at(resource).state)));
}

void Witness::asked(std::uint32_t resource, bool online) {
    Seen& seen = seen_.at(resource);
    if (online) seen.allowed += 1 + plan_.restarts;
    // Who depends on one that is wanted offline and, a moment later, online goes down and up, even if that one never does.
    if (online && plan_.depends && resource == 0) {
        for (Seen& dependent : seen_) ++dependent.allowed;
    }
    seen.wanted = online;
    seen.wantedSince = machine_.now();
}

void Witness::auditHealth(std::uint32_t r) {
    const Instant now = machine_.now();
    const Seen& seen = seen_[r];
    const Role& role = stage_.role(r);
    const auto lasts = [&](Instant since) {
        const Instant begin = std::max(since, seen.since);
        return now - begin - 2 * machine_.delaysBetween(begin, now) - moment;
    };
    if (!meansOnline(seen.state)) return;
    if (role.diedAt != never && lasts(role.diedAt) > 0)
        violated_(fmt::format("r{}: its host died {} ms ago, and the monitor was not told (D17)", r,
                              (now - role.diedAt) / oneMs));
    if (!seen.misheard && role.reportedAt != never && lasts(role.reportedAt) > 0)
        violated_(fmt::format("r{}: a failure was reported {} ms ago, and is not noticed (D12)", r,
                              (now - role.reportedAt) / oneMs));
    const Instant asked = std::max(seen.since, seen.polledAt);
    if (now - asked > plan_.isAlivePoll + moment && isCalm(now - asked))
        violated_(fmt::format("r{}: nobody has asked it IsAlive for {} ms (W-300)", r, (now - asked) / oneMs));
    for (const Role::Live& live : role.live) {
        const bool checks = live.member == Member::check || live.member == Member::repair;
        const Instant limit = plan_.checkTimeout * (1 + plan_.timeoutTolerance);
        if (checks && lasts(live.since) > limit && !isStalled(limit))
            violated_(fmt::format("r{}: a check has hung for {} ms, and is not noticed (D11)", r,
                                  (now - live.since) / oneMs));
    }
}

/** What people want happens, and goes on. */
void Witness::auditWishes(std::uint32_t r) {
    const Instant now = machine_.now();
    const Seen& seen = seen_[r];
    if (stopping_) return;
    const Instant since = std::max({seen.since, seen.wantedSince, auditedSince_});
    const Instant lasts = now - since - 2 * machine_.delaysBetween(since, now) - 2 * moment;
    if (seen.state == MonitorState::dead && lasts > 0)
        violated_(fmt::format("r{}: it lost its host {} ms ago, and gets no other (D17)", r, (now - since) / oneMs));
    const bool restarts = seen.state == MonitorState::failed && seen.wanted && seen.failures <= plan_.restarts;
    if (restarts && !plan_.depends && lasts > restartDelay)
        violated_(
            fmt::format("r{}: it failed {} ms ago, for the {}. time, and is not started again (RestartThreshold {})", r,
                        (now - since) / oneMs, seen.failures, plan_.restarts));
    // Whose own code ended its host may have used up its restarts; who lost it to others comes back (W-402).
    const bool innocent = std::none_of(plan_.deeds.begin(), plan_.deeds.end(),
                                       [](const Deed& deed) { return deed.kind == Deed::Kind::crashes; });
    const bool waits =
        seen.state == MonitorState::opened || (seen.state == MonitorState::unloaded && (innocent || !seen.failed));
    // What depends on something goes down before that comes back, and starts after it.
    const bool alone = !plan_.depends || plan_.resources == 1 ||
                       (r == 0 && (meansOffline(seen_[1].state) || seen_[1].state == MonitorState::dead) &&
                        now - seen_[1].since > moment);
    if (waits && seen.wanted && alone && lasts > 0)
        violated_(fmt::format("r{}: it is wanted online and has been {} for {} ms", r, nameOf(seen.state),
                              (now - since) / oneMs));
}

void Witness::audit() {
    const Instant now = machine_.now();
    if (auditedSince_ == never) auditedSince_ = now;
    for (std::uint32_t r = 0; r < plan_.resources; ++r) {
        const Seen& seen = seen_[r];
        const Role& role = stage_.role(r);
        const Entity& entity = role.entity;
        const bool idle = role.live.empty() && role.terminating.empty();
        const Instant delays = delaysSince(seen.delayedThen);
        if (meansOffline(seen.state) && !entity.copies.empty() && idle &&
            now - std::max(role.idleSince, seen.since) > moment + delays)
            violated_(fmt::format("r{}: it has been {} for the monitor for {} ms, and runs", r, nameOf(seen.state),
                                  (now - seen.since) / oneMs));
        if (meansOnline(seen.state) && entity.brokenAt != never) {
            const bool told = entity.exitedAt != never;
            // A check or a repair that does something unusual may take its time, and be tolerated.
            const bool plain = stage_.deedsOf(Member::check, r) == 0 && stage_.deedsOf(Member::repair, r) == 0;
            const Instant period = plan_.checkInterval + plan_.checkTimeout;
            const Instant policy =
                told    ? 0
                : plain ? (plan_.checkInterval + grid) * (1 + plan_.failureTolerance)
                        : period * (2 + plan_.failureTolerance + plan_.timeoutTolerance) + plan_.checkTimeout;
            const Instant since = std::max(told ? entity.exitedAt : entity.brokenAt, seen.onlineSince);
            if (now - since > policy + moment + 2 * machine_.delaysBetween(since, now))
                violated_(fmt::format("r{}: a failure of {} ms ago is not noticed (D10, D11, D12)", r,
                                      (now - since) / oneMs));
        }
        const bool starting = seen.state == MonitorState::onlineCalled || seen.state == MonitorState::onlinePending;
        if (starting && role.startedAt != never && role.startedAt >= seen.since &&
            now - role.startedAt > moment + delays)
            violated_(fmt::format("r{}: online() succeeded {} ms ago, and the monitor was not told", r,
                                  (now - role.startedAt) / oneMs));
        // The record of its beginning may have come a moment after the call itself.
        const bool behind = std::any_of(role.live.begin(), role.live.end(), [&](const Role::Live& live) {
            return live.since + moment + machine_.delaysBetween(live.since, seen.since) < seen.since;
        });
        if (starting && behind && now - seen.since > plan_.predecessorTimeout + moment + delays &&
            !isStalled(plan_.predecessorTimeout))
            violated_(fmt::format("r{}: online() has waited for an earlier call for {} ms (D3)", r,
                                  (now - seen.since) / oneMs));
        const bool pending =
            starting || seen.state == MonitorState::offlineCalled || seen.state == MonitorState::offlinePending;
        // A stall restarts the limit (D4).
        const Instant limit = plan_.operationLimit + plan_.predecessorTimeout + moment;
        if (pending && now - seen.since > limit && isCalm(now - seen.since))
            violated_(fmt::format("r{}: it has been {} for {} ms, whatever its limit is (D4)", r, nameOf(seen.state),
                                  (now - seen.since) / oneMs));
        auditHealth(r);
        auditWishes(r);
        std::uint64_t allowed = seen.allowed + plan_.restarts + seen.deaths;
        if (plan_.depends && r > 0) allowed += seen_[0].starts;
        if (seen.starts > allowed)
            violated_(fmt::format("r{}: it was started {} times, {} would be the most (RestartThreshold)", r,
                                  seen.starts, allowed));
    }
}

Instant Witness::stopPatience() const {
    Instant all = 60'000 * oneMs + machine_.delayed() * 2;
    for (const Deed& deed : plan_.deeds) all += deed.length;
    return all;
}

void Witness::stopped() {
    for (std::uint32_t r = 0; r < plan_.resources; ++r) {
        const MonitorState state = seen_[r].state;
        if (state != MonitorState::closed && state != MonitorState::dead && state != MonitorState::unloaded)
            violated_(fmt::format("r{}: the monitor has stopped, and it is {}", r, nameOf(state)));
    }
}

void Witness::ended() {
    for (std::uint32_t r = 0; r < plan_.resources; ++r) {
        const Role& role = stage_.role(r);
        if (!role.entity.copies.empty()) violated_(fmt::format("r{}: it runs after the end of the monitor", r));
        if (!role.live.empty() || !role.terminating.empty())
            violated_(fmt::format("r{}: its author's code runs after the end of the monitor", r));
        if (!role.objects.empty()) violated_(fmt::format("r{}: its object was never destroyed", r));
    }
}

}  // namespace sim
