// SPDX-License-Identifier: BSL-1.0
// What an engine does all day: section 2 of the contract.
#include "verify/scenario.hpp"
#include "verify/subject.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <thread>

namespace holdfast::inline v1::verify {
namespace {

/** How long after Online the first verdict may take. */
constexpr std::chrono::milliseconds firstVerdict{0};

void cycle(Stage& stage) {
    stage.begin();
    for (int turn = 1; turn <= 3; ++turn) {
        Subject subject{stage, "verify-a"};
        subject.mustOpen();
        stage.keeps("lifecycle.open");
        subject.mustComeOnline();
        if (!subject.isAliveWithin(firstVerdict)) {
            stage.breaks("lifecycle.online", "IsAlive was FALSE right after Online had succeeded");
            stage.giveUp();  // every other scenario would stumble over the same
        }
        stage.keepsUnlessBroken("lifecycle.online");
        static_cast<void>(subject.looksAlive());
        if (!subject.takeOffline()) stage.giveUp();
        stage.keepsUnlessBroken("lifecycle.offline");
        // W-126: on the same instance, as an engine does it.
        subject.mustComeOnline("lifecycle.again");
        if (!subject.takeOffline()) stage.giveUp();
        stage.keepsUnlessBroken("lifecycle.again");
        subject.close();
    }
}

void idempotence(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    if (!subject.takeOffline("lifecycle.offline-idempotent")) stage.giveUp();
    subject.mustComeOnline();
    if (!subject.takeOffline()) stage.giveUp();
    if (!subject.takeOffline("lifecycle.offline-idempotent")) stage.giveUp();
    stage.keepsUnlessBroken("lifecycle.offline-idempotent");
    subject.close();
}

void twoInstances(Stage& stage) {
    stage.begin();
    Subject first{stage, "verify-a"};
    first.mustOpen();
    Subject second{stage, "verify-b"};
    {
        // A type may allow one instance only (W-112); then it must say so.
        if (!second.openQuietly()) {
            stage.isNotFor("lifecycle.two-instances", "the second Open was refused: the type allows one instance");
            first.close();
            return;
        }
    }
    if (first.id() == second.id()) {
        stage.breaks("lifecycle.two-instances", "two instances got the same id");
        stage.giveUp();  // whom a call was meant for cannot be told
    }
    first.mustComeOnline();
    // What the second one is told must not matter to the first.
    if (second.isAlive())
        stage.breaks("lifecycle.two-instances", "an instance that is offline is alive since another one is online");
    second.terminate();
    second.close();
    if (!first.isAlive()) stage.breaks("lifecycle.two-instances", "Terminate and Close of one instance ended another");
    if (!first.takeOffline("lifecycle.two-instances")) stage.giveUp();
    first.close();
    stage.keepsUnlessBroken("lifecycle.two-instances");
}

void anyThread(Stage& stage) {
    stage.begin();
    stage.rotateThreads(true);
    const Stage::Blame blame{stage, "lifecycle.any-thread"};
    for (int turn = 0; turn < 2; ++turn) {
        Subject subject{stage, "verify-a"};
        subject.mustOpen();
        subject.mustComeOnline();
        if (!subject.isAlive()) stage.breaks("lifecycle.any-thread", "IsAlive was FALSE on a thread of its own");
        static_cast<void>(subject.looksAlive());
        if (!subject.takeOffline("lifecycle.any-thread")) stage.giveUp();
        subject.terminate();
        subject.close();
    }
    stage.keepsUnlessBroken("lifecycle.any-thread");
}

void vanishingArguments(Stage& stage) {
    stage.begin();
    const Stage::Blame blame{stage, "lifecycle.copies-arguments"};
    Subject subject{stage, "verify-a"};
    if (!subject.open(true)) stage.giveUp();
    subject.mustComeOnline();
    static_cast<void>(subject.isAlive());
    if (!subject.takeOffline()) stage.giveUp();
    subject.terminate();
    subject.close();
    stage.keepsUnlessBroken("lifecycle.copies-arguments");
}

void terminateIdle(Stage& stage) {
    stage.begin();
    const Stage::Blame blame{stage, "lifecycle.terminate-idle"};
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    subject.terminate();
    subject.mustComeOnline("lifecycle.terminate-idle");
    if (!subject.takeOffline()) stage.giveUp();
    subject.terminate();
    subject.close();
    stage.keepsUnlessBroken("lifecycle.terminate-idle");
}

void terminateOnline(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    for (int turn = 0; turn < 3; ++turn) {
        subject.mustComeOnline(turn == 0 ? "lifecycle.online" : "lifecycle.terminate-online");
        if (turn != 0 && !subject.isAlive())
            stage.breaks("lifecycle.terminate-online", "IsAlive was FALSE after Online that followed a Terminate");
        {
            const Stage::Blame blame{stage, turn == 2 ? "lifecycle.terminate-twice" : "lifecycle.terminate-online"};
            subject.terminate();
            if (turn == 2) subject.terminate();
        }
        const bool looks = subject.looksAlive();
        const bool is = subject.isAlive();
        if (looks || is) {
            stage.breaks("health.after-terminate",
                         fmt::format("{} answered TRUE after Terminate", is ? "IsAlive" : "LooksAlive"));
        } else {
            stage.keepsUnlessBroken("health.after-terminate");
        }
    }
    subject.mustComeOnline("lifecycle.terminate-twice");
    if (!subject.takeOffline("lifecycle.terminate-twice")) stage.giveUp();
    subject.close();
    stage.keepsUnlessBroken("lifecycle.terminate-online");
    stage.keepsUnlessBroken("lifecycle.terminate-twice");
    // What looks for life after an overlapped Terminate would find the same again.
    if (stage.reporter().failed("health.after-terminate")) stage.giveUp();
}

void closeOnline(Stage& stage) {
    stage.begin();
    for (int turn = 0; turn < 2; ++turn) {
        Subject subject{stage, "verify-a"};
        subject.mustOpen();
        subject.mustComeOnline(turn == 0 ? "lifecycle.online" : "lifecycle.close-online");
        const Stage::Blame blame{stage, "lifecycle.close-online"};
        subject.close();
    }
    std::this_thread::sleep_for(300ms);
    stage.keepsUnlessBroken("lifecycle.close-online");
}

void staleIds(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    const abi::ResourceId stale = subject.id();
    subject.close();
    const Stage::Blame blame{stage, "lifecycle.stale-id"};
    stage.measure(false);
    const auto table = stage.table();
    const auto wrong = static_cast<std::uintptr_t>(0x5EED'0000U + (stage.random()() & 0xFFF8U));
    for (const abi::ResourceId id : {stale, reinterpret_cast<abi::ResourceId>(wrong)}) {
        const std::string which = id == stale ? "an id that was closed" : "an id that never was";
        const auto check = [&](const char* call, abi::Dword code, abi::Dword wanted) {
            if (code != wanted)
                stage.breaks("lifecycle.stale-id",
                             fmt::format("{} with {} returned {}, not {}", call, which, code, wanted));
        };
        check("IsAlive",
              stage.call("IsAlive", which, {}, [=] { return static_cast<abi::Dword>(table.v1.isAlive(id)); }).code, 0);
        check(
            "LooksAlive",
            stage.call("LooksAlive", which, {}, [=] { return static_cast<abi::Dword>(table.v1.looksAlive(id)); }).code,
            0);
        const auto event = std::make_shared<abi::Handle>();
        const auto online = stage.call("Online", which, {}, [=] {
            return table.version == abi::versionV1 ? table.v1.online(id, event.get())
                                                   : table.v2.online(id, event.get(), 0, nullptr, 0, 0);
        });
        check("Online", online.code, abi::code::resourceNotFound);
        const auto offline = stage.call("Offline", which, {}, [=] {
            return table.version == abi::versionV1 ? table.v1.offline(id)
                                                   : table.v2.offline(id, nullptr, 0, nullptr, 0, 0);
        });
        check("Offline", offline.code, abi::code::resourceNotFound);
        stage.call("Terminate", which, {}, [=] { return table.v1.terminate(id), abi::Dword{0}; });
        if (stage.hasResourceControl()) {
            const auto answer = stage.control(id, which, {0x01000081, nullptr, 0, nullptr, 0});
            check("ResourceControl", answer.code, abi::code::resourceNotFound);
        }
        stage.call("Close", which, {}, [=] { return table.v1.close(id), abi::Dword{0}; });
    }
    stage.keepsUnlessBroken("lifecycle.stale-id");
}

}  // namespace

void addLifecycleScenarios(std::vector<Scenario>& all) {
    all.push_back({"cycle",
                   {"lifecycle.open", "lifecycle.online", "lifecycle.offline", "lifecycle.again"},
                   {"loading", "versions"},
                   &cycle});
    addUnloadScenarios(all);
    all.push_back({"idempotence", {"lifecycle.offline-idempotent"}, {"cycle"}, &idempotence});
    all.push_back({"two instances", {"lifecycle.two-instances"}, {"cycle"}, &twoInstances});
    all.push_back({"any thread", {"lifecycle.any-thread"}, {"cycle"}, &anyThread});
    all.push_back({"vanishing arguments", {"lifecycle.copies-arguments"}, {"cycle"}, &vanishingArguments});
    all.push_back({"Terminate idle", {"lifecycle.terminate-idle"}, {"cycle"}, &terminateIdle});
    all.push_back({"Terminate online",
                   {"lifecycle.terminate-online", "lifecycle.terminate-twice", "health.after-terminate"},
                   {"cycle"},
                   &terminateOnline});
    all.push_back({"Close online", {"lifecycle.close-online"}, {"cycle"}, &closeOnline});
    all.push_back({"stale ids", {"lifecycle.stale-id"}, {"cycle"}, &staleIds});
}

}  // namespace holdfast::inline v1::verify
