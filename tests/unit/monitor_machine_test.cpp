// SPDX-License-Identifier: BSL-1.0
// One test per row of the contract's state table (5.2); what the rows leave open follows at the end.
#include <holdfast/core/monitor_machine.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

using namespace holdfast::core;
using namespace std::chrono_literals;
namespace abi = holdfast::abi;
using State = MonitorState;
using Act = MonitorAction::Kind;
using Kind = MonitorEvent::Kind;
using Ext = abi::ResourceState;

namespace {

/** Drives a machine and keeps the actions of the last event. */
struct Bench {
    MonitorMachine machine;
    std::vector<MonitorAction> last;
    abi::ExitState answer{};

    explicit Bench(MonitorSettings settings = {}) : machine{settings} {}

    void feed(const MonitorEvent& event) { keep(machine.handle(event)); }
    void feed(Kind kind) { feed(MonitorEvent::of(kind)); }
    void keep(const MonitorActions& actions) {
        last.assign(actions.begin(), actions.end());
        answer = actions.answer;
    }
    void returns(Call call, std::uint32_t code, bool event = false) {
        feed(MonitorEvent::returned(call, machine.callGeneration(), code, event));
    }
    void terminateReturns() { feed(MonitorEvent::terminateReturned(machine.terminateGeneration())); }
    abi::ExitState report(Ext state, std::uint32_t checkPoint = 1, bool event = false, bool veto = false) {
        feed(MonitorEvent::reported({state, checkPoint, event, veto}));
        return answer;
    }
    void fires(MonitorTimer timer, bool stalled = false) {
        REQUIRE(armed(timer));
        feed(MonitorEvent::expired(timer, machine.timerGeneration(timer), stalled));
    }
    void signals() { feed(MonitorEvent::signalled(machine.watchGeneration())); }

    [[nodiscard]] State state() const { return machine.state(); }
    [[nodiscard]] bool armed(MonitorTimer timer) const {
        return machine.snapshot().armed[static_cast<std::size_t>(timer)];
    }
    [[nodiscard]] std::optional<std::size_t> find(Act kind) const {
        const auto it = std::find_if(last.begin(), last.end(), [&](const MonitorAction& a) { return a.kind == kind; });
        if (it == last.end()) return std::nullopt;
        return static_cast<std::size_t>(it - last.begin());
    }
    [[nodiscard]] bool did(Act kind) const { return find(kind).has_value(); }
    [[nodiscard]] bool calls(Call call) const {
        return std::any_of(last.begin(), last.end(),
                           [&](const MonitorAction& a) { return a.kind == Act::call && a.call == call; });
    }
    [[nodiscard]] bool publishes(Ext state) const {
        return std::any_of(last.begin(), last.end(),
                           [&](const MonitorAction& a) { return a.kind == Act::publish && a.state == state; });
    }
    [[nodiscard]] bool logs(MonitorReason reason) const {
        return std::any_of(last.begin(), last.end(),
                           [&](const MonitorAction& a) { return a.kind == Act::log && a.reason == reason; });
    }
    [[nodiscard]] bool arms(MonitorTimer timer, std::chrono::milliseconds duration) const {
        return std::any_of(last.begin(), last.end(), [&](const MonitorAction& a) {
            return a.kind == Act::arm && a.timer == timer && a.duration == duration;
        });
    }
    [[nodiscard]] bool finished(RequestKind kind, RequestOutcome outcome) const {
        return std::any_of(last.begin(), last.end(), [&](const MonitorAction& a) {
            return a.kind == Act::finished && a.request == kind && a.outcome == outcome;
        });
    }

    Bench& opened() {
        feed(Kind::open);
        returns(Call::load, 0);
        returns(Call::open, 0);
        REQUIRE(state() == State::opened);
        return *this;
    }
    Bench& onlineCalled() {
        opened().feed(Kind::online);
        REQUIRE(state() == State::onlineCalled);
        return *this;
    }
    Bench& onlinePending() {
        onlineCalled().returns(Call::online, abi::code::ioPending);
        REQUIRE(state() == State::onlinePending);
        return *this;
    }
    Bench& online(bool event = false) {
        onlineCalled().returns(Call::online, 0, event);
        REQUIRE(state() == State::online);
        return *this;
    }
    Bench& verifying() {
        online().fires(MonitorTimer::isAlive);
        REQUIRE(state() == State::verifying);
        return *this;
    }
    Bench& offlineCalled() {
        online().feed(Kind::offline);
        REQUIRE(state() == State::offlineCalled);
        return *this;
    }
    Bench& offlinePending() {
        offlineCalled().returns(Call::offline, abi::code::ioPending);
        REQUIRE(state() == State::offlinePending);
        return *this;
    }
    Bench& failed() {
        onlineCalled().returns(Call::online, 1);
        terminateReturns();
        REQUIRE(state() == State::failed);
        return *this;
    }
};

}  // namespace

