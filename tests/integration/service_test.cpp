// SPDX-License-Identifier: BSL-1.0
// ServiceResource over a manager that is made up: the order of its calls, and what it does with bad services.

#include "recording_service.hpp"

#include <holdfast/service.hpp>
#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <vector>

using namespace holdfast;
using namespace std::chrono_literals;
using test::RecordedService;
using testing::FakeEngine;
using Calls = std::vector<std::string>;

namespace {

RecordedService* recorded = nullptr;  // of the test that runs

class Recorded final : public ServiceResource {
public:
    Recorded(Context& context, ServiceSettings settings)
        : ServiceResource{context, std::move(settings),
                          [](const std::string&, Context&) { return recorded->manager(); }} {}
    static inline std::atomic<bool> healthy{true};

protected:
    Verdict checkService(Check&) override {
        return healthy ? Verdict::alive() : Verdict::failed("it answers nonsense");
    }
};

std::shared_ptr<const AgentType> type() {
    return addServiceProperties(ResourceType<Recorded, ServiceSettings>{"Service"}).share();
}

PropertyBag properties(PropertyBag more = {}) {
    PropertyBag all{{"ServiceName", PropertyValue::sz("s")},
                    {"StartTimeout", PropertyValue::dword(1'000)},
                    {"StopTimeout", PropertyValue::dword(300)},
                    {"CheckInterval", PropertyValue::dword(20)}};
    for (const auto& [name, value] : more) all.set(name, value);
    return all;
}

/** A service and the engine that runs it; the engine goes first. */
struct Bench {
    RecordedService service;
    std::unique_ptr<FakeEngine> engine;
    explicit Bench(PropertyBag more = {}) {
        recorded = &service;
        Recorded::healthy = true;
        engine = std::make_unique<FakeEngine>(type(), properties(std::move(more)));
    }
    ~Bench() { engine.reset(); }
};

}  // namespace

TEST_CASE("W-700 Online stops what runs, then sets environment and start parameters, then starts", "[W-1118]") {
    Bench bench;
    CHECK(bench.service.calls().empty());  // nothing in Open

    REQUIRE(bench.engine->bringOnline());
    CHECK(bench.service.calls() == Calls{"environment", "start parameters", "start(0)"});
    REQUIRE(bench.engine->takeOffline());

    bench.service.set([](auto& script) { script.state = service::State::running; });
    bench.service.forget();
    REQUIRE(bench.engine->bringOnline());
    CHECK(bench.service.calls() == Calls{"stop", "environment", "start parameters", "start(0)"});
    CHECK(bench.engine->waitForLog("ran already"));
}

TEST_CASE("W-702 after Online only the cluster starts the service, and so it stays after Offline and Terminate") {
    Bench bench;
    CHECK(bench.service.automatic());
    REQUIRE(bench.engine->bringOnline());
    CHECK_FALSE(bench.service.automatic());
    CHECK_FALSE(bench.service.restartsItself());
    REQUIRE(bench.engine->takeOffline());
    REQUIRE(bench.engine->bringOnline());
    bench.engine->terminate();
    CHECK_FALSE(bench.service.automatic());
    CHECK_FALSE(bench.service.restartsItself());
}

TEST_CASE("W-702 a disabled service is refused before it is started") {
    Bench bench;
    bench.service.set([](auto& script) { script.disabled = true; });
    CHECK_FALSE(bench.engine->bringOnline());
    CHECK(bench.engine->waitForLog("service \"s\" is disabled"));
    CHECK(bench.service.calls() == Calls{"environment", "start parameters"});
}

TEST_CASE("W-703 the network name is in the environment while it is online, and no longer") {
    Bench bench{{{"ServiceEnvironment", PropertyValue::multiSz({"MODE=fast", "EMPTY="})}}};
    bench.engine->setDependencies(
        Dependencies{{{"name", "Network Name", {{"Name", PropertyValue::sz("SQLVS1")}}, {}}}});
    REQUIRE(bench.engine->bringOnline());
    const auto set = bench.service.environment();
    const auto has = [&](const std::string& name, const std::string& value) {
        return std::any_of(set.begin(), set.end(),
                           [&](const auto& entry) { return entry.name == name && entry.value == value; });
    };
    CHECK(has("_CLUSTER_NETWORK_NAME_", "SQLVS1"));
    CHECK(has("_CLUSTER_NETWORK_HOSTNAME_", "SQLVS1"));
    CHECK(has("COMPUTERNAME", "SQLVS1"));
    CHECK(has("MODE", "fast"));
    CHECK(has("EMPTY", ""));
    REQUIRE(bench.engine->takeOffline());
    CHECK(bench.service.environment().empty());

    // Without such a dependency there is nothing to set.
    bench.engine->setDependencies({});
    bench.engine->setProperties(properties());
    REQUIRE(bench.engine->bringOnline());
    CHECK(bench.service.environment().empty());
}

TEST_CASE("W-704 stuck in START_PENDING with one checkpoint, our reports stay distinct until our own time-out",
          "[W-1116]") {
    Bench bench;
    bench.service.set([](auto& script) { script.startHangs = true; });
    CHECK_FALSE(bench.engine->bringOnline());
    const auto reports = bench.engine->reports();
    REQUIRE(reports.size() >= 4);
    for (std::size_t i = 1; i + 1 < reports.size(); ++i) {
        CHECK(reports[i].state == "OnlinePending");
        CHECK(reports[i].checkPoint > reports[i - 1].checkPoint);
    }
    CHECK(reports.back().state == "Failed");
    CHECK(bench.engine->waitForLog("START_PENDING, its checkpoint 1"));
    CHECK(bench.engine->waitForLog("did not run 1000 ms after its start (StartTimeout)"));
    bench.engine->terminate();
    CHECK(bench.service.state() == service::State::stopped);  // what it began is undone
}

TEST_CASE("W-701 with a manager that takes 10 s for each word every entry point keeps its budget", "[W-123][W-1103]") {
    Bench bench;
    bench.service.set([](auto& script) { script.delay = 10s; });
    const auto timed = [](const auto& call) {
        const auto start = std::chrono::steady_clock::now();
        call();
        return std::chrono::steady_clock::now() - start;
    };
    CHECK(timed([&] { CHECK(bench.engine->online() == FakeEngine::Answer::pending); }) < 300ms);
    CHECK(timed([&] { static_cast<void>(bench.engine->isAlive()); }) < 50ms);
    std::this_thread::sleep_for(500ms);
    // It reports meanwhile, although the worker hangs in the manager; and it can be told to give up.
    CHECK(timed([&] { CHECK(bench.engine->offline() == FakeEngine::Answer::pending); }) < 300ms);
    bench.service.set([](auto& script) { script.delay = 0s; });
    CHECK(bench.engine->waitFor("Offline"));
}

TEST_CASE("a service that ends while it starts says why") {
    Bench bench;
    bench.service.set([](auto& script) { script.dies = true; });
    CHECK_FALSE(bench.engine->bringOnline());
    CHECK(bench.engine->waitForLog("ended while it started: exit code 7"));
}

TEST_CASE("the end of its process is a failure at once, whatever the manager says") {
    Bench bench{{{"CheckInterval", PropertyValue::dword(3'600'000)}}};  // no check would find it in time
    bench.service.set([](auto& script) { script.managerIsBlind = true; });
    REQUIRE(bench.engine->bringOnline());
    CHECK(bench.engine->isAlive());
    bench.service.die("killed");
    CHECK(bench.engine->waitForFailure());
    CHECK(bench.engine->waitForLog("its process ended: killed"));
    CHECK_FALSE(bench.engine->isAlive());

    // W-124: and that stale word is no reason to wait for a stop before the next start.
    bench.engine->terminate();
    bench.service.forget();
    REQUIRE(bench.engine->bringOnline());
    CHECK(bench.service.calls() == Calls{"environment", "start parameters", "start(0)"});
}

TEST_CASE("a service that ignores its stop is killed after StopTimeout, and Offline says so") {
    Bench bench;
    REQUIRE(bench.engine->bringOnline());
    bench.service.set([](auto& script) { script.stopIgnored = true; });
    bench.service.forget();
    REQUIRE(bench.engine->takeOffline());
    CHECK(bench.service.calls() == Calls{"stop", "kill", "no environment"});
    CHECK(bench.engine->waitForLog("did not stop within 300 ms (StopTimeout): its processes are killed"));
}

TEST_CASE("a process that outlives its manager's word for a moment is not in the way, one that stays is killed") {
    Bench bench;
    REQUIRE(bench.engine->bringOnline());
    bench.service.set([](auto& script) { script.lingers = true; });
    bench.service.forget();
    REQUIRE(bench.engine->takeOffline());
    CHECK(bench.service.calls() == Calls{"stop", "kill", "no environment"});
}

TEST_CASE("Terminate kills without asking, and leaves no environment behind", "[W-1118]") {
    Bench bench;
    REQUIRE(bench.engine->bringOnline());
    bench.service.set([](auto& script) { script.stopIgnored = true; });
    bench.service.forget();
    CHECK(bench.engine->terminate() == FakeEngine::Answer::done);
    CHECK(bench.service.calls() == Calls{"kill", "no environment"});
    CHECK(bench.service.state() == service::State::stopped);
}

TEST_CASE("the author's own check is asked once the service runs, and its word is a failure") {
    Bench bench;
    REQUIRE(bench.engine->bringOnline());
    CHECK(bench.engine->isAlive());
    Recorded::healthy = false;
    CHECK(bench.engine->waitForFailure());
    CHECK(bench.engine->waitForLog("it answers nonsense"));
}

TEST_CASE("a service that somebody stopped is a failure") {
    Bench bench;
    REQUIRE(bench.engine->bringOnline());
    bench.service.set([](auto& script) { script.state = service::State::stopping; });
    CHECK(bench.engine->waitForFailure());
    CHECK(bench.engine->waitForLog("is STOP_PENDING"));
}
