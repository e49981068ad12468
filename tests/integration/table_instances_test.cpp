// SPDX-License-Identifier: BSL-1.0

/// What holds for each instance behind the function table, over every version: its id, its handle, its event, and a
/// Terminate at any time on any thread.

#include "bounded.hpp"
#include "table_engine.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace stage;
using holdfast::Check;
using holdfast::Context;
using holdfast::Operation;
using holdfast::Verdict;
using scripted::eventually;
using scripted::Script;

CATCH_REGISTER_LISTENER(bounded::Watchdog)

namespace {

Dword anyVersion() {
    const Dword version = GENERATE(from_range(versions.begin(), versions.end()));
    return version;
}

/** A state that a resource can be in after Open, and how it gets there. */
struct State {
    std::string name;
    std::function<bool(Hosted&, Script&)> reach;
};

std::vector<State> states() {
    const auto waits = [](Operation& operation) { operation.sleepFor(1h); };
    const auto fails = [](Operation&) { throw std::runtime_error{"as told"}; };
    return {
        {"never online", [](Hosted&, Script&) { return true; }},
        {"online pends",
         [=](Hosted& one, Script& script) {
             script.online = waits;
             return one.online() == code::ioPending && eventually([&] { return script.onlines == 1; });
         }},
        {"online failed",
         [=](Hosted& one, Script& script) {
             script.online = fails;
             return one.online() == code::ioPending && one.heard->waitFor(ResourceState::failed);
         }},
        {"online", [](Hosted& one, Script&) { return one.bringOnline(); }},
        {"failed while online",
         [](Hosted& one, Script& script) {
             script.isAlive = [](Check&) { return Verdict::failed("as told"); };
             return one.bringOnline() && one.signalled(10s);
         }},
        {"offline pends",
         [=](Hosted& one, Script& script) {
             script.offline = waits;
             return one.bringOnline() && one.t.offline(one.id) == code::ioPending &&
                    eventually([&] { return script.offlines == 1; });
         }},
        {"offline failed",
         [=](Hosted& one, Script& script) {
             script.offline = fails;
             return one.bringOnline() && one.t.offline(one.id) == code::ioPending &&
                    one.heard->waitFor(ResourceState::failed);
         }},
        {"offline", [](Hosted& one, Script&) { return one.bringOnline() && one.takeOffline(); }},
    };
}

/** Runs it on a thread that ends with it; what the thread owned is gone or abandoned then. */
template <typename Call>
auto elsewhere(const Call& call) {
    decltype(call()) result{};
    std::thread{[&] { result = call(); }}.join();
    return result;
}

}  // namespace

TEST_CASE("W-106 W-107 W-1136 many at once: ids are unlike and never used again, each speaks under its own handle") {
    const Dword version = anyVersion();
    CAPTURE(version);
    constexpr int many = 20;
    const auto script = newScript();
    script->construct = [](Context& context) { context.info("I am {}.", context.resourceName()); };
    const Table table{version};
    std::set<ResourceId> ids;
    for (int round = 0; round < 3; ++round) {
        std::vector<std::unique_ptr<Hosted>> all;
        for (int i = 0; i < many; ++i) {
            all.push_back(std::make_unique<Hosted>(table, 0, "r" + std::to_string(i)));
            CHECK(ids.insert(all.back()->id).second);
        }
        for (const auto& one : all) REQUIRE(one->bringOnline());
        for (int i = 0; i < many; ++i) {
            const std::string own = "I am r" + std::to_string(i) + ".";
            auto& heard = *all[static_cast<std::size_t>(i)]->heard;
            CHECK(heard.waitForLine(own));
            const std::lock_guard lock{heard.mutex};
            for (const auto& line : heard.lines) {
                if (line.find("I am ") != std::string::npos) CHECK(line.find(own) != std::string::npos);
            }
        }
    }
    CHECK(desk().strays == 0);  // nothing was ever said under a handle that no resource has (W-117)
}

TEST_CASE("W-322 each instance has an event of its own: the failure of one is nobody else's") {
    const Dword version = anyVersion();
    CAPTURE(version);
    const Table table{version};
    std::atomic<bool> fails{false};
    const auto bad = newScript();
    bad->isAlive = [&](Check&) { return fails ? Verdict::failed("as told") : Verdict::alive(); };
    Hosted one{table};
    REQUIRE(one.bringOnline());
    const auto good = newScript();
    Hosted other{table};
    REQUIRE(other.bringOnline());
    REQUIRE(one.event != nullptr);
    REQUIRE(other.event != nullptr);
    CHECK(one.event != other.event);
    fails = true;
    REQUIRE(one.signalled(10s));
    CHECK(table.isAlive(one.id) == 0);
    const int checks = good->checks;
    CHECK(eventually([&] { return good->checks >= checks + 3; }));
    CHECK_FALSE(other.signalled());
    CHECK(table.isAlive(other.id) == 1);
    table.terminate(one.id);
    CHECK_FALSE(other.signalled());
    CHECK(good->running);
}

TEST_CASE("W-131 W-132 Terminate in every state after Open, twice in a row, and a whole life afterwards") {
    const Dword version = anyVersion();
    const Table table{version};
    for (const State& state : states()) {
        CAPTURE(version, state.name);
        const auto script = newScript();
        Hosted one{table};
        REQUIRE(state.reach(one, *script));
        for (int again = 0; again < 2; ++again) {
            CHECK(bounded::timed([&] { table.terminate(one.id); }) < bounded::entryPoint);
            CHECK_FALSE(script->running);
            CHECK(table.isAlive(one.id) == 0);
        }
        REQUIRE(eventually([&] { return script->inside == 0; }));
        const auto next = newScript();
        REQUIRE(one.bringOnline());
        CHECK(table.isAlive(one.id) == 1);
        CHECK_FALSE(one.signalled());
        CHECK(one.takeOffline());
        CHECK(next->offlines == 1);
    }
    CHECK(desk().strays == 0);
}

TEST_CASE("W-104 W-1133 a whole life, each entry point called on a thread that ends with the call") {
    const Dword version = anyVersion();
    CAPTURE(version);
    const auto script = newScript();
    const Table table{version};
    for (int round = 0; round < 3; ++round) {
        const auto one = elsewhere([&] { return std::make_unique<Hosted>(table); });
        REQUIRE(elsewhere([&] { return one->bringOnline(); }));
        CHECK(elsewhere([&] { return table.looksAlive(one->id); }) == 1);
        CHECK(elsewhere([&] { return table.isAlive(one->id); }) == 1);
        CHECK(elsewhere([&] { return table.control(one->id, 0x01000000, nullptr, 0, nullptr, 0).code; }) == 0);
        REQUIRE(elsewhere([&] { return one->takeOffline(); }));
        REQUIRE(elsewhere([&] { return one->bringOnline(); }));
        elsewhere([&] { return table.terminate(one->id), true; });
        CHECK_FALSE(script->running);
        elsewhere([&] { return one->close(), true; });
        CHECK(script->objects == 0);
    }
    CHECK(script->overlaps == 0);
}