TEST_CASE("S1 opening a resource loads its library first") {
    Bench b;
    b.feed(Kind::open);
    CHECK(b.calls(Call::load));
    CHECK(b.arms(MonitorTimer::deadlock, 300s));
    b.returns(Call::load, 0);
    CHECK(b.calls(Call::open));
}

TEST_CASE("S2 a load or Startup that fails: log the code, call nothing else") {
    for (const std::uint32_t code : {1306U, 5080U, 126U}) {
        Bench b;
        b.feed(Kind::open);
        b.returns(Call::load, code);
        CHECK(b.state() == State::unloaded);
        CHECK(b.logs(MonitorReason::loadFailed));
        CHECK(b.last[*b.find(Act::log)].code == code);
        CHECK(b.publishes(Ext::failed));
        CHECK_FALSE(b.did(Act::call));
        CHECK_FALSE(b.did(Act::terminate));
    }
}

TEST_CASE("S3 Open returns an id: Opened") {
    Bench b;
    b.opened();
    CHECK(b.machine.externalState() == Ext::offline);
    CHECK_FALSE(b.armed(MonitorTimer::deadlock));
}

TEST_CASE("S4 Open returns NULL: logged, not online, tried again at the next Online", "[W-111]") {
    Bench b;
    b.feed(Kind::online);
    b.returns(Call::load, 0);
    b.returns(Call::open, 8);
    CHECK(b.state() == State::unloaded);
    CHECK(b.logs(MonitorReason::openFailed));
    CHECK(b.finished(RequestKind::online, RequestOutcome::failed));
    CHECK(b.did(Act::failed));
    b.feed(Kind::online);
    CHECK(b.calls(Call::open));
    b.returns(Call::open, 0);
    CHECK(b.calls(Call::online));
    CHECK(b.publishes(Ext::onlinePending));
}

TEST_CASE("S5 online request: external 129, deadlock timer, Online") {
    Bench b;
    b.opened().feed(Kind::online);
    CHECK(b.state() == State::onlineCalled);
    CHECK(b.publishes(Ext::onlinePending));
    CHECK(b.arms(MonitorTimer::deadlock, 300s));
    CHECK(b.calls(Call::online));
    CHECK(*b.find(Act::publish) < *b.find(Act::arm));
    CHECK(*b.find(Act::arm) < *b.find(Act::call));
}

TEST_CASE("S6 a report while Online is on the stack is held") {
    Bench b;
    b.onlineCalled();
    CHECK(b.report(Ext::online) == abi::ExitState::proceed);
    CHECK(b.state() == State::onlineCalled);
    CHECK(b.last.empty());
    SECTION("and applied after 997 (W-202)") {
        b.returns(Call::online, abi::code::ioPending);
        CHECK(b.state() == State::online);
    }
    SECTION("and discarded after any other value (W-202)") {
        b.returns(Call::online, 1);
        CHECK(b.state() == State::terminating);
    }
    SECTION("and the first final one decides (W-209)") {
        CHECK(b.report(Ext::failed, 2) == abi::ExitState::terminate);
        b.returns(Call::online, abi::code::ioPending);
        CHECK(b.state() == State::online);
    }
}

TEST_CASE("S7 Online returns 0: Online, polls or the event", "[W-120][W-300]") {
    Bench b;
    SECTION("without an event: LooksAlive and IsAlive") {
        b.online();
        CHECK(b.arms(MonitorTimer::looksAlive, 5s));
        CHECK(b.arms(MonitorTimer::isAlive, 60s));
        CHECK_FALSE(b.did(Act::watch));
    }
    SECTION("with an event: IsAlive and the watch, no LooksAlive (W-321)") {
        b.online(true);
        CHECK_FALSE(b.armed(MonitorTimer::looksAlive));
        CHECK(b.armed(MonitorTimer::isAlive));
        CHECK(b.did(Act::watch));
    }
    CHECK(b.publishes(Ext::online));
    CHECK(b.finished(RequestKind::online, RequestOutcome::done));
    CHECK_FALSE(b.armed(MonitorTimer::deadlock));
}

TEST_CASE("S8 Online returns 997: PendingTimeout instead of DeadlockTimeout") {
    Bench b;
    b.onlineCalled().returns(Call::online, abi::code::ioPending);
    CHECK(b.state() == State::onlinePending);
    CHECK_FALSE(b.armed(MonitorTimer::deadlock));
    CHECK(b.arms(MonitorTimer::pending, 180s));
    CHECK_FALSE(b.did(Act::publish));  // 129 already (W-200)
}

