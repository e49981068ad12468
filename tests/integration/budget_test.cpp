// SPDX-License-Identifier: BSL-1.0

/// W-100: what each entry point takes of its caller's time while the author's code is wedged, over V1, V2 and V4.

#include "bounded.hpp"
#include "table_engine.hpp"

#include <holdfast/abi/property_list.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace stage;
using holdfast::Check;
using holdfast::Operation;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using holdfast::Verdict;

CATCH_REGISTER_LISTENER(bounded::Watchdog)

namespace {

constexpr std::chrono::milliseconds pollBudget{50};  // LooksAlive, IsAlive
// Other programs use this machine, too: one call in a hundred may wait for a processor as long as this.
constexpr std::chrono::milliseconds slack{bounded::instrumented ? 1'000 : 100};
constexpr int rounds = 40;  // of each of the five wedges: 200 calls of each entry point

using Micros = std::chrono::microseconds;

class Times {
public:
    template <typename Call>
    void take(const std::string& name, const Call& call) {
        const auto start = std::chrono::steady_clock::now();
        call();
        const auto span = std::chrono::steady_clock::now() - start;
        all_[name].push_back(std::chrono::duration_cast<Micros>(span));
    }
    void report(Dword version) {
        std::printf("table V%u, user code wedged: 200 calls each\n", static_cast<unsigned>(version / 0x100));
        std::printf("  %-20s %6s %12s %12s %12s %10s\n", "entry point", "calls", "median", "99 %", "worst", "budget");
        for (auto& [name, spans] : all_) {
            std::sort(spans.begin(), spans.end());
            const auto budget = name.ends_with("Alive") ? pollBudget : bounded::entryPoint;
            const Micros most = spans[spans.size() * 99 / 100 - 1];
            const auto shown = [](Micros span) { return static_cast<double>(span.count()) / 1e3; };
            std::printf("  %-20s %6zu %9.3f ms %9.3f ms %9.3f ms %7d ms\n", name.c_str(), spans.size(),
                        shown(spans[spans.size() / 2]), shown(most), shown(spans.back()),
                        static_cast<int>(budget.count()));
            CAPTURE(name, spans.size(), most.count(), spans.back().count());
            CHECK(spans.size() >= 200);
            CHECK(most <= budget);
            CHECK(spans.back() <= budget + slack);
        }
        std::fflush(stdout);
    }

private:
    std::map<std::string, std::vector<Micros>> all_;
};

/** One way for the author's code to be deaf: what the script does, and whether the resource is online before it is. */
struct Wedge {
    const char* name;
    bool fromOnline;
    void (*set)(scripted::Script&, const std::shared_ptr<scripted::Door>&);
    bool inValidator{false};
};

const Wedge wedges[] = {
    {"constructor", false,
     [](scripted::Script& script, const std::shared_ptr<scripted::Door>& door) {
         script.construct = [door](holdfast::Context&) { door->waitDeaf(); };
     }},
    {"online", false,
     [](scripted::Script& script, const std::shared_ptr<scripted::Door>& door) {
         script.online = [door](Operation&) { door->waitDeaf(); };
     }},
    {"offline", true,
     [](scripted::Script& script, const std::shared_ptr<scripted::Door>& door) {
         script.offline = [door](Operation&) { door->waitDeaf(); };
     }},
    {"isAlive", true,
     [](scripted::Script& script, const std::shared_ptr<scripted::Door>& door) {
         script.isAlive = [door](Check&) {
             door->waitDeaf();
             return Verdict::alive();
         };
     }},
    {"validator", true, [](scripted::Script&, const std::shared_ptr<scripted::Door>&) {}, true},
};

void measure(Dword version) {
    PropertyBag bag;
    bag.set("Size", PropertyValue::dword(5));
    std::vector<Byte> list = writePropertyList(bag, ListUse::send);
    // ResourceControl with VALIDATE_PRIVATE_PROPERTIES and GET_PRIVATE_PROPERTIES.
    constexpr Dword validate = 0x01000089;
    constexpr Dword get = 0x01000081;
    std::vector<Byte> none;
    std::vector<Byte> out(4'096);
    Times times;
    FunctionTable* table = nullptr;
    for (int i = 0; i < 200; ++i) {
        times.take("StartupEx", [&] { startEx("Stage V4", versionV1, version, &table); });
    }
    const Table t{version};
    for (const Wedge& wedge : wedges) {
        CAPTURE(wedge.name);
        const auto script = newScript();
        const auto door = std::make_shared<scripted::Door>();
        bounded::Release release{door, 45s};
        Hosted one{t};
        if (wedge.fromOnline) REQUIRE(one.bringOnline());
        wedge.set(*script, door);
        if (wedge.inValidator) setValidator([door] { door->waitDeaf(); });
        // The control call of V4 ends later, in its own time; it is the entry point that has a budget.
        Dword returned = 0;
        const auto control = [&](const char* name, Dword code, std::vector<Byte>& in) {
            times.take(name, [&] {
                t.begin(one.id, code, in.data(), static_cast<Dword>(in.size()), out.data(),
                        static_cast<Dword>(out.size()), &returned);
            });
        };
        for (int round = 0; round < rounds; ++round) {
            times.take("Online", [&] { one.online(); });
            times.take("LooksAlive", [&] { t.looksAlive(one.id); });
            times.take("IsAlive", [&] { t.isAlive(one.id); });
            control("GetProperties", get, none);
            // A validator that hangs keeps its caller nearly as long as any call may take: it is not asked each time.
            if (!wedge.inValidator || round < 8) control("ValidateProperties", validate, list);
            times.take("ResourceTypeControl",
                       [&] { t.typeControl(t.typeName().c_str(), 0x02000091, nullptr, 0, nullptr, 0); });
            if (t.canCancel()) times.take("Cancel", [&] { t.cancel(one.id); });
            times.take("Offline", [&] { t.offline(one.id); });
            times.take("Terminate", [&] { t.terminate(one.id); });
            // Another resource of the same library, beside the wedged one.
            ResourceId other = nullptr;
            times.take("Open",
                       [&] { other = t.open("other", reinterpret_cast<ResourceHandle>(std::uintptr_t{2}), 0); });
            REQUIRE(other != nullptr);
            times.take("Close", [&] { t.close(other); });
        }
        setValidator(nullptr);
        release.now();
        one.close();
    }
    // The calls that a hung validator was spared.
    {
        const auto script = newScript();
        Hosted one{t};
        Dword returned = 0;
        for (int i = 8; i < rounds; ++i) {
            times.take("ValidateProperties", [&] {
                t.begin(one.id, validate, list.data(), static_cast<Dword>(list.size()), out.data(),
                        static_cast<Dword>(out.size()), &returned);
            });
        }
    }
    times.report(version);
}

}  // namespace

TEST_CASE("W-100 V1: every entry point returns within its budget while the author's code is wedged") {
    measure(versionV1);
}
TEST_CASE("W-100 V2: every entry point returns within its budget while the author's code is wedged") {
    measure(versionV2);
}
TEST_CASE("W-100 V4: every entry point returns within its budget while the author's code is wedged") {
    measure(versionV4);
}
