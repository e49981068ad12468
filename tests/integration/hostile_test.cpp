// SPDX-License-Identifier: BSL-1.0

/// Agents and engines that do what nobody expects of them: a review's proofs, kept.

#include "bounded.hpp"
#include "scripted_agent.hpp"
#include "support/own_process.hpp"

#include <holdfast/adapters/property_controls.hpp>
#include <holdfast/adapters/wsfc.hpp>
#include <holdfast/exec/lane.hpp>
#include <holdfast/resource_type.hpp>
#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#if !defined(_WIN32)
#include <pthread.h>
#endif

using namespace scripted;
using namespace std::chrono_literals;
using bounded::entryPoint;
using bounded::lastClose;
using bounded::Release;
using bounded::timed;
using holdfast::Error;
using holdfast::StopCallback;
using holdfast::StopReason;
using holdfast::testing::FakeEngine;
using holdfast::testing::ManualTime;
using holdfast::tests::ownThreads;
using Answer = FakeEngine::Answer;

CATCH_REGISTER_LISTENER(bounded::Watchdog)

namespace {

std::shared_ptr<Script> quietScript() {
    auto script = std::make_shared<Script>();
    script->policy.checkInterval = 1h;
    return script;
}

/** Another resource's Online and Terminate keep to the contract, whatever happens beside them. */
void checkUndisturbed(FakeEngine& other) {
    CHECK(timed([&] { CHECK(other.online() == Answer::pending); }) < entryPoint);
    CHECK(other.waitFor("Online"));
    CHECK(timed([&] { CHECK(other.terminate() == Answer::done); }) < entryPoint);
    other.forgetReports();
}

bool isUtf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80U   ? 1
                                   : lead < 0xC2U ? 0
                                   : lead < 0xE0U ? 2
                                   : lead < 0xF0U ? 3
                                   : lead < 0xF5U ? 4
                                                  : 0;
        if (length == 0 || i + length > text.size()) return false;
        for (std::size_t k = 1; k < length; ++k) {
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return false;
        }
        i += length;
    }
    return true;
}

std::string repeated(std::string_view sign, std::size_t bytes) {
    std::string text;
    text.reserve(bytes + sign.size());
    while (text.size() < bytes) text += sign;
    return text;
}

/** Where an author's words enter holdfast. */
enum class Entrance { checkpoint, error, verdict, reportedFailure, logLine };

/** A script that says `words` there, and whose resource waits to be terminated or has failed by then. */
std::shared_ptr<Script> speaker(Entrance entrance, std::shared_ptr<const std::string> words,
                                std::shared_ptr<std::atomic<int>> said) {
    auto script = quietScript();
    switch (entrance) {
        case Entrance::checkpoint:
            script->online = [=](Operation& operation) {
                operation.checkpoint(*words);
                ++*said;
                operation.sleepFor(1h);
            };
            break;
        case Entrance::error:
            script->online = [=](Operation&) {
                ++*said;
                throw Error{*words};
            };
            break;
        case Entrance::verdict:
            script->policy.checkInterval = 10ms;
            script->isAlive = [=](Check&) {
                ++*said;
                return Verdict::failed(*words);
            };
            break;
        case Entrance::reportedFailure:
            script->online = [=, script = script.get()](Operation&) {
                script->context.load()->reportFailure(*words);
                ++*said;
            };
            break;
        case Entrance::logLine:
            script->online = [=, script = script.get()](Operation& operation) {
                script->context.load()->log(holdfast::LogLevel::warning, *words);
                ++*said;
                operation.sleepFor(1h);
            };
            break;
    }
    return script;
}

class Speechless final : public std::exception {
public:
    [[nodiscard]] const char* what() const noexcept override { return nullptr; }
};

}  // namespace

// ---- what ends or keeps a thread ---------------------------------------------------------------------------------------