TEST_CASE("S9 Online returns an error: log, Terminate, state (W-121)", "[W-133]") {
    Bench b;
    b.onlineCalled().returns(Call::online, 5);
    CHECK(b.state() == State::terminating);
    REQUIRE(b.logs(MonitorReason::onlineFailed));
    CHECK(b.last[*b.find(Act::log)].code == 5);
    CHECK(*b.find(Act::log) < *b.find(Act::terminate));
    CHECK(*b.find(Act::terminate) < *b.find(Act::publish));
    CHECK(b.publishes(Ext::failed));
}

TEST_CASE("S10 W-220 a pending report with a new CheckPoint re-arms PendingTimeout") {
    Bench b;
    b.onlinePending();
    CHECK(b.report(Ext::onlinePending, 1) == abi::ExitState::proceed);
    CHECK(b.arms(MonitorTimer::pending, 180s));
    CHECK(b.report(Ext::onlinePending, 2) == abi::ExitState::proceed);
    CHECK(b.arms(MonitorTimer::pending, 180s));
    CHECK(b.report(Ext::onlinePending, 2) == abi::ExitState::proceed);
    CHECK(b.last.empty());  // W-205: nothing new
    CHECK(b.state() == State::onlinePending);
}

TEST_CASE("S11 report Online: Online, polls, event") {
    Bench b;
    b.onlinePending();
    SECTION("with a handle in the report (W-207)") {
        CHECK(b.report(Ext::online, 1, true) == abi::ExitState::proceed);
        CHECK(b.did(Act::watch));
        CHECK_FALSE(b.armed(MonitorTimer::looksAlive));
    }
    SECTION("without one") {
        CHECK(b.report(Ext::online) == abi::ExitState::proceed);
        CHECK(b.armed(MonitorTimer::looksAlive));
    }
    SECTION("even if CheckPoint did not change (W-205)") {
        (void)b.report(Ext::onlinePending, 7);
        (void)b.report(Ext::online, 7);
    }
    CHECK(b.state() == State::online);
    CHECK_FALSE(b.armed(MonitorTimer::pending));
}

TEST_CASE("S12 W-208 report Failed, Offline or something illegal during OnlinePending: Terminate, Failed") {
    for (const std::int32_t state : {4, 3, -1, 0, 1, 130, 77}) {
        INFO(state);
        Bench b;
        b.onlinePending();
        CHECK(b.report(static_cast<Ext>(state)) == abi::ExitState::terminate);
        CHECK(b.state() == State::terminating);
        CHECK(b.did(Act::terminate));
        b.terminateReturns();
        CHECK(b.state() == State::failed);
        CHECK(b.finished(RequestKind::online, RequestOutcome::failed));
        CHECK(b.last[*b.find(Act::failed)].reason ==
              (state == 4 || state == -1 ? MonitorReason::onlineReportedFailed : MonitorReason::onlineReportedIllegal));
    }
}

TEST_CASE("S13 cannot come online here, or anywhere: the policy hears where") {
    for (const auto& [state, place] : {std::pair{Ext::cannotComeOnlineOnThisNode, RestartPlace::anotherNode},
                                       std::pair{Ext::cannotComeOnlineOnAnyNode, RestartPlace::nowhere}}) {
        Bench b;
        b.onlinePending();
        (void)b.report(state);
        CHECK(b.did(Act::terminate));
        b.terminateReturns();
        CHECK(b.state() == State::failed);
        CHECK(b.last[*b.find(Act::failed)].place == place);
    }
}

TEST_CASE("S14 PendingTimeout: reports answer 1, Terminate, Failed (W-222)", "[W-133]") {
    Bench b;
    b.onlinePending().fires(MonitorTimer::pending);
    CHECK(b.state() == State::terminating);
    CHECK(b.logs(MonitorReason::onlineTimedOut));
    CHECK(b.did(Act::terminate));
    CHECK(b.report(Ext::online, 9) == abi::ExitState::terminate);
    CHECK(b.state() == State::terminating);
    b.terminateReturns();
    CHECK(b.state() == State::failed);
    CHECK(b.did(Act::failed));
}

