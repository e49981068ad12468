// SPDX-License-Identifier: BSL-1.0

/// Checks that hang, fail, lie and recover; what IsAlive says meanwhile.

#include "scripted_agent.hpp"

#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace scripted;
using namespace std::chrono_literals;
using holdfast::testing::FakeEngine;
using holdfast::testing::ManualTime;
using Answer = FakeEngine::Answer;

namespace {

std::shared_ptr<Script> quick() {
    auto script = std::make_shared<Script>();
    script->policy.checkInterval = 1s;
    script->policy.checkTimeout = 5s;
    return script;
}

/** Moves the clock until a check has started or ended, in steps that real threads can follow. */
void advanceUntil(ManualTime& time, const std::function<bool()>& reached) {
    for (int i = 0; i < 5'000 && !reached(); ++i) {
        time.advance(100ms);
        std::this_thread::sleep_for(1ms);
    }
    CHECK(reached());
}

}  // namespace

TEST_CASE("W-302 a failed check fails the resource, signals once and stays failed", "[W-136][W-332]") {
    ManualTime time;
    const auto script = quick();
    std::atomic<bool> broken{false};
    script->isAlive = [&](Check&) { return broken ? Verdict::failed("no answer on port 5432") : Verdict::alive(); };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    advanceUntil(time, [&] { return script->checks >= 3; });
    CHECK(engine.isAlive());
    CHECK_FALSE(engine.failureSignalled());
    broken = true;
    advanceUntil(time, [&] { return !engine.isAlive(); });
    CHECK(engine.waitForFailure());
    CHECK(engine.waitForLog("isAlive failed: no answer on port 5432"));
    broken = false;
    const int checks = script->checks;
    time.advance(1min);
    CHECK_FALSE(engine.isAlive());  // W-136
    CHECK(script->checks == checks);
    CHECK(engine.terminate() == Answer::done);
    REQUIRE(engine.bringOnline());
    CHECK(engine.isAlive());                 // W-332
    CHECK_FALSE(engine.failureSignalled());  // W-246
}