// What these two do is about threads as POSIX has them. On Windows ending a thread leaves its locks held, and thread_local
// destructors run under the loader lock: nothing in the process could make that good (docs/entry-points.md).
#if !defined(_WIN32)
TEST_CASE("Agents that end their own thread, a hundred times, leave the host and the other resources alone") {
    const auto script = quietScript();
    const auto other = quietScript();
    FakeEngine engine{typeOf(script)};
    FakeEngine otherEngine{typeOf(other)};
    SECTION("in online()") {
        script->online = [](Operation&) { ::pthread_exit(nullptr); };
        for (int i = 0; i < 100; ++i) {
            engine.forgetReports();
            REQUIRE(engine.online() == Answer::pending);
            REQUIRE(engine.waitFor("Failed"));
            REQUIRE(engine.terminate() == Answer::done);
        }
    }
    SECTION("in isAlive()") {
        script->policy.checkInterval = 1ms;
        script->isAlive = [](Check&) -> Verdict { ::pthread_exit(nullptr); };
        for (int i = 0; i < 100; ++i) {
            REQUIRE(engine.bringOnline());
            REQUIRE(engine.waitForFailure());
            REQUIRE_FALSE(engine.isAlive());
            REQUIRE(engine.terminate() == Answer::done);
        }
    }
    SECTION("in a stop callback") {
        std::atomic<int> callbacks{0};
        script->online = [&](Operation& operation) {
            const int before = callbacks;
            const StopCallback callback = operation.onStop([&] {
                ++callbacks;
                ::pthread_exit(nullptr);
            });
            static_cast<void>(eventually([&] { return callbacks != before; }));  // only the callback ends it
            operation.throwIfStopped();
        };
        for (int i = 0; i < 100; ++i) {
            REQUIRE(engine.online() == Answer::pending);
            REQUIRE(eventually([&] { return script->onlines == i + 1 && script->inside == 1; }));
            REQUIRE(engine.terminate() == Answer::done);
        }
        CHECK(callbacks == 100);
    }
    CHECK(script->objects == 0);
    checkUndisturbed(otherEngine);
}

namespace {

struct Hangs {
    std::shared_ptr<Door> door;
    ~Hangs() {
        if (door) door->waitDeaf();
    }
};
thread_local Hangs hangs;

}  // namespace

TEST_CASE("D8 a thread_local destructor that hangs holds up neither other resources nor the last Close") {
    const auto door = std::make_shared<Door>();
    const auto script = quietScript();
    const auto other = quietScript();
    script->online = [=](Operation&) { hangs.door = door; };
    FakeEngine engine{typeOf(script)};
    FakeEngine otherEngine{typeOf(other)};
    REQUIRE(engine.bringOnline());
    REQUIRE(engine.takeOffline());
    SECTION("once its idle worker has retired") {
        REQUIRE(door->waitForVisitor());
        const Release release{door};
        CHECK(otherEngine.bringOnline());
        CHECK(otherEngine.takeOffline());
        CHECK(timed([&] { CHECK(otherEngine.close()); }) < entryPoint);
        CHECK(timed([&] { engine.close(); }) < lastClose);
    }
    SECTION("with the last Close") {
        const Release release{door};
        CHECK(timed([&] { CHECK(otherEngine.close()); }) < entryPoint);
        CHECK(timed([&] { engine.close(); }) < lastClose);
    }
    const auto next = quietScript();
    FakeEngine again{typeOf(next)};
    CHECK(again.bringOnline());
}

TEST_CASE("D8 W-1110 threads that the last Close could not wait for are put away by an Open after they ended") {
    const auto life = [](const std::shared_ptr<Script>& script) {
        FakeEngine engine{typeOf(script)};
        REQUIRE(engine.bringOnline());
        REQUIRE(engine.takeOffline());
        REQUIRE(timed([&] { engine.close(); }) < lastClose);
    };
    const auto quiet = quietScript();
    life(quiet);
    const std::size_t before = ownThreads();
    const auto door = std::make_shared<Door>();
    {
        const auto hanging = quietScript();
        hanging->online = [=](Operation&) { hangs.door = door; };
        const Release release{door};
        for (int i = 0; i < 3; ++i) life(hanging);  // each leaves a runtime, because its worker does not end
        CHECK(ownThreads() >= before + 6);          // so that the count is known to see them
    }
    // One by each Open, as the threads end.
    CHECK(eventually([&] {
        life(quiet);
        return ownThreads() <= before;
    }));
}
#endif