TEST_CASE("S15 offline request during OnlinePending: cancel, Terminate, Opened (W-242)") {
    Bench b;
    b.onlinePending().feed(Kind::offline);
    CHECK(b.state() == State::terminating);
    CHECK(b.publishes(Ext::offlinePending));
    CHECK(b.finished(RequestKind::online, RequestOutcome::cancelled));
    CHECK(b.report(Ext::onlinePending, 5) == abi::ExitState::terminate);
    b.terminateReturns();
    CHECK(b.state() == State::opened);
    CHECK(b.finished(RequestKind::offline, RequestOutcome::terminated));
    CHECK_FALSE(b.did(Act::failed));
}

TEST_CASE("S16 LooksAlive timer: TRUE re-arms, FALSE verifies") {
    Bench b;
    b.online().fires(MonitorTimer::looksAlive);
    CHECK(b.calls(Call::looksAlive));
    CHECK(b.state() == State::online);
    CHECK_FALSE(b.armed(MonitorTimer::looksAlive));  // W-313: polls never pile up
    SECTION("TRUE") {
        b.returns(Call::looksAlive, 1);
        CHECK(b.arms(MonitorTimer::looksAlive, 5s));
    }
    SECTION("FALSE: IsAlive at once, under the same deadlock timer (W-301)") {
        const auto generation = b.machine.timerGeneration(MonitorTimer::deadlock);
        b.returns(Call::looksAlive, 0);
        CHECK(b.state() == State::verifying);
        CHECK(b.calls(Call::isAlive));
        CHECK(b.machine.timerGeneration(MonitorTimer::deadlock) == generation);
        b.returns(Call::isAlive, 1);
        CHECK(b.state() == State::online);  // LooksAlive alone never fails a resource
    }
}

TEST_CASE("S17 IsAlive timer: Verifying") {
    Bench b;
    b.online().fires(MonitorTimer::isAlive);
    CHECK(b.state() == State::verifying);
    CHECK(b.calls(Call::isAlive));
    CHECK(b.machine.externalState() == Ext::online);
    SECTION("one that falls due during LooksAlive waits for it (W-101)") {
        Bench c;
        c.online().fires(MonitorTimer::looksAlive);
        c.fires(MonitorTimer::isAlive);
        CHECK_FALSE(c.did(Act::call));
        c.returns(Call::looksAlive, 1);
        CHECK(c.calls(Call::isAlive));
    }
}

TEST_CASE("S18 event signalled: IsAlive at once; in legacy mode Terminate (W-320)", "[W-133]") {
    SECTION("IsAlive") {
        Bench b;
        b.online(true).signals();
        CHECK(b.state() == State::verifying);
        CHECK(b.calls(Call::isAlive));
        b.returns(Call::isAlive, 1);
        CHECK(b.state() == State::online);
        CHECK(b.did(Act::watch));  // W-323: one wake-up is one event
    }
    SECTION("IsAlive again if one was on the stack: it may have looked too early") {
        Bench b;
        b.online(true).fires(MonitorTimer::isAlive);
        b.signals();
        CHECK_FALSE(b.did(Act::call));
        b.returns(Call::isAlive, 1);
        CHECK(b.calls(Call::isAlive));
    }
    SECTION("legacy") {
        MonitorSettings settings;
        settings.terminateOnEvent = true;
        Bench b{settings};
        b.online(true).signals();
        CHECK(b.state() == State::terminating);
        CHECK(b.did(Act::terminate));
        b.terminateReturns();
        CHECK(b.state() == State::failed);
    }
}

TEST_CASE("S19 IsAlive TRUE: Online, timers re-armed") {
    Bench b;
    b.verifying().returns(Call::isAlive, 1);
    CHECK(b.state() == State::online);
    CHECK(b.arms(MonitorTimer::looksAlive, 5s));
    CHECK(b.arms(MonitorTimer::isAlive, 60s));
    CHECK_FALSE(b.did(Act::publish));
}

TEST_CASE("S20 IsAlive FALSE: external 4 first, then Terminate, then Failed (W-302, W-303)", "[W-133]") {
    Bench b;
    b.verifying().returns(Call::isAlive, 0);
    CHECK(b.state() == State::terminating);
    REQUIRE(b.publishes(Ext::failed));
    CHECK(*b.find(Act::publish) < *b.find(Act::terminate));
    CHECK_FALSE(b.armed(MonitorTimer::isAlive));
    b.terminateReturns();
    CHECK(b.state() == State::failed);
    CHECK(b.did(Act::failed));
}

