// SPDX-License-Identifier: BSL-1.0

/// A system that has no thread to give, or takes its time over it. This program replaces pthread_create.

#include "adapters/control_call.hpp"
#include "bounded.hpp"
#include "scripted_agent.hpp"

#include <holdfast/adapters/wsfc.hpp>
#include <holdfast/exec/entry_points.hpp>
#include <holdfast/exec/lane.hpp>
#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <dlfcn.h>
#include <pthread.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace scripted;
using namespace std::chrono_literals;
using bounded::Release;
using bounded::timed;
using holdfast::testing::FakeEngine;
using Answer = FakeEngine::Answer;

CATCH_REGISTER_LISTENER(bounded::Watchdog)

namespace {

constexpr int unlimited = -1;
std::atomic<int> threadsLeft{unlimited};  // how many creations succeed before all fail
std::atomic<int> failures{0};             // how many fail before the others succeed
std::atomic<bool> held{false};            // creations wait, for 10 s at most
std::atomic<int> creations{0};            // begun
thread_local bool ownThread = false;      // the test's own threads are none of the library's

/** Whether this creation succeeds. Unused where a sanitizer has pthread_create for itself. */
[[maybe_unused]] bool allowed() {
    if (ownThread) return true;
    ++creations;
    for (int i = 0; i < 10'000 && held; ++i) std::this_thread::sleep_for(1ms);
    for (int left = failures; left > 0;) {
        if (failures.compare_exchange_weak(left, left - 1)) return false;
    }
    for (int left = threadsLeft; left >= 0;) {
        if (left == 0) return false;
        if (threadsLeft.compare_exchange_weak(left, left - 1)) return true;
    }
    return true;
}

/** A thread of the test, which there always is. */
template <typename Work>
std::thread thread(Work work) {
    ownThread = true;
    std::thread made{std::move(work)};
    ownThread = false;
    return made;
}

/** What the system does is as ever again at the end of the scope. */
struct Normal {
    Normal() = default;
    Normal(const Normal&) = delete;
    Normal& operator=(const Normal&) = delete;
    ~Normal() { again(); }
    static void again() {
        threadsLeft = unlimited;
        failures = 0;
        held = false;
    }
};

#define SKIP_IF_INSTRUMENTED() \
    if (bounded::instrumented) SKIP("a sanitizer intercepts pthread_create itself, so this test cannot")

std::shared_ptr<Script> quietScript() {
    auto script = std::make_shared<Script>();
    script->policy.checkInterval = 1h;
    return script;
}

/** Keeps every idle worker busy, so that the next call into an agent needs a new thread. */
class Crowd {
public:
    Crowd() {
        for (auto& member : members_) {
            const auto script = quietScript();
            script->online = [door = door_](Operation&) { door->waitDeaf(); };
            member = std::make_unique<FakeEngine>(typeOf(script));
        }
    }
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;
    ~Crowd() {
        door_->open();
        for (auto& member : members_) static_cast<void>(member->waitFor("Online"));
    }
    bool gather() {
        int inside = 0;
        for (auto& member : members_) {
            if (member->online() != Answer::pending || !door_->waitForVisitor(++inside)) return false;
            std::this_thread::sleep_for(20ms);  // whoever has just ended its work is idle by now
        }
        return true;
    }

private:
    std::shared_ptr<Door> door_ = std::make_shared<Door>();
    std::array<std::unique_ptr<FakeEngine>, 4> members_;
};

}  // namespace

#if !BOUNDED_INSTRUMENTED  // its runtime has a pthread_create of its own
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                              void* argument) {
    using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
    static const auto real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
    return allowed() ? real(thread, attributes, start, argument) : EAGAIN;
}
#endif

TEST_CASE("W-110 Open that gets no thread fails and nothing else, and the next Open works", "[W-1113]") {
    SKIP_IF_INSTRUMENTED();
    const Normal normal;
    int opened = 0;
    int refused = 0;
    for (int left = 0; left < 10; ++left) {
        CAPTURE(left);
        threadsLeft = left;
        try {
            FakeEngine engine{typeOf(quietScript())};
            ++opened;
        } catch (const std::exception&) {
            ++refused;
        }
        Normal::again();
        FakeEngine next{typeOf(quietScript())};
        REQUIRE(next.bringOnline());
        REQUIRE(next.terminate() == Answer::done);
        REQUIRE(next.close());
    }
    CHECK(refused > 0);
    CHECK(opened > 0);
}