TEST_CASE("D6 workers that stand by are still there when they have been idle for long") {
    namespace exec = holdfast::exec;
    struct Work final : exec::LaneJob {
        explicit Work(std::shared_ptr<Door> where) : door{std::move(where)} {}
        void run(exec::WorkerSelf /*self*/) override { door->waitDeaf(); }
        std::shared_ptr<Door> door;
    };
    constexpr auto idleTime = 20ms;
    exec::Spawner spawner;
    exec::Lane lane{spawner, {0, 2, false, idleTime}};
    lane.warm();
    REQUIRE(eventually([&] { return lane.counts().idle == 2; }));
    for (int round = 0; round < 25; ++round) {
        CAPTURE(round);
        // Many become idle at the same moment, and so want to retire at the same moment.
        const auto door = std::make_shared<Door>();
        for (int i = 0; i < 16; ++i) lane.submit(std::make_shared<Work>(door));
        REQUIRE(door->waitForVisitor(16));
        door->open();
        REQUIRE(eventually([&] { return lane.counts().queued == 0 && lane.counts().threads <= 2; }));
        std::this_thread::sleep_for(3 * idleTime);
        REQUIRE(lane.counts().threads == 2);
    }
    lane.stop();
    CHECK(spawner.stop(5s));
}

// ---- stops -------------------------------------------------------------------------------------------------------------

namespace {

struct Blocks {
    explicit Blocks(std::shared_ptr<Door> where) : door{std::move(where)} {}
    Blocks(const Blocks&) = delete;
    Blocks& operator=(const Blocks&) = delete;
    ~Blocks() { door->waitDeaf(); }
    std::shared_ptr<Door> door;
};

}  // namespace

TEST_CASE("D7 what a stop callback holds may block in its destructor: Terminate and the other resources do not") {
    const auto door = std::make_shared<Door>();
    const auto makeScript = [&] {
        auto script = quietScript();
        script->online = [=](Operation& operation) {
            auto blocks = std::make_shared<Blocks>(door);
            const StopCallback callback = operation.onStop([blocks = std::move(blocks)] {});
        };
        return script;
    };
    // As many as the strand pool has threads: together they must not stop it either.
    FakeEngine one{typeOf(makeScript())};
    FakeEngine two{typeOf(makeScript())};
    FakeEngine other{typeOf(quietScript())};
    Release release{door};
    REQUIRE(one.online() == Answer::pending);
    REQUIRE(two.online() == Answer::pending);
    REQUIRE(door->waitForVisitor(2));
    std::chrono::milliseconds tookOne{};
    std::chrono::milliseconds tookTwo{};
    std::thread terminateOne{[&] { tookOne = timed([&] { one.terminate(); }); }};
    std::thread terminateTwo{[&] { tookTwo = timed([&] { two.terminate(); }); }};
    std::this_thread::sleep_for(50ms);  // both stops are requested by now
    checkUndisturbed(other);
    terminateOne.join();
    terminateTwo.join();
    CHECK(tookOne < entryPoint);
    CHECK(tookTwo < entryPoint);
    release.now();
}

TEST_CASE("D7 a stop callback may own another one of the same call") {
    const auto script = quietScript();
    script->policy.terminateTimeout = 2s;
    SECTION("and die when it ran") {
        script->online = [](Operation& operation) {
            auto inner = std::make_shared<std::vector<StopCallback>>();
            const StopCallback outer = operation.onStop([inner] {});
            inner->push_back(operation.onStop([] {}));
            inner.reset();
            operation.sleepFor(1h);
        };
        FakeEngine engine{typeOf(script)};
        REQUIRE(engine.online() == Answer::pending);
        REQUIRE(eventually([&] { return script->inside == 1 && script->onlines == 1; }));
        CHECK(timed([&] { CHECK(engine.terminate() == Answer::done); }) < entryPoint);
        CHECK(engine.close());
    }
    SECTION("and die when it is taken back") {
        script->online = [](Operation& operation) {
            auto inner = std::make_shared<std::vector<StopCallback>>();
            {
                const StopCallback outer = operation.onStop([inner] {});
                inner->push_back(operation.onStop([] {}));
                inner.reset();
            }
            operation.sleepFor(1ms);
        };
        FakeEngine engine{typeOf(script)};
        CHECK(engine.bringOnline());
        CHECK(timed([&] { CHECK(engine.terminate() == Answer::done); }) < entryPoint);
        CHECK(engine.close());
    }
}

// ---- floods ------------------------------------------------------------------------------------------------------------