TEST_CASE("S21 W-324 SignalFailure: general fails without IsAlive, the others are only reported") {
    Bench b;
    b.online().feed(MonitorEvent::signalFailure(FailureType::embedded));
    CHECK(b.logs(MonitorReason::embeddedFailure));
    b.feed(MonitorEvent::signalFailure(FailureType::networkLoss));
    CHECK(b.logs(MonitorReason::networkLoss));
    CHECK(b.state() == State::online);
    b.feed(MonitorEvent::signalFailure(FailureType::general));
    CHECK(b.state() == State::terminating);
    CHECK_FALSE(b.did(Act::call));
    CHECK(*b.find(Act::publish) < *b.find(Act::terminate));
}

TEST_CASE("S21 people declare it failed: as SignalFailure, and the agent is not blamed for it") {
    Bench b;
    b.feed(MonitorEvent::of(MonitorEvent::Kind::declareFailed));
    CHECK(b.logs(MonitorReason::lateDeclaration));
    b.online().feed(MonitorEvent::of(MonitorEvent::Kind::declareFailed));
    CHECK(b.logs(MonitorReason::declaredFailed));
    CHECK(b.state() == State::terminating);
    CHECK_FALSE(b.did(Act::call));
    b.terminateReturns();
    CHECK(b.state() == State::failed);
}

TEST_CASE("S22 W-201 SetResourceStatus outside a pending operation: ignored, logged, answered 1", "[W-411]") {
    Bench b;
    b.online();
    for (const auto state : {Ext::online, Ext::failed, Ext::offline, Ext::onlinePending}) {
        CHECK(b.report(state, 3) == abi::ExitState::terminate);
        CHECK(b.logs(MonitorReason::unexpectedReport));
        CHECK(b.state() == State::online);
    }
}

TEST_CASE("S23 offline request: polls stop, event disarmed, then Offline (W-246)", "[W-300]") {
    Bench b;
    b.online(true);
    const auto watch = b.machine.watchGeneration();
    b.feed(Kind::offline);
    CHECK(b.state() == State::offlineCalled);
    CHECK(b.publishes(Ext::offlinePending));
    CHECK(*b.find(Act::disarm) < *b.find(Act::call));
    CHECK(*b.find(Act::unwatch) < *b.find(Act::call));
    CHECK(b.calls(Call::offline));
    b.feed(MonitorEvent::signalled(watch));
    CHECK(b.last.empty());
}

TEST_CASE("S24 Offline returns 0: Opened", "[W-125]") {
    Bench b;
    b.offlineCalled().returns(Call::offline, 0);
    CHECK(b.state() == State::opened);
    CHECK(b.publishes(Ext::offline));
    CHECK(b.finished(RequestKind::offline, RequestOutcome::done));
}

TEST_CASE("S25 Offline returns 997: OfflinePending, PendingTimeout", "[W-125]") {
    Bench b;
    b.offlineCalled().returns(Call::offline, abi::code::ioPending);
    CHECK(b.state() == State::offlinePending);
    CHECK(b.arms(MonitorTimer::pending, 180s));
}

TEST_CASE("S26 Offline returns an error: log, Terminate, Opened", "[W-125][W-133]") {
    Bench b;
    b.offlineCalled().returns(Call::offline, 5);
    CHECK(b.state() == State::terminating);
    CHECK(b.logs(MonitorReason::offlineFailed));
    CHECK(b.did(Act::terminate));
    b.terminateReturns();
    CHECK(b.state() == State::opened);
    CHECK(b.finished(RequestKind::offline, RequestOutcome::terminated));
}

TEST_CASE("S27 W-220 a pending report during OfflinePending re-arms PendingTimeout") {
    Bench b;
    b.offlinePending();
    CHECK(b.report(Ext::offlinePending, 1) == abi::ExitState::proceed);
    CHECK(b.arms(MonitorTimer::pending, 180s));
    CHECK(b.report(Ext::offlinePending, 1) == abi::ExitState::proceed);
    CHECK(b.last.empty());
}

TEST_CASE("S28 report Offline: Opened") {
    Bench b;
    b.offlinePending();
    CHECK(b.report(Ext::offline) == abi::ExitState::proceed);
    CHECK(b.state() == State::opened);
    CHECK_FALSE(b.armed(MonitorTimer::pending));
    CHECK(b.finished(RequestKind::offline, RequestOutcome::done));
}

TEST_CASE("S29 W-208 report Failed or illegal, or PendingTimeout, during OfflinePending: Terminate", "[W-133]") {
    for (const std::int32_t state : {4, 2, -1, 126, 129, 77}) {
        INFO(state);
        Bench b;
        b.offlinePending();
        CHECK(b.report(static_cast<Ext>(state)) == abi::ExitState::terminate);
        CHECK(b.did(Act::terminate));
        b.terminateReturns();
        CHECK(b.state() == State::opened);
    }
    Bench b;
    b.offlinePending().fires(MonitorTimer::pending);
    CHECK(b.did(Act::terminate));
    CHECK(b.logs(MonitorReason::offlineTimedOut));
}