namespace {

const holdfast::AgentTypes& oneType() {
    static const holdfast::AgentTypes types{typeOf(quietScript())};
    return types;
}
holdfast::abi::Dword ignoreStatus(holdfast::abi::ResourceHandle, holdfast::abi::ResourceStatus*) { return 0; }
void ignoreLine(holdfast::abi::ResourceHandle, holdfast::abi::Dword, const holdfast::abi::WideChar*, ...) {}

}  // namespace

TEST_CASE("W-110 the table's Open answers null when it gets no thread", "[W-1113]") {
    SKIP_IF_INSTRUMENTED();
    const Normal normal;
    static constexpr holdfast::abi::WideChar typeName[] = {'S', 'c', 'r', 'i', 'p', 't', 'e', 'd', 0};
    static constexpr holdfast::abi::WideChar name[] = {'a', 0};
    holdfast::abi::FunctionTable* table = nullptr;
    REQUIRE(holdfast::adapters::startup(&oneType, typeName, 0x100, 0x100, &ignoreStatus, &ignoreLine, &table) == 0);
    for (int left = 0; left < 10; ++left) {
        CAPTURE(left);
        threadsLeft = left;
        const holdfast::abi::ResourceId id = table->v1.open(name, nullptr, nullptr);
        if (left == 0) CHECK(id == nullptr);
        if (id != nullptr) table->v1.close(id);
        Normal::again();
        const holdfast::abi::ResourceId next = table->v1.open(name, nullptr, nullptr);
        REQUIRE(next != nullptr);
        table->v1.close(next);
    }
}

TEST_CASE("D7 a call whose stop came before its thread does not start") {
    SKIP_IF_INSTRUMENTED();
    const Normal normal;
    const auto script = quietScript();
    FakeEngine engine{typeOf(script)};
    const auto other = quietScript();
    const auto door = std::make_shared<Door>();
    other->online = [=](Operation&) { door->waitDeaf(); };
    FakeEngine otherEngine{typeOf(other)};
    std::atomic<int> repairs{0};
    Crowd crowd;
    const Release release{door};

    SECTION("offline()") {
        REQUIRE(engine.bringOnline());
        REQUIRE(crowd.gather());
        held = true;
        const int before = creations;
        REQUIRE(engine.offline() == Answer::pending);
        REQUIRE(eventually([&] { return creations > before; }));
        REQUIRE(engine.terminate() == Answer::done);
        held = false;
        CHECK(eventually([&] { return script->objects == 0; }));
        CHECK(script->offlines == 0);
    }
    SECTION("isAlive()") {
        script->policy.checkInterval = 4s;  // the first check comes when the crowd is there
        REQUIRE(engine.bringOnline());
        REQUIRE(crowd.gather());
        held = true;
        const int before = creations;
        REQUIRE(eventually([&] { return creations > before; }));
        const int checks = script->checks;
        REQUIRE(engine.terminate() == Answer::done);
        held = false;
        CHECK(eventually([&] { return script->objects == 0; }));
        CHECK(script->checks == checks);
    }
    SECTION("repair()") {
        script->policy.checkInterval = 4s;
        script->repair = [&](Check&) {
            ++repairs;
            return true;
        };
        script->isAlive = [&](Check&) {
            // The other one's call waits for a thread now, and takes this one; the repair behind it has none.
            held = true;
            const int before = creations;
            if (otherEngine.online() != Answer::pending) return Verdict::alive();
            static_cast<void>(eventually([&] { return creations > before; }));
            return Verdict::failed("broken");
        };
        REQUIRE(engine.bringOnline());
        REQUIRE(crowd.gather());
        REQUIRE(door->waitForVisitor());
        std::this_thread::sleep_for(100ms);  // the strand has asked for repair() by now
        REQUIRE(engine.terminate() == Answer::done);
        held = false;
        CHECK(eventually([&] { return script->objects == 0; }));
        CHECK(script->checks == 1);
        CHECK(repairs == 0);
    }
}