TEST_CASE("D4 four resources that checkpoint without a pause disturb no other one and fill no memory") {
    std::atomic<long> checkpoints{0};
    const auto script = quietScript();
    script->online = [&](Operation& operation) {
        for (;;) {
            operation.checkpoint("again");
            ++checkpoints;
        }
    };
    std::vector<std::unique_ptr<FakeEngine>> flooding;
    for (int i = 0; i < 4; ++i) flooding.push_back(std::make_unique<FakeEngine>(typeOf(script)));
    FakeEngine other{typeOf(quietScript())};
    REQUIRE(other.bringOnline());
    REQUIRE(other.terminate() == Answer::done);
    other.forgetReports();
    const auto before = holdfast::tests::ownProcess().residentKibibytes / 1'024;
    for (const auto& engine : flooding) REQUIRE(engine->online() == Answer::pending);
    std::this_thread::sleep_for(2s);
    const auto after = holdfast::tests::ownProcess().residentKibibytes / 1'024;
    checkUndisturbed(other);
    for (const auto& engine : flooding) CHECK(timed([&] { CHECK(engine->terminate() == Answer::done); }) < entryPoint);
    CHECK(checkpoints > 0);
    if (!bounded::instrumented) CHECK(after <= before + 64);
}

TEST_CASE("W-100 sixty-four mebibytes of an author's words hold up no other resource's entry points") {
    const auto entrance = GENERATE(Entrance::checkpoint, Entrance::error, Entrance::verdict, Entrance::reportedFailure,
                                   Entrance::logLine);
    CAPTURE(static_cast<int>(entrance));
    constexpr int resources = 6;
    constexpr std::size_t mebibytes = bounded::instrumented ? 4 : 64;  // a sanitizer keeps several bytes for each
    const auto said = std::make_shared<std::atomic<int>>(0);
    const auto words = std::make_shared<const std::string>(mebibytes << 20U, 'x');
    FakeEngine other{typeOf(quietScript())};
    REQUIRE(other.bringOnline());
    REQUIRE(other.terminate() == Answer::done);
    other.forgetReports();
    std::vector<std::unique_ptr<FakeEngine>> engines;
    for (int i = 0; i < resources; ++i) {
        engines.push_back(std::make_unique<FakeEngine>(typeOf(speaker(entrance, words, said))));
    }
    for (const auto& engine : engines) REQUIRE(engine->online() == Answer::pending);
    REQUIRE(eventually([&] { return *said == resources; }));
    checkUndisturbed(other);
    for (const auto& engine : engines) {
        REQUIRE(engine->waitForLog("xxx"));
        CHECK(timed([&] { CHECK(engine->terminate() == Answer::done); }) < entryPoint);
        for (const auto& line : engine->log()) CHECK(line.text.size() <= 500);
    }
}