TEST_CASE("S30 W-128 report Online with veto flags: the offline is refused, polls go on") {
    Bench b;
    b.offlinePending();
    CHECK(b.report(Ext::online, 1, false, true) == abi::ExitState::proceed);
    CHECK(b.state() == State::online);
    CHECK(b.logs(MonitorReason::offlineRefused));
    CHECK(b.finished(RequestKind::offline, RequestOutcome::vetoed));
    CHECK(b.armed(MonitorTimer::isAlive));
}

TEST_CASE("S31 Terminate returns after a stop: Opened", "[W-133]") {
    Bench b;
    b.online().feed(Kind::terminate);
    CHECK(b.did(Act::terminate));
    CHECK(b.logs(MonitorReason::stopForced));
    b.terminateReturns();
    CHECK(b.state() == State::opened);
    CHECK_FALSE(b.did(Act::failed));
}

TEST_CASE("S32 Terminate returns after a failure: Failed, the policy is asked") {
    Bench b;
    b.verifying().returns(Call::isAlive, 0);
    b.terminateReturns();
    CHECK(b.state() == State::failed);
    CHECK(b.last[*b.find(Act::failed)].reason == MonitorReason::isAliveFailed);
}

TEST_CASE("S33 restart after RestartDelay") {
    Bench b;
    b.failed().feed(MonitorEvent::restart(500ms));
    CHECK(b.arms(MonitorTimer::restart, 500ms));
    CHECK(b.state() == State::failed);
    b.fires(MonitorTimer::restart);
    CHECK(b.state() == State::onlineCalled);
    CHECK(b.calls(Call::online));
    CHECK(b.publishes(Ext::onlinePending));
}

TEST_CASE("S34 offline request of a failed resource: the state only") {
    Bench b;
    b.failed().feed(MonitorEvent::restart(500ms));
    b.feed(Kind::offline);
    CHECK(b.state() == State::opened);
    CHECK_FALSE(b.did(Act::call));
    CHECK_FALSE(b.did(Act::terminate));
    CHECK_FALSE(b.armed(MonitorTimer::restart));
}

TEST_CASE("S35 delete or shutdown of an idle resource: Close") {
    Bench b;
    SECTION("shutdown") {
        b.opened().feed(Kind::shutdown);
        CHECK(b.calls(Call::close));
    }
    SECTION("delete tells the resource first") {
        b.failed().feed(Kind::remove);
        CHECK(b.calls(Call::deleteControl));
        b.returns(Call::deleteControl, 1);
        CHECK(b.calls(Call::close));
    }
    CHECK(b.state() == State::closed);
    CHECK(b.report(Ext::online) == abi::ExitState::terminate);  // W-117
    b.returns(Call::close, 0);
    CHECK(b.finished(RequestKind::close, RequestOutcome::done));
}

TEST_CASE("S36 shutdown of a working resource: Offline, else Terminate, then Close") {
    Bench b;
    SECTION("online: Offline first") {
        b.online().feed(Kind::shutdown);
        CHECK(b.calls(Call::offline));
        b.returns(Call::offline, 0);
    }
    SECTION("an Offline that hangs is terminated") {
        b.online().feed(Kind::shutdown);
        b.returns(Call::offline, abi::code::ioPending);
        b.fires(MonitorTimer::pending);
        CHECK(b.did(Act::terminate));
        b.terminateReturns();
    }
    SECTION("pending: Terminate (W-244)") {
        b.onlinePending().feed(Kind::shutdown);
        CHECK(b.did(Act::terminate));
        b.terminateReturns();
    }
    CHECK(b.calls(Call::close));
    CHECK(b.state() == State::closed);
}

TEST_CASE("S37 DeadlockTimeout of any call: Dead, with the call named (W-440, W-443)") {
    const auto check = [](Bench& b, MonitorTimer timer, Call call) {
        b.fires(timer);
        CHECK(b.state() == State::dead);
        CHECK(b.machine.externalState() == Ext::failed);
        REQUIRE(b.logs(MonitorReason::deadlock));
        CHECK(b.last[*b.find(Act::log)].call == call);
        CHECK(b.did(Act::killHost));
        b.feed(Kind::control);
        CHECK(b.did(Act::refuseControl));
        CHECK(b.report(Ext::online) == abi::ExitState::terminate);
    };
    Bench open, online, isAlive, offline, terminate;
    open.feed(Kind::open);
    check(open, MonitorTimer::deadlock, Call::load);
    check(online.onlineCalled(), MonitorTimer::deadlock, Call::online);
    check(isAlive.verifying(), MonitorTimer::deadlock, Call::isAlive);
    check(offline.offlineCalled(), MonitorTimer::deadlock, Call::offline);
    terminate.online().feed(Kind::terminate);
    check(terminate, MonitorTimer::terminateDeadlock, Call::none);
}

