// SPDX-License-Identifier: BSL-1.0

/// Online, Offline and Terminate against agents that break every rule.

#include "scripted_agent.hpp"

#include <holdfast/exec/manual_clock.hpp>
#include <holdfast/exec/runtime.hpp>
#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/chrono.hpp>
#include <boost/thread/thread.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#endif

using namespace scripted;
using namespace std::chrono_literals;
using holdfast::Error;
using holdfast::ErrorCode;
using holdfast::testing::FakeEngine;
using holdfast::testing::ManualTime;
using Answer = FakeEngine::Answer;

namespace {

std::chrono::milliseconds timed(const std::function<void()>& call) {
    const auto start = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

}  // namespace

TEST_CASE("W-200 Online and Offline answer pending and end in exactly one final report", "[W-126][W-332]") {
    const auto script = std::make_shared<Script>();
    FakeEngine engine{typeOf(script)};
    CHECK_FALSE(engine.isAlive());
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(engine.waitFor("Online"));
    CHECK(engine.isAlive());  // W-332
    CHECK(script->running);
    CHECK(engine.takeOffline());
    CHECK_FALSE(engine.isAlive());
    CHECK(script->objects == 0);  // W-126: gone before Offline was reported
    CHECK(engine.reports().back().state == "Offline");
    CHECK(engine.close());
    CHECK(script->overlaps == 0);
}

TEST_CASE("D2 Online is answered by one piece of work for the pool: a hop to the strand and back") {
    namespace exec = holdfast::exec;
    // Nobody serves the pool but this test, and no timer adds to its work.
    exec::Runtime::Options options;
    options.poolThreads = 0;
    options.clock = std::make_shared<exec::ManualClock>();
    exec::Runtime::setOptions(options);
    {
        const auto lease = exec::Runtime::acquire();  // the pool outlives the engine
        boost::asio::io_context& pool = lease->runtime().pool();
        const auto door = std::make_shared<Door>();
        const auto script = std::make_shared<Script>();
        script->online = [door](Operation&) { door->waitDeaf(); };
        FakeEngine engine{typeOf(script)};
        while (pool.poll() != 0) {
        }
        const auto worksFor = [&](const std::function<void()>& call) {
            std::atomic<bool> answered{false};
            std::thread caller{[&] {
                call();
                answered = true;
            }};
            std::size_t works = 0;
            // Each piece gets the time to be the one that answers: what follows from the answer is not counted.
            while (!answered) {
                works += pool.run_one_for(20ms);
                for (int waited = 0; works != 0 && waited < 1'000 && !answered; ++waited)
                    std::this_thread::sleep_for(1ms);
            }
            caller.join();
            return works;
        };
        Answer answer{};
        CHECK(worksFor([&] { answer = engine.online(); }) == 1);
        CHECK(answer == Answer::pending);
        std::atomic<bool> done{false};
        std::thread serving{[&] {
            while (!done) pool.run_one_for(1ms);
        }};
        door->open();
        CHECK(engine.waitFor("Online"));
        CHECK(engine.close());
        done = true;
        serving.join();
    }
    exec::Runtime::setOptions({});
}

TEST_CASE("W-203 checkpoints strictly increase and D4 coalesces them") {
    const ManualTime time;
    const auto script = std::make_shared<Script>();
    script->online = [](Operation& operation) {
        for (int i = 0; i < 1'000; ++i) operation.checkpoint("step " + std::to_string(i));
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    const auto reports = engine.reports();
    CHECK(reports.size() <= 3);  // the first step and the final one; the clock stands still
    for (std::size_t i = 1; i < reports.size(); ++i) CHECK(reports[i].checkPoint > reports[i - 1].checkPoint);
}

TEST_CASE("W-1108 a heartbeat reports while online() is silent, and its limit ends it", "[W-1109]") {
    ManualTime time;
    const auto script = std::make_shared<Script>();
    script->online = [](Operation& operation) { operation.sleepFor(24h); };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(eventually([&] { return script->onlines == 1; }));
    time.advance(180s);
    REQUIRE(eventually([&] { return engine.reports().size() >= 17; }));
    CHECK(engine.reports().back().state == "OnlinePending");
    time.advance(15min);  // W-1109: OnlineLimit
    CHECK(engine.waitFor("Failed"));
    CHECK(engine.waitForLog("exceeded its limit"));
    CHECK(engine.terminate() == Answer::done);
}

TEST_CASE("D7 online() that never returns ends within the grace when it waits on holdfast") {
    const auto script = std::make_shared<Script>();
    script->online = [](Operation& operation) { operation.sleepFor(24h); };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(eventually([&] { return script->onlines == 1; }));
    CHECK(timed([&] { CHECK(engine.terminate() == Answer::done); }) < 300ms);
    CHECK(script->terminates == 1);
    CHECK(script->objects == 0);
}

TEST_CASE("D7 an interruption reaches Boost waits") {
    const auto script = std::make_shared<Script>();
    script->online = [](Operation&) { boost::this_thread::sleep_for(boost::chrono::hours{24}); };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(eventually([&] { return script->onlines == 1; }));
    CHECK(timed([&] { CHECK(engine.terminate() == Answer::done); }) < 300ms);
    CHECK(script->terminates == 1);
    script->online = [](Operation&) { boost::this_thread::interruption_point(); };
    CHECK(engine.bringOnline());  // nothing leaks into the worker's next job
}

TEST_CASE("D7 a stop callback ends what an interruption cannot reach") {
    const auto script = std::make_shared<Script>();
    Door door;
    script->online = [&](Operation& operation) {
        const auto callback = operation.onStop([&] { door.open(); });
        door.waitDeaf();
        operation.throwIfStopped();
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(door.waitForVisitor());
    CHECK(timed([&] { CHECK(engine.terminate() == Answer::done); }) < 300ms);
    CHECK(script->terminates == 1);
}

TEST_CASE("D7 catch (...) does not lose the stop") {
    const auto script = std::make_shared<Script>();
    script->online = [](Operation& operation) {
        for (;;) {
            try {
                operation.sleepFor(1h);
            } catch (...) {
                operation.checkpoint("swallowed");  // throws again
            }
        }
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(eventually([&] { return script->onlines == 1; }));
    CHECK(timed([&] { CHECK(engine.terminate() == Answer::done); }) < 300ms);
}

TEST_CASE("W-235 Terminate overlaps only a wedged online(), and what ends later is undone once more",
          "[W-234][W-1105]") {
    const bool success = GENERATE(true, false);
    const auto script = std::make_shared<Script>();
    Door door;
    script->online = [&](Operation&) {
        door.waitDeaf();
        if (!success) throw std::runtime_error{"too late"};
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(door.waitForVisitor());
    CHECK(timed([&] { CHECK(engine.terminate() == Answer::done); }) < 300ms);
    CHECK(script->terminates == 1);
    CHECK(script->objects == 1);  // it cannot die under the call
    script->online = [](Operation&) {};
    engine.forgetReports();
    REQUIRE(engine.online() == Answer::pending);  // D3
    REQUIRE(engine.waitForLog("waiting for the previous operation"));
    CHECK(script->onlines == 1);
    door.open();
    REQUIRE(engine.waitFor("Online"));
    const auto history = script->history();
    CHECK(script->terminates == 2);
    CHECK(script->onlines == 2);
    CHECK(script->running);
    CHECK(engine.takeOffline());
}

TEST_CASE("D3 behind a wedged predecessor a new Online fails after PredecessorTimeout") {
    ManualTime time;
    const auto script = std::make_shared<Script>();
    Door door;
    script->online = [&](Operation&) { door.waitDeaf(); };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(door.waitForVisitor());
    std::thread terminator{[&] { engine.terminate(); }};
    REQUIRE(eventually([&] {
        time.advance(20ms);
        return script->terminates == 1;
    }));
    terminator.join();
    engine.forgetReports();
    REQUIRE(engine.online() == Answer::pending);
    time.advance(31s);
    CHECK(engine.waitFor("Failed"));
    CHECK(script->onlines == 1);
    door.open();
    REQUIRE(engine.terminate() == Answer::done);
    // Terminate may have overlapped the call's last steps; the end of those is undone by itself.
    CHECK(eventually([&] { return script->objects == 0; }));
    CHECK_FALSE(script->running);
}

TEST_CASE("What online() throws reaches the engine's log, and the resource is Failed", "[W-105]") {
    const auto script = std::make_shared<Script>();
    SECTION("an Error") {
        script->online = [](Operation&) { throw Error{ErrorCode::busy, "the port is taken"}; };
    }
    SECTION("a std::exception") {
        script->online = [](Operation&) { throw std::runtime_error{"the port is taken"}; };
    }
    SECTION("something else") {
        script->online = [](Operation& operation) {
            operation.checkpoint("the port is taken");
            throw 42;
        };
    }
    SECTION("the constructor") {
        script->construct = [](Context&) { throw std::runtime_error{"the port is taken"}; };
    }
#if !defined(_WIN32)
    SECTION("its thread's end") {
        script->online = [](Operation& operation) {
            operation.checkpoint("the port is taken");
            ::pthread_exit(nullptr);
        };
    }
#endif
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    CHECK(engine.waitFor("Failed"));
    CHECK(engine.waitForLog("the port is taken"));
    CHECK(engine.terminate() == Answer::done);
    CHECK(engine.terminate() == Answer::done);  // W-131: twice
    CHECK(script->objects == 0);
    script->construct = [](Context&) {};
    script->online = [](Operation&) {};
    CHECK(engine.bringOnline());
}

TEST_CASE("D1 a terminate() that hangs is waited for up to TerminateTimeout") {
    ManualTime time;
    const auto script = std::make_shared<Script>();
    Door door;
    script->terminate = [&] { door.waitDeaf(); };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    std::atomic<bool> returned{false};
    Answer answer{};
    std::thread terminator{[&] {
        answer = engine.terminate();
        returned = true;
    }};
    REQUIRE(door.waitForVisitor());
    time.advance(301ms);
    CHECK(engine.waitForLog("terminate() exceeds its 300 ms"));
    CHECK_FALSE(returned);
    CHECK_FALSE(engine.isAlive());
    time.advance(30s);
    terminator.join();
    CHECK(answer == Answer::failed);
    CHECK(engine.waitForLog("the entity may still run"));
    CHECK(engine.online() == Answer::pending);  // and waits behind it
    CHECK(script->onlines == 1);
    door.open();
    script->terminate = [] {};
    CHECK(engine.waitFor("Online"));
}

TEST_CASE("W-130 a slow terminate() delays Terminate, never another resource") {
    const auto slow = std::make_shared<Script>();
    const auto other = std::make_shared<Script>();
    Door door;
    slow->terminate = [&] { door.waitDeaf(); };
    FakeEngine slowEngine{typeOf(slow)};
    FakeEngine otherEngine{typeOf(other)};
    REQUIRE(slowEngine.bringOnline());
    std::thread terminator{[&] { slowEngine.terminate(); }};
    REQUIRE(door.waitForVisitor());
    CHECK(otherEngine.bringOnline());
    CHECK(otherEngine.takeOffline());
    CHECK(timed([&] { CHECK(otherEngine.terminate() == Answer::done); }) < 300ms);
    door.open();
    terminator.join();
}

TEST_CASE("D13 Offline stops a running check first; a wedged one is terminated over, with a warning") {
    const auto script = std::make_shared<Script>();
    script->policy.checkInterval = 10ms;
    Door door;
    script->isAlive = [&](Check&) {
        door.waitDeaf();
        return Verdict::alive();
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    REQUIRE(door.waitForVisitor());
    CHECK(engine.takeOffline());
    CHECK(script->offlines == 0);
    CHECK(script->terminates == 1);
    CHECK(engine.waitForLog("offline reached by terminate()"));
    door.open();
    CHECK(eventually([&] { return script->terminates == 2 && script->objects == 0; }));
}

TEST_CASE("Offline that fails is reported Failed and Terminate ends it", "[W-127]") {
    const auto script = std::make_shared<Script>();
    script->offline = [](Operation&) { throw Error{"the disk is gone"}; };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    CHECK_FALSE(engine.takeOffline());
    CHECK(engine.waitForLog("offline failed: the disk is gone"));
    CHECK(engine.terminate() == Answer::done);
    CHECK_FALSE(script->running);
    CHECK(engine.offline() == Answer::done);  // W-127
}

TEST_CASE("W-206 an engine that answers terminate stops the operation and hears no more of it", "[W-1107][W-1115]") {
    const auto script = std::make_shared<Script>();
    script->online = [](Operation& operation) {
        operation.checkpoint("one");
        operation.sleepFor(1h);
    };
    FakeEngine engine{typeOf(script)};
    engine.answerTerminate(true);
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(engine.waitForLog("the engine stopped online"));
    REQUIRE(eventually([&] { return script->inside == 0; }));
    const std::size_t before = engine.reports().size();
    std::this_thread::sleep_for(200ms);
    CHECK(engine.reports().size() == before);
    CHECK(engine.terminate() == Answer::done);
}

TEST_CASE("Engine callbacks that block delay their own resource's reports only", "[W-801]") {
    const auto script = std::make_shared<Script>();
    const auto other = std::make_shared<Script>();
    FakeEngine engine{typeOf(script)};
    FakeEngine otherEngine{typeOf(other)};
    engine.block(true);
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(eventually([&] { return script->running.load(); }));
    CHECK(timed([&] { CHECK(engine.terminate() == Answer::done); }) < 300ms);
    CHECK(otherEngine.bringOnline());
    CHECK(timed([&] { CHECK(otherEngine.terminate() == Answer::done); }) < 300ms);
    engine.block(false);
    CHECK(eventually([&] { return script->terminates == 1; }));
}

TEST_CASE("User code may call the API from inside its own members") {
    const auto script = std::make_shared<Script>();
    FakeEngine engine{typeOf(script)};
    script->online = [&](Operation&) {
        CHECK_FALSE(engine.isAlive());
        CHECK(engine.online() == Answer::refused);  // W-243
        CHECK(timed([&] { static_cast<void>(engine.terminate()); }) < 600ms);
    };
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(eventually([&] { return script->terminates == 2; }));  // over it, and once more after it ended
    CHECK_FALSE(script->running);
    CHECK(eventually([&] { return script->objects == 0; }));
}

TEST_CASE("W-124 what already runs is adopted, or ended before online()") {
    const auto script = std::make_shared<Script>();
    script->probe = [](Check&) { return Presence::running; };
    FakeEngine engine{typeOf(script)};
    SECTION("adopted") {
        script->adopt = [](Operation&) { return true; };
        REQUIRE(engine.bringOnline());
        CHECK(script->onlines == 0);
        CHECK(script->terminates == 0);
    }
    SECTION("ended first") {
        REQUIRE(engine.bringOnline());
        CHECK(script->onlines == 1);
        CHECK(script->terminates == 1);
    }
}

TEST_CASE("D2 a sync grace lets a quick Online answer 0") {
    const auto script = std::make_shared<Script>();
    FakeEngine engine{typeOf(script), {}, "test", 200ms};
    SECTION("quick") {
        CHECK(engine.online() == Answer::done);
        CHECK(engine.reports().empty());  // W-201: no report outside a pending operation
        CHECK(engine.isAlive());
    }
    SECTION("quick failure") {
        script->online = [](Operation&) { throw Error{"no"}; };
        CHECK(engine.online() == Answer::failed);
        CHECK(engine.reports().empty());
    }
    SECTION("slow") {
        Door door;
        script->online = [&](Operation&) { door.waitDeaf(); };
        CHECK(engine.online() == Answer::pending);
        door.open();
        CHECK(engine.waitFor("Online"));
    }
}

TEST_CASE("D8 Close answers in time although a call is wedged, and what it left is undone later", "[W-1117]") {
    const auto script = std::make_shared<Script>();
    Door door;
    script->online = [&](Operation&) { door.waitDeaf(); };
    {
        FakeEngine engine{typeOf(script)};
        REQUIRE(engine.online() == Answer::pending);
        REQUIRE(door.waitForVisitor());
        CHECK(timed([&] { CHECK_FALSE(engine.close()); }) < 400ms);
        CHECK(engine.online() == Answer::refused);
    }
    const auto next = std::make_shared<Script>();
    FakeEngine again{typeOf(next)};
    CHECK(again.bringOnline());
    door.open();
    CHECK(eventually([&] { return script->objects == 0; }));
    CHECK_FALSE(script->running);
}

TEST_CASE("W-116 Close while online terminates and leaves nothing", "[W-1117]") {
    const auto script = std::make_shared<Script>();
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    CHECK(engine.close());
    CHECK(script->terminates == 1);
    CHECK(script->objects == 0);
    CHECK_FALSE(script->running);
}