TEST_CASE("W-905 a line that is too long is cut between two characters") {
    const auto entrance = GENERATE(Entrance::checkpoint, Entrance::error, Entrance::verdict, Entrance::reportedFailure,
                                   Entrance::logLine);
    const std::string sign = GENERATE("\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80");
    const auto shift = GENERATE(range(0U, 4U));  // the cut falls on each byte of a character
    CAPTURE(static_cast<int>(entrance), sign, shift);
    const auto said = std::make_shared<std::atomic<int>>(0);
    const auto words = std::make_shared<const std::string>(std::string(shift, 'x') + repeated(sign, 2'000));
    FakeEngine engine{typeOf(speaker(entrance, words, said))};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(engine.waitForLog(repeated(sign, 300)));
    REQUIRE(engine.terminate() == Answer::done);
    for (const auto& line : engine.log()) {
        CHECK(line.text.size() <= 500);
        CHECK(isUtf8(line.text));
    }
}

// ---- exceptions --------------------------------------------------------------------------------------------------------

TEST_CASE("W-105 an exception whose what() is null is an exception like any other") {
    const auto script = quietScript();
    FakeEngine engine{typeOf(script)};
    SECTION("in the constructor") {
        script->construct = [](Context&) { throw Speechless{}; };
        REQUIRE(engine.online() == Answer::pending);
        CHECK(engine.waitFor("Failed"));
    }
    SECTION("in online()") {
        script->online = [](Operation&) { throw Speechless{}; };
        REQUIRE(engine.online() == Answer::pending);
        CHECK(engine.waitFor("Failed"));
    }
    SECTION("in offline()") {
        script->offline = [](Operation&) { throw Speechless{}; };
        REQUIRE(engine.bringOnline());
        CHECK_FALSE(engine.takeOffline());
    }
    SECTION("in isAlive()") {
        script->policy.checkInterval = 1ms;
        script->isAlive = [](Check&) -> Verdict { throw Speechless{}; };
        REQUIRE(engine.bringOnline());
        CHECK(engine.waitForFailure());
    }
    SECTION("in repair()") {
        script->policy.checkInterval = 1ms;
        script->isAlive = [](Check&) { return Verdict::failed("broken"); };
        script->repair = [](Check&) -> bool { throw Speechless{}; };
        REQUIRE(engine.bringOnline());
        CHECK(engine.waitForFailure());
    }
    SECTION("in a stop callback") {
        script->online = [](Operation& operation) {
            const StopCallback callback = operation.onStop([] { throw Speechless{}; });
            operation.sleepFor(1h);
        };
        REQUIRE(engine.online() == Answer::pending);
        REQUIRE(eventually([&] { return script->inside == 1 && script->onlines == 1; }));
    }
    SECTION("while the properties are read") {
        script->readPolicy = []() -> holdfast::core::Policy { throw Speechless{}; };
        REQUIRE(engine.online() == Answer::pending);
        CHECK(engine.waitFor("Failed"));
    }
    CHECK(engine.terminate() == Answer::done);
    CHECK(script->objects == 0);
}

namespace {

struct Settings {
    std::string path{"/"};
};

class Plain final : public holdfast::Resource {
public:
    Plain(Context& /*context*/, const Settings& /*settings*/) {}
    void online(Operation& /*operation*/) override {}
    void terminate() noexcept override {}
    Verdict isAlive(Check& /*check*/) override { return Verdict::alive(); }
};

const holdfast::AgentTypes& throwsNumber() { throw 42; }
const holdfast::AgentTypes& throwsSpeechless() { throw Speechless{}; }

holdfast::abi::Dword HOLDFAST_STDCALL ignoreStatus(holdfast::abi::ResourceHandle, holdfast::abi::ResourceStatus*) {
    return 0;
}
void HOLDFAST_STDCALL ignoreLine(holdfast::abi::ResourceHandle, holdfast::abi::Dword, const holdfast::abi::WideChar*,
                                 ...) {}

}  // namespace

TEST_CASE("W-105 a validator may throw an exception whose what() is null") {
    namespace adapters = holdfast::adapters;
    const auto type = holdfast::ResourceType<Plain, Settings>{"Plain"}
                          .property("Path", &Settings::path)
                          .validate([](const Settings&) { throw Speechless{}; })
                          .share();
    const std::uint32_t noProperties = 0;
    holdfast::abi::Dword needed = 0;
    std::string reason;
    const adapters::ControlCall call{
        adapters::control::resourceValidatePrivateProperties, &noProperties, sizeof noProperties, nullptr, 0, &needed};
    const adapters::PropertyStore store{[] { return holdfast::PropertyBag{}; }, {}, {}, false};
    CHECK(adapters::resourcePropertyControl(*type, store, call, &reason) == 13);
}

TEST_CASE("W-105 a library whose types cannot be made, whatever it throws, is answered 13 by Startup") {
    holdfast::abi::FunctionTable* table = nullptr;
    static constexpr holdfast::abi::WideChar typeName[] = {'P', 'l', 'a', 'i', 'n', 0};
    const auto startup = [&](const holdfast::AgentTypes& (*types)()) {
        return holdfast::adapters::startup(types, typeName, 0x100, 0x100, &ignoreStatus, &ignoreLine, &table);
    };
    CHECK(startup(&throwsNumber) == 13);
    CHECK(table == nullptr);
    CHECK(startup(&throwsSpeechless) == 13);
    CHECK(table == nullptr);
}

// ---- terminate() -------------------------------------------------------------------------------------------------------

TEST_CASE("D5 Terminate never runs beside the terminate() that online() needed for what already ran (W-124)") {
    const auto door = std::make_shared<Door>();
    const auto script = quietScript();
    std::atomic<int> inside{0};
    std::atomic<int> most{0};
    script->probe = [](Check&) { return Presence::running; };
    script->terminate = [&] {
        const int now = ++inside;
        if (now > most) most = now;
        door->waitDeaf();
        --inside;
    };
    FakeEngine engine{typeOf(script)};
    Release release{door};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(door->waitForVisitor());
    std::atomic<bool> returned{false};
    Answer answer{};
    std::thread terminator{[&] {
        answer = engine.terminate();
        returned = true;
    }};
    std::this_thread::sleep_for(500ms);  // far beyond the grace
    CHECK_FALSE(returned);               // the entity may still run
    release.now();
    terminator.join();
    CHECK(answer == Answer::done);
    CHECK(script->onlines == 0);
    CHECK(eventually([&] { return script->objects == 0; }));
    CHECK(most == 1);
}

TEST_CASE("D4 a suspended machine does not make Terminate give up a terminate() that had no time to run") {
    ManualTime time;
    const auto door = std::make_shared<Door>();
    const auto script = quietScript();
    script->terminate = [=] { door->waitDeaf(); };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    Release release{door};
    std::atomic<bool> returned{false};
    Answer answer{};
    std::thread terminator{[&] {
        answer = engine.terminate();
        returned = true;
    }};
    REQUIRE(door->waitForVisitor());
    time.suspend(60s);
    std::this_thread::sleep_for(200ms);
    CHECK_FALSE(returned);
    release.now();
    terminator.join();
    CHECK(answer == Answer::done);
}

TEST_CASE("W-243 an Online refused while terminate() runs does not change the stop reason the agent sees") {
    const auto door = std::make_shared<Door>();
    const auto script = quietScript();
    std::atomic<StopReason> before{StopReason::none};
    std::atomic<StopReason> after{StopReason::none};
    script->terminate = [&] {
        before = script->context.load()->stopReason();
        door->waitDeaf();
        after = script->context.load()->stopReason();
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    Release release{door};
    std::thread terminator{[&] { engine.terminate(); }};
    REQUIRE(door->waitForVisitor());
    const Answer answer = engine.online();
    release.now();
    terminator.join();
    CHECK(answer == Answer::refused);
    CHECK(before == StopReason::terminate);
    CHECK(after == StopReason::terminate);
}

// ---- an engine that blocks ---------------------------------------------------------------------------------------------

TEST_CASE("D12 the failure event is signalled although the engine blocks in LogEvent") {
    const auto script = quietScript();
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.bringOnline());
    engine.block(true);
    script->context.load()->reportFailure("the process died");
    CHECK(engine.waitForFailure());
    CHECK_FALSE(engine.isAlive());  // W-1123: the verdict first
    engine.block(false);
    CHECK(engine.waitForLog("the process died"));
    CHECK(engine.terminate() == Answer::done);
}

TEST_CASE("W-240 Terminate waits for a report that has begun: later it would belong to the next Online") {
    const auto door = std::make_shared<Door>();
    const auto script = quietScript();
    script->online = [&](Operation&) { door->waitDeaf(); };
    FakeEngine engine{typeOf(script)};
    Release release{door};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(door->waitForVisitor());
    engine.block(true);
    release.now();
    REQUIRE(eventually([&] { return script->running.load(); }));
    std::this_thread::sleep_for(50ms);  // the report of it is in the engine
    const auto begin = std::chrono::steady_clock::now();
    std::chrono::steady_clock::duration listened{};
    std::thread listener{[&] {
        std::this_thread::sleep_for(60ms);
        engine.block(false);
        listened = std::chrono::steady_clock::now() - begin;
    }};
    CHECK(engine.terminate() == Answer::done);
    engine.forgetReports();
    listener.join();
    std::this_thread::sleep_for(50ms);
    // Whatever the engine holds for longer than Terminate may take stays late.
    if (listened < 200ms) CHECK(engine.reports().empty());
}

TEST_CASE("D4 pending reports do not pile up behind an engine that blocks in SetResourceStatus", "[W-801]") {
    ManualTime time;
    const auto script = quietScript();
    std::atomic<bool> enough{false};
    script->online = [&](Operation& operation) {
        while (!enough) {
            operation.checkpoint("going on");
            std::this_thread::sleep_for(50us);
        }
    };
    FakeEngine engine{typeOf(script)};
    REQUIRE(engine.online() == Answer::pending);
    REQUIRE(eventually([&] { return !engine.reports().empty(); }));
    engine.block(true);
    for (int i = 0; i < 100; ++i) {
        time.advance(101ms);
        std::this_thread::sleep_for(200us);
    }
    enough = true;
    REQUIRE(eventually([&] { return script->running.load(); }));
    engine.forgetReports();
    engine.block(false);
    REQUIRE(engine.waitFor("Online"));
    const auto reports = engine.reports();
    CHECK(reports.size() <= 5);
    CHECK(reports.back().state == "Online");
    for (std::size_t i = 1; i < reports.size(); ++i) CHECK(reports[i].checkPoint > reports[i - 1].checkPoint);
}