TEST_CASE("S38 an exception that escapes: Dead") {
    Bench b;
    b.verifying().feed(MonitorEvent::threw(Call::isAlive, b.machine.callGeneration()));
    CHECK(b.state() == State::dead);
    CHECK(b.logs(MonitorReason::exceptionEscaped));
    CHECK(b.did(Act::killHost));
    CHECK(b.did(Act::failed));
}

TEST_CASE("S39 the process was restarted: Unloaded, load and Open again") {
    Bench b;
    b.online().feed(Kind::hostDied);
    CHECK(b.state() == State::dead);
    CHECK_FALSE(b.did(Act::killHost));
    CHECK(b.did(Act::failed));
    b.feed(Kind::hostRestarted);
    CHECK(b.state() == State::unloaded);
    CHECK(b.machine.externalState() == Ext::failed);  // until it is open again
    b.feed(Kind::online);
    CHECK(b.calls(Call::load));
    b.returns(Call::load, 0);
    b.returns(Call::open, 0);
    CHECK(b.calls(Call::online));
}

TEST_CASE("S39 a host that dies under a first Open fails the Online that waits for it") {
    Bench b;
    b.feed(Kind::online);
    REQUIRE(b.calls(Call::load));
    b.feed(Kind::hostDied);
    CHECK(b.state() == State::dead);
    CHECK(b.did(Act::failed));
    b.feed(Kind::hostRestarted);
    b.feed(MonitorEvent::restart(500ms));
    CHECK(b.arms(MonitorTimer::restart, 500ms));
}

TEST_CASE("S39 an Online that waits behind an Offline survives the death of the host between them") {
    Bench b;
    b.online().feed(Kind::terminate);
    REQUIRE(b.state() == State::terminating);
    SECTION("asked for last, it counts") {
        b.feed(Kind::online);
        b.feed(Kind::hostDied);
        CHECK(b.did(Act::failed));
    }
    SECTION("without one nothing follows but the stop") {
        b.feed(Kind::offline);
        b.feed(Kind::hostDied);
        CHECK_FALSE(b.did(Act::failed));
    }
}

TEST_CASE("S40 control requests are serialised with the other calls (W-101)") {
    Bench b;
    SECTION("at once if nothing runs") {
        b.opened().feed(Kind::control);
        CHECK(b.calls(Call::control));
    }
    SECTION("after the call on the stack") {
        b.verifying().feed(Kind::control);
        CHECK_FALSE(b.did(Act::call));
        b.returns(Call::isAlive, 1);
        CHECK(b.calls(Call::control));
    }
    SECTION("while an operation pends: a pending operation is not a call (W-442)") {
        b.onlinePending().feed(Kind::control);
        CHECK(b.calls(Call::control));
    }
    SECTION("polls wait for it") {
        b.online().feed(Kind::control);
        b.fires(MonitorTimer::isAlive);
        CHECK_FALSE(b.did(Act::call));
        b.returns(Call::control, 0);
        CHECK(b.calls(Call::isAlive));
    }
}

// --- what the rows leave open -------------------------------------------------------------------------------------

TEST_CASE("W-221 the lower of PendingTimeout and DeadlockTimeout rules", "[W-1131]") {
    MonitorSettings settings;
    settings.pendingTimeout = 600s;
    settings.deadlockTimeout = 1s;
    Bench b{settings};
    b.onlineCalled().returns(Call::online, abi::code::ioPending);
    CHECK(b.arms(MonitorTimer::pending, 1s));
}

TEST_CASE("W-313 an interval change holds without taking the resource offline") {
    Bench b;
    b.online();
    MonitorSettings settings;
    settings.looksAlivePollInterval = 1s;
    settings.isAlivePollInterval = 2s;
    b.keep(b.machine.configure(settings));
    CHECK(b.arms(MonitorTimer::looksAlive, 1s));
    CHECK(b.arms(MonitorTimer::isAlive, 2s));
    CHECK(b.state() == State::online);
}

