// SPDX-License-Identifier: BSL-1.0

/// W-102: Terminate on a second thread during every entry point that it may overlap, at swept delays, over every version.

#include "bounded.hpp"
#include "table_engine.hpp"

#include <holdfast/abi/property_list.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace stage;
using holdfast::Check;
using holdfast::Operation;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using holdfast::Verdict;

CATCH_REGISTER_LISTENER(bounded::Watchdog)

namespace {

// Under Wine and sanitizers the machine is slow; that nothing hangs and nothing is left is what the sweep is about.
constexpr std::chrono::milliseconds slack{bounded::instrumented ? 1'000 : 100};

struct EntryPoint {
    std::string name;
    bool whileOnline;
    std::function<void(Hosted&)> call;
};

std::vector<EntryPoint> entryPoints(std::vector<Byte>& list) {
    return {
        {"Online", false, [](Hosted& one) { one.online(); }},
        {"Offline", true, [](Hosted& one) { one.t.offline(one.id); }},
        {"LooksAlive", true, [](Hosted& one) { one.t.looksAlive(one.id); }},
        {"IsAlive", true, [](Hosted& one) { one.t.isAlive(one.id); }},
        {"ResourceControl", true,
         [&list](Hosted& one) {
             one.t.control(one.id, 0x01000089, list.data(), static_cast<Dword>(list.size()), nullptr, 0);
         }},
        {"ResourceTypeControl", true,
         [](Hosted& one) { one.t.typeControl(one.t.typeName().c_str(), 0x02000091, nullptr, 0, nullptr, 0); }},
        {"Cancel", false,
         [](Hosted& one) {
             one.online();
             if (one.t.canCancel()) one.t.cancel(one.id);
         }},
    };
}

}  // namespace

TEST_CASE("W-102 W-103 W-240 W-247 Terminate during every entry point, at swept delays, over every version",
          "[W-132][W-1105]") {
    const Dword version = GENERATE(from_range(versions.begin(), versions.end()));
    PropertyBag bag;
    bag.set("Size", PropertyValue::dword(5));
    std::vector<Byte> list = writePropertyList(bag, ListUse::send);
    const Table table{version};
    for (const EntryPoint& entryPoint : entryPoints(list)) {
        for (const auto delay : {0us, 50us, 200us, 500us, 1'000us, 2'000us, 5'000us, 12'000us}) {
            CAPTURE(version, entryPoint.name, delay.count());
            const auto script = newScript();
            script->online = [](Operation& operation) { operation.sleepFor(3ms); };
            script->offline = [](Operation& operation) { operation.sleepFor(3ms); };
            script->isAlive = [](Check& check) {
                check.sleepFor(3ms);
                return Verdict::alive();
            };
            Hosted one{table};
            if (entryPoint.whileOnline) REQUIRE(one.bringOnline());
            setValidator([] { std::this_thread::sleep_for(3ms); });
            one.heard->forget();
            std::chrono::milliseconds terminateTook{0};
            std::thread other{[&] {
                std::this_thread::sleep_for(delay);
                terminateTook = bounded::timed([&] { table.terminate(one.id); });
            }};
            const auto took = bounded::timed([&] { entryPoint.call(one); });
            other.join();
            CHECK(took < bounded::entryPoint + slack);
            CHECK(terminateTook < bounded::entryPoint + slack);
            // W-132: nothing of the old run is left, nothing more is heard of it, and a whole new run works.
            setValidator(nullptr);
            table.terminate(one.id);
            CHECK_FALSE(script->running.load());
            CHECK(script->inside == 0);
            CHECK(table.isAlive(one.id) == 0);
            const auto reports = one.heard->all().size();
            std::this_thread::sleep_for(5ms);
            CHECK(one.heard->all().size() == reports);
            CHECK(one.heard->failuresSignalled() == 0);
            REQUIRE(one.bringOnline());
            CHECK(table.isAlive(one.id) == 1);
            CHECK_FALSE(one.signalled());
            CHECK(one.takeOffline());
            CHECK(script->overlaps == 0);
        }
    }
    CHECK(desk().strays == 0);
}
