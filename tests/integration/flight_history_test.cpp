// SPDX-License-Identifier: BSL-1.0
// What is recorded of a resource in any engine's process, and the line that is written when work is late.

#include "scripted_agent.hpp"

#include <holdfast/exec/flight_reader.hpp>
#include <holdfast/exec/flight_recorder.hpp>
#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

using namespace scripted;
using namespace std::chrono_literals;
using holdfast::exec::FlightEvent;
using holdfast::exec::FlightKind;
using holdfast::exec::FlightPhase;
using holdfast::exec::FlightReader;
using holdfast::exec::FlightSubject;
using holdfast::testing::FakeEngine;
using holdfast::testing::ManualTime;
using Answer = FakeEngine::Answer;

namespace {

/** What the recorder has of the resource `name`, oldest first. */
std::vector<FlightEvent> recorded(const std::string& name) {
    std::string problem;
    const auto reader = FlightReader::open(holdfast::exec::flightRecorder().block(), problem);
    INFO(problem);
    REQUIRE(reader);
    std::vector<FlightEvent> events = reader->events();
    std::erase_if(events, [&](const FlightEvent& event) { return reader->resourceName(event.resource) != name; });
    return events;
}

bool has(const std::vector<FlightEvent>& events, FlightKind kind, FlightSubject subject, FlightPhase phase) {
    return std::any_of(events.begin(), events.end(), [&](const FlightEvent& event) {
        return event.kind == kind && event.subject == subject && event.phase == phase;
    });
}

std::string historyOf(const FakeEngine& engine) {
    for (const auto& line : engine.log()) {
        if (line.text.starts_with("flight recorder: ")) return line.text;
    }
    return {};
}

std::size_t historiesOf(const FakeEngine& engine) {
    const auto lines = engine.log();
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [](const auto& line) { return line.text.starts_with("flight recorder: "); }));
}

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a whole life is recorded: calls, jobs, checkpoints, phases, reports and their answers") {
    const auto script = std::make_shared<Script>();
    script->online = [](Operation& operation) { operation.checkpoint("halfway"); };
    script->policy.checkInterval = 10ms;
    FakeEngine engine{typeOf(script), {}, "whole life"};
    REQUIRE(engine.bringOnline());
    REQUIRE(eventually([&] { return script->checks > 0; }));
    CHECK(engine.isAlive());
    REQUIRE(engine.takeOffline());
    REQUIRE(engine.close());
    const auto events = recorded("whole life");
    using enum FlightSubject;
    CHECK(has(events, FlightKind::opened, none, FlightPhase::instant));
    for (const FlightSubject call : {online, offline, close}) {
        CHECK(has(events, FlightKind::call, call, FlightPhase::begin));
        CHECK(has(events, FlightKind::call, call, FlightPhase::end));
    }
    for (const FlightSubject job : {onlineJob, offlineJob, isAliveJob}) {
        CHECK(has(events, FlightKind::job, job, FlightPhase::begin));
        CHECK(has(events, FlightKind::job, job, FlightPhase::end));
    }
    for (const FlightSubject state : {onlinePendingState, onlineState, offlinePendingState, offlineState})
        CHECK(has(events, FlightKind::transition, state, FlightPhase::instant));
    for (const FlightSubject state : {onlineState, offlineState}) {
        CHECK(has(events, FlightKind::report, state, FlightPhase::begin));
        CHECK(has(events, FlightKind::report, state, FlightPhase::end));
    }
    CHECK(has(events, FlightKind::polls, isAlive, FlightPhase::instant));
    const auto checkpoint = std::find_if(events.begin(), events.end(),
                                         [](const auto& event) { return event.kind == FlightKind::checkpoint; });
    REQUIRE(checkpoint != events.end());
    CHECK(checkpoint->text == "halfway");
    CHECK(historiesOf(engine) == 0);  // nothing was late
}

TEST_CASE("a failed verdict is recorded with its reason") {
    const auto script = std::make_shared<Script>();
    script->policy.checkInterval = 10ms;
    script->isAlive = [](Check&) { return Verdict::failed("the port is closed"); };
    FakeEngine engine{typeOf(script), {}, "verdict"};
    engine.online();
    REQUIRE(engine.waitForFailure());
    const auto events = recorded("verdict");
    const auto verdict =
        std::find_if(events.begin(), events.end(), [](const auto& event) { return event.kind == FlightKind::verdict; });
    REQUIRE(verdict != events.end());
    CHECK(verdict->code == 2);
    CHECK(verdict->text == "the port is closed");
}