TEST_CASE("D4 a tick that comes late because everything was suspended starts over", "[W-312]") {
    Bench b;
    SECTION("PendingTimeout") {
        b.onlinePending().fires(MonitorTimer::pending, true);
        CHECK(b.arms(MonitorTimer::pending, 180s));
        CHECK(b.state() == State::onlinePending);
    }
    SECTION("DeadlockTimeout") {
        b.onlineCalled().fires(MonitorTimer::deadlock, true);
        CHECK(b.arms(MonitorTimer::deadlock, 300s));
    }
    SECTION("polls are not caught up") {
        b.online().fires(MonitorTimer::isAlive, true);
        CHECK(b.arms(MonitorTimer::isAlive, 60s));
        CHECK_FALSE(b.did(Act::call));
    }
    SECTION("a restart that waited is simply due") {
        b.failed().feed(MonitorEvent::restart(500ms));
        b.fires(MonitorTimer::restart, true);
        CHECK(b.calls(Call::online));
    }
}

TEST_CASE("W-240 an Online that succeeds after Terminate was issued is terminated once more") {
    Bench b;
    b.onlineCalled().feed(Kind::terminate);
    CHECK(b.did(Act::terminate));
    b.terminateReturns();
    CHECK(b.state() == State::terminating);  // Online is still on the stack
    b.returns(Call::online, 0);
    CHECK(b.did(Act::terminate));
    b.terminateReturns();
    CHECK(b.state() == State::opened);
}

TEST_CASE("W-240 an Offline that pends after Terminate was issued is terminated once more") {
    Bench b;
    b.online().feed(Kind::offline);
    b.feed(Kind::terminate);
    CHECK(b.did(Act::terminate));
    b.terminateReturns();
    CHECK(b.state() == State::terminating);  // Offline is still on the stack
    SECTION("it pends: a worker goes on") {
        b.returns(Call::offline, abi::code::ioPending);
        CHECK(b.did(Act::terminate));
        CHECK(b.report(Ext::offline, 1) == abi::ExitState::terminate);
        b.terminateReturns();
        CHECK(b.state() == State::opened);
    }
    SECTION("it answers: nothing goes on") {
        b.returns(Call::offline, abi::code::success);
        CHECK_FALSE(b.did(Act::terminate));
        CHECK(b.state() == State::opened);
    }
}

TEST_CASE("W-242 a stop waits for the call on the stack, but not for ever") {
    SECTION("Online returns in time: Offline, gracefully") {
        Bench b;
        b.onlineCalled().feed(Kind::offline);
        CHECK(b.arms(MonitorTimer::patience, 5s));
        b.returns(Call::online, 0);
        CHECK(b.state() == State::offlineCalled);
    }
    SECTION("Online pends: Terminate") {
        Bench b;
        b.onlineCalled().feed(Kind::offline);
        b.returns(Call::online, abi::code::ioPending);
        CHECK(b.state() == State::terminating);
    }
    SECTION("IsAlive hangs: Terminate overlaps it (W-102)") {
        Bench b;
        b.verifying().feed(Kind::offline);
        b.fires(MonitorTimer::patience);
        CHECK(b.did(Act::terminate));
        CHECK(b.logs(MonitorReason::stopImpatient));
        b.terminateReturns();
        CHECK(b.state() == State::terminating);
        b.returns(Call::isAlive, 0);  // W-245: ignored
        CHECK(b.state() == State::opened);
    }
}

TEST_CASE("W-243 Online requested while the resource goes offline waits for the end") {
    Bench b;
    b.offlinePending().feed(Kind::online);
    CHECK(b.last.empty());
    (void)b.report(Ext::offline);
    CHECK(b.finished(RequestKind::offline, RequestOutcome::done));
    CHECK(b.calls(Call::online));
}

TEST_CASE("W-247 Terminate is not issued twice") {
    Bench b;
    b.online().feed(Kind::terminate);
    b.feed(Kind::terminate);
    CHECK_FALSE(b.did(Act::terminate));
}

TEST_CASE("W-248 PendingTimeout and the final report at once: one of them wins") {
    Bench b;
    b.onlinePending();
    const auto late = MonitorEvent::expired(MonitorTimer::pending, b.machine.timerGeneration(MonitorTimer::pending));
    (void)b.report(Ext::online);
    b.feed(late);
    CHECK(b.last.empty());
    CHECK(b.state() == State::online);
}

TEST_CASE("W-249 what an earlier call answers changes nothing") {
    Bench b;
    b.onlineCalled();
    const auto stale = MonitorEvent::returned(Call::online, b.machine.callGeneration(), 0);
    b.feed(Kind::terminate);
    b.terminateReturns();
    b.returns(Call::online, 5);
    b.feed(Kind::online);
    REQUIRE(b.state() == State::onlineCalled);
    b.feed(stale);
    CHECK(b.last.empty());
    CHECK(b.state() == State::onlineCalled);
}