TEST_CASE("D6 terminate() of a resource that found no thread begins as soon as there is one") {
    SKIP_IF_INSTRUMENTED();
    const Normal normal;
    const auto door = std::make_shared<Door>();
    const auto script = quietScript();
    script->terminate = [=] { door->waitDeaf(); };
    constexpr int resources = 12;  // more than workers can be idle here
    std::vector<std::unique_ptr<FakeEngine>> engines;
    for (int i = 0; i < resources; ++i) {
        engines.push_back(std::make_unique<FakeEngine>(typeOf(script)));
        REQUIRE(engines.back()->bringOnline());
    }
    ownThread = true;
    const Release release{door, 20s};
    ownThread = false;
    threadsLeft = 0;
    std::vector<std::thread> terminators;
    for (const auto& engine : engines) terminators.push_back(thread([&engine] { engine->terminate(); }));
    std::this_thread::sleep_for(1s);  // who has to say that it waits for a thread has said so
    Normal::again();
    const auto took = timed([&] { CHECK(door->waitForVisitor(resources)); });
    CHECK(took < 2s);
    door->open();
    for (auto& terminator : terminators) terminator.join();
    CHECK(script->objects == 0);
}

TEST_CASE("D6 a job of a lane is run or rejected, also when one thread could not be made") {
    SKIP_IF_INSTRUMENTED();
    namespace exec = holdfast::exec;
    const Normal normal;
    struct Job final : exec::LaneJob {
        void run(exec::WorkerSelf /*self*/) override {
            ++*ran;
            door->waitDeaf();
        }
        void rejected() noexcept override { ++*turnedAway; }
        std::shared_ptr<Door> door;
        std::shared_ptr<std::atomic<int>> ran;
        std::shared_ptr<std::atomic<int>> turnedAway;
    };
    exec::Spawner spawner;
    exec::Lane lane{spawner, {100, 0, true, 5s}};
    lane.submit([] {});
    REQUIRE(eventually([&] { return lane.counts().idle == 1; }));
    for (int round = 0; round < 40; ++round) {
        CAPTURE(round);
        const auto door = std::make_shared<Door>();
        const auto ran = std::make_shared<std::atomic<int>>(0);
        const auto turnedAway = std::make_shared<std::atomic<int>>(0);
        failures = 1;
        for (int i = 0; i < 3; ++i) {
            auto job = std::make_shared<Job>();
            job->door = door;
            job->ran = ran;
            job->turnedAway = turnedAway;
            lane.submit(std::move(job));
        }
        // The first to run is wedged, so that it cannot help the others.
        const bool allSettled = eventually([&] { return *ran + *turnedAway == 3; });
        CAPTURE(*ran, *turnedAway);
        door->open();
        REQUIRE(allSettled);
        failures = 0;
        REQUIRE(eventually([&] { return lane.counts().idle == lane.counts().threads; }));
    }
    lane.stop();
    CHECK(spawner.stop(5s));
}

namespace {

class CountingLink final : public holdfast::exec::EngineLink {
public:
    bool report(const holdfast::exec::StatusReport& /*status*/) noexcept override { return true; }
    void log(holdfast::LogLevel /*level*/, std::string_view /*text*/) noexcept override {}
    [[nodiscard]] holdfast::PropertyBag readProperties() override {
        if (closed) ++late;
        return {};
    }
    std::atomic<bool> closed{false};
    std::atomic<int> late{0};
};

}  // namespace

TEST_CASE("W-117 after Close a control call that found no thread in time reads no property any more") {
    SKIP_IF_INSTRUMENTED();
    namespace adapters = holdfast::adapters;
    namespace exec = holdfast::exec;
    const Normal normal;
    FakeEngine keepsRuntime{typeOf(quietScript())};
    Crowd crowd;
    REQUIRE(crowd.gather());
    const auto link = std::make_shared<CountingLink>();
    const auto id = exec::openInstance({"closed", typeOf(quietScript()), link, holdfast::core::Milliseconds{0}});
    std::array<char, 64> answer{};
    holdfast::abi::Dword needed = 0;
    held = true;
    CHECK(timed([&] {
              CHECK(
                  adapters::controlResource(exec::findInstance(id),
                                            {adapters::control::resourceGetPrivateProperties, nullptr, 0, answer.data(),
                                             static_cast<holdfast::abi::Dword>(answer.size()), &needed}) != 0);
          }) < bounded::entryPoint);
    CHECK(timed([&] { exec::closeInstance(id); }) < bounded::entryPoint);
    link->closed = true;
    held = false;
    // The call's thread is there now; another call of the same lane shows that it had its turn.
    const auto next = exec::openInstance(
        {"next", typeOf(quietScript()), std::make_shared<CountingLink>(), holdfast::core::Milliseconds{0}});
    CHECK(adapters::controlResource(exec::findInstance(next),
                                    {adapters::control::resourceUnknown, nullptr, 0, nullptr, 0, &needed}) == 0);
    std::this_thread::sleep_for(200ms);
    exec::closeInstance(next);
    CHECK(link->late == 0);
}