TEST_CASE("IsAlive that answers the same again and again is counted, and a new answer recorded at once") {
    const auto script = std::make_shared<Script>();
    FakeEngine engine{typeOf(script), {}, "polls"};
    for (int i = 0; i < 100; ++i) CHECK_FALSE(engine.isAlive());
    REQUIRE(engine.bringOnline());
    REQUIRE(eventually([&] { return engine.isAlive(); }));
    auto events = recorded("polls");
    std::erase_if(events, [](const auto& event) { return event.kind != FlightKind::polls; });
    REQUIRE(events.size() >= 2);
    CHECK(events.size() <= 4);  // ten seconds of silence, however slow this machine is
    CHECK(events.front().code == 0);
    CHECK(events.back().code == 1);
    CHECK(events.back().value >= 100);
}

TEST_CASE("an operation over its limit leaves its last step, its age and its history in the engine's log") {
    ManualTime time;
    const auto script = std::make_shared<Script>();
    script->online = [](Operation& operation) {
        operation.checkpoint("waiting for the lock of the table");
        operation.sleepFor(24h);
    };
    FakeEngine engine{typeOf(script), {}, "limit"};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(eventually([&] { return script->onlines == 1; }));
    time.advance(18min);
    REQUIRE(engine.waitFor("Failed"));
    REQUIRE(engine.waitForLog("flight recorder: "));
    const std::string line = historyOf(engine);
    INFO(line);
    CHECK(contains(line, "last step "));
    CHECK(contains(line, " s ago: waiting for the lock of the table"));
    CHECK(contains(line, "wedged: online exceeded its limit"));
    CHECK(contains(line, "checkpoint: waiting for the lock"));
    CHECK(line.size() <= 500);  // W-905
    CHECK(has(recorded("limit"), FlightKind::alarm, FlightSubject::none, FlightPhase::instant));
    CHECK(engine.terminate() == Answer::done);
}

TEST_CASE("a wedged Online and a hung check each leave their history") {
    const auto script = std::make_shared<Script>();
    Door door;
    SECTION("Online that ignores its stop") {
        script->online = [&](Operation& operation) {
            operation.checkpoint("reading the disk");
            door.waitDeaf();
        };
        FakeEngine engine{typeOf(script), {}, "wedged online"};
        REQUIRE(engine.online() == Answer::pending);
        REQUIRE(door.waitForVisitor());
        CHECK(engine.terminate() == Answer::done);
        REQUIRE(engine.waitForLog("flight recorder: "));
        INFO(historyOf(engine));
        CHECK(contains(historyOf(engine), "reading the disk"));
        CHECK(contains(historyOf(engine), "online() began"));
        door.open();
        REQUIRE(eventually([&] { return script->objects == 0; }));
    }
    SECTION("a check that hangs") {
        script->policy.checkInterval = 10ms;
        script->policy.checkTimeout = 100ms;
        script->isAlive = [&](Check&) {
            door.waitDeaf();
            return Verdict::alive();
        };
        FakeEngine engine{typeOf(script), {}, "hung check"};
        engine.online();
        REQUIRE(door.waitForVisitor());
        REQUIRE(engine.waitForFailure());
        REQUIRE(engine.waitForLog("flight recorder: "));
        INFO(historyOf(engine));
        CHECK(contains(historyOf(engine), "isAlive() began"));
        CHECK(contains(historyOf(engine), "wedged: isAlive did not end within CheckTimeout"));
        door.open();
        REQUIRE(eventually([&] { return script->inside == 0; }));
    }
}

TEST_CASE("the history of one resource is written at most once a minute") {
    const auto script = std::make_shared<Script>();
    Door door;
    script->online = [&](Operation&) { door.waitDeaf(); };
    FakeEngine engine{typeOf(script), {}, "often late"};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(door.waitForVisitor());
    CHECK(engine.terminate() == Answer::done);
    REQUIRE(engine.waitForLog("flight recorder: "));
    script->terminate = [] { std::this_thread::sleep_for(400ms); };  // late again: over the budget
    CHECK(engine.terminate() == Answer::done);
    REQUIRE(engine.waitForLog("Terminate took "));
    CHECK(historiesOf(engine) == 1);
    door.open();
    REQUIRE(eventually([&] { return script->objects == 0; }));
}