TEST_CASE("W-331 a check that hangs is a failure after its limit and never before", "[W-1126]") {
    ManualTime time;
    const auto script = quick();
    const auto healthy = quick();
    Door door;
    script->isAlive = [&](Check&) {
        door.waitDeaf();
        return Verdict::alive();
    };
    FakeEngine engine{typeOf(script)};
    FakeEngine other{typeOf(healthy)};
    REQUIRE(engine.bringOnline());
    REQUIRE(other.bringOnline());
    time.advance(1s);
    REQUIRE(door.waitForVisitor());
    time.advance(4'900ms);
    CHECK(engine.isAlive());
    time.advance(200ms);
    CHECK(eventually([&] { return !engine.isAlive(); }));
    CHECK(engine.waitForFailure());
    CHECK(engine.waitForLog("did not end within CheckTimeout"));
    const int before = healthy->checks;
    advanceUntil(time, [&] { return healthy->checks >= before + 5; });
    CHECK(other.isAlive());
    door.open();
    CHECK(engine.terminate() == Answer::done);
}

TEST_CASE("A timeout is not yet a death: TimeoutTolerance inside FailureWindow", "[W-136][W-1125]") {
    ManualTime time;
    const auto script = quick();
    script->policy.timeoutTolerance = 1;
    std::atomic<int> slow{1};
    script->isAlive = [&](Check& check) {
        if (slow > 0) {
            --slow;
            check.sleepFor(1h);
        }
        return Verdict::alive();
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    advanceUntil(time, [&] { return script->checks >= 4; });
    CHECK(engine.isAlive());
    CHECK(engine.waitForLog("tolerated by TimeoutTolerance"));
    SECTION("a second one in the window fails it") {
        // Not one alone: where threads run late the clock is past the window then, and the next two fail it.
        slow = 1'000'000;
        advanceUntil(time, [&] { return !engine.isAlive(); });
    }
    SECTION("a second one after the window does not") {
        time.advance(61s);
        const int before = script->checks;
        slow = 1;
        advanceUntil(time, [&] { return script->checks >= before + 4; });
        CHECK(engine.isAlive());
    }
    CHECK(script->overlaps == 0);
}

TEST_CASE("A failed check is repaired first, and FailureTolerance debounces the rest", "[W-136][W-1125]") {
    ManualTime time;
    const auto script = quick();
    std::atomic<bool> broken{true};
    std::atomic<int> repairs{0};
    script->isAlive = [&](Check&) { return broken ? Verdict::failed("stuck") : Verdict::alive(); };
    FakeEngine engine{[&] {
        script->repair = [&](Check&) {
            ++repairs;
            broken = false;
            return true;
        };
        return typeOf(script);
    }()};
    REQUIRE(engine.bringOnline());
    advanceUntil(time, [&] { return script->checks >= 3; });
    CHECK(repairs == 1);
    CHECK(engine.isAlive());
    CHECK(engine.waitForLog("repaired"));
    // The next episode has its own repair; if that does not help, it is a failure.
    script->repair = [&](Check&) -> bool {
        ++repairs;
        throw std::runtime_error{"no spare"};
    };
    broken = true;
    advanceUntil(time, [&] { return !engine.isAlive(); });
    CHECK(repairs == 2);
    CHECK(engine.waitForLog("isAlive failed: stuck; repair() threw: no spare"));
}

TEST_CASE("FailureTolerance counts failures in a row", "[W-136][W-1125]") {
    ManualTime time;
    const auto script = quick();
    script->policy.failureTolerance = 2;
    std::atomic<int> failures{2};
    script->isAlive = [&](Check&) { return failures-- > 0 ? Verdict::failed("a blip") : Verdict::alive(); };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    advanceUntil(time, [&] { return script->checks >= 4; });
    CHECK(engine.isAlive());
    failures = 3;
    advanceUntil(time, [&] { return !engine.isAlive(); });
}

TEST_CASE("A check that throws or ends its thread has failed, with what it said") {
    ManualTime time;
    const auto script = quick();
    script->isAlive = [](Check&) -> Verdict { throw std::runtime_error{"connection reset"}; };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    advanceUntil(time, [&] { return !engine.isAlive(); });
    CHECK(engine.waitForLog("isAlive failed: connection reset"));
}

TEST_CASE("W-301 L-083 looksAlive alone never fails a resource: isAlive has the last word") {
    ManualTime time;
    const auto script = quick();
    script->policy.thoroughEvery = 100;
    std::atomic<int> looks{0};
    script->looksAlive = [&](Check&) {
        ++looks;
        return Verdict::failed("looks bad");
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    advanceUntil(time, [&] { return looks >= 3; });
    CHECK(engine.isAlive());
    CHECK(script->checks >= 2);  // each bad look was followed by a thorough check
}

TEST_CASE("reportFailure is an instant failure of its own run only") {
    const auto script = std::make_shared<Script>();
    FakeEngine engine{typeOf(script)};
    SECTION("while online") {
        REQUIRE(engine.bringOnline());
        script->context.load()->reportFailure("process 4711 exited");
        CHECK(engine.waitForFailure());
        CHECK_FALSE(engine.isAlive());  // W-1123: the verdict came first
        CHECK(engine.waitForLog("process 4711 exited"));
    }
    SECTION("while online() still runs it fails the Online") {
        script->online = [&](Operation&) { script->context.load()->reportFailure("process 4711 exited"); };
        CHECK_FALSE(engine.bringOnline());
        CHECK(engine.waitForLog("failed while starting: process 4711 exited"));
        CHECK_FALSE(engine.failureSignalled());
    }
}

TEST_CASE("D4 a suspended process blames nobody") {
    ManualTime time;
    const auto script = quick();
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    SECTION("between checks") {
        time.suspend(10min);
        CHECK(engine.isAlive());
        advanceUntil(time, [&] { return script->checks >= 2; });
        CHECK(engine.isAlive());
    }
    SECTION("during a check") {
        Door door;
        script->isAlive = [&](Check&) {
            door.waitDeaf();
            return Verdict::alive();
        };
        time.advance(1s);
        REQUIRE(door.waitForVisitor());
        time.suspend(10min);
        std::this_thread::sleep_for(50ms);
        CHECK(engine.isAlive());  // its deadline starts again
        door.open();
        advanceUntil(time, [&] { return script->checks >= 3; });
        CHECK(engine.isAlive());
    }
    SECTION("but a check that hangs on after it does") {
        Door door;
        script->isAlive = [&](Check&) {
            door.waitDeaf();
            return Verdict::alive();
        };
        time.advance(1s);
        REQUIRE(door.waitForVisitor());
        time.suspend(10min);
        time.advance(10s);
        CHECK(eventually([&] { return !engine.isAlive(); }));
        door.open();
    }
}

TEST_CASE("W-330 IsAlive answers at once while checks hang and Online calls block", "[W-135][W-333][W-1101]") {
    const auto hung = quick();
    hung->policy.checkInterval = 10ms;
    Door door;
    hung->isAlive = [&](Check&) {
        door.waitDeaf();
        return Verdict::alive();
    };
    FakeEngine engine{typeOf(hung)};
    REQUIRE(engine.bringOnline());
    REQUIRE(door.waitForVisitor());
    auto worst = std::chrono::steady_clock::duration::zero();
    for (int i = 0; i < 10'000; ++i) {
        const auto start = std::chrono::steady_clock::now();
        static_cast<void>(engine.isAlive());
        worst = std::max(worst, std::chrono::steady_clock::now() - start);
    }
    CHECK(worst < 50ms);  // W-135
    door.open();
}
