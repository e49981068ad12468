// SPDX-License-Identifier: BSL-1.0
// Faults in the author's place: an agent made with holdfast keeps its word whatever the author's code does.
#include "verify/running.hpp"
#include "verify/scenario.hpp"
#include "verify/subject.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace holdfast::inline v1::verify {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

/** What a slow member does before it does what it should. */
constexpr milliseconds slowness{2'000};

/** The fault of this process; the library's threads meet it in `meet`. */
struct Faults {
    std::mutex mutex;  // guards all below
    std::condition_variable changed;
    Injection injection;
    bool armed{false};
    int met{0};
};
Faults& faults() {
    static auto* const all = new Faults;  // NOLINT: threads that hang in it outlive everything
    return *all;
}

abi::Dword HOLDFAST_STDCALL meet(abi::ResourceHandle, const char* call) {
    Faults& all = faults();
    std::unique_lock lock{all.mutex};
    if (!all.armed || call == nullptr || all.injection.entry != call) return 0;
    ++all.met;
    all.changed.notify_all();
    switch (all.injection.fault) {
        case Injection::Fault::fail: return 1;
        case Injection::Fault::crash: std::abort();
        case Injection::Fault::slow: all.changed.wait_for(lock, slowness, [&] { return !all.armed; }); return 0;
        case Injection::Fault::hang: all.changed.wait(lock, [&] { return !all.armed; }); return 0;
    }
    return 0;
}

void arm(const Injection& injection) {
    const std::lock_guard lock{faults().mutex};
    faults().injection = injection;
    faults().armed = true;
    faults().met = 0;
}
void disarm() {
    const std::lock_guard lock{faults().mutex};
    faults().armed = false;
    faults().changed.notify_all();
}
bool wasMet(milliseconds patience) {
    std::unique_lock lock{faults().mutex};
    return faults().changed.wait_for(lock, patience, [] { return faults().met != 0; });
}

/** A call beside the fault: its time is judged here. */
void judgeSpan(Stage& stage, const Injection& injection, const char* call, std::chrono::nanoseconds span) {
    if (span <= callBudget) return;
    stage.breaks("inject.budget", fmt::format("{}: {} took {} ms", injection.text(), call, span / 1ms));
}

/** Polls until IsAlive says FALSE or the event comes; when, or nothing. */
bool failureShows(Stage& stage, Subject& subject, const Injection& injection) {
    const auto begin = Steady::now();
    while (Steady::now() - begin < stage.plan().detectLimit) {
        const Answer is = stage.wait(*subject.startIsAlive());
        judgeSpan(stage, injection, "IsAlive", is.span);
        if (is.code == 0) return true;
        std::this_thread::sleep_for(100ms);
    }
    return false;
}

void inOnline(Stage& stage, Subject& subject, const Injection& injection) {
    const Answer online = stage.wait(*subject.startOnline());
    judgeSpan(stage, injection, "Online", online.span);
    if (!wasMet(5s))
        return stage.leavesOpen("inject.outcome", fmt::format("{}: the member was not called", injection.text()));
    if (injection.fault == Injection::Fault::fail) {
        const auto final = subject.line().waitForFinal(stage.plan().operationLimit, stage.plan().pendingTimeout);
        if (!final || final->state != abi::ResourceState::failed) {
            stage.breaks("inject.outcome", fmt::format("{}: Online did not fail", injection.text()));
        } else {
            stage.keepsUnlessBroken("inject.outcome");
        }
    } else {
        stage.keepsUnlessBroken("inject.outcome");
    }
    if (injection.fault == Injection::Fault::slow) {
        const auto final = subject.line().waitForFinal(stage.plan().operationLimit, stage.plan().pendingTimeout);
        if (!final || final->state != abi::ResourceState::online)
            stage.breaks("inject.outcome", fmt::format("{}: a slow Online failed", injection.text()));
    }
}

void inCheck(Stage& stage, Subject& subject, const Injection& injection) {
    subject.mustComeOnline();
    if (!wasMet(20s))
        return stage.leavesOpen("inject.outcome",
                                fmt::format("{}: the member was not called within 20 s", injection.text()));
    if (injection.fault == Injection::Fault::slow) {
        std::this_thread::sleep_for(slowness + 500ms);
        const Answer is = stage.wait(*subject.startIsAlive());
        judgeSpan(stage, injection, "IsAlive", is.span);
        if (is.code == 0)
            stage.breaks("inject.outcome", fmt::format("{}: a slow check made the resource fail", injection.text()));
        return stage.keepsUnlessBroken("inject.outcome");
    }
    const auto begin = Steady::now();
    if (!failureShows(stage, subject, injection)) {
        return stage.breaks("inject.outcome", fmt::format("{}: IsAlive was still TRUE after {} ms", injection.text(),
                                                          stage.plan().detectLimit.count()));
    }
    if (!stage.reporter().failed("inject.outcome"))
        stage.keeps("inject.outcome",
                    fmt::format("{}: IsAlive was FALSE after {} ms", injection.text(), (Steady::now() - begin) / 1ms));
}

void inOffline(Stage& stage, Subject& subject, const Injection& injection) {
    disarm();
    subject.mustComeOnline();
    arm(injection);
    const Answer offline = stage.wait(*subject.startOffline());
    judgeSpan(stage, injection, "Offline", offline.span);
    if (!wasMet(5s))
        return stage.leavesOpen("inject.outcome", fmt::format("{}: the member was not called", injection.text()));
    if (injection.fault != Injection::Fault::hang) {
        const auto final = subject.line().waitForFinal(stage.plan().operationLimit, stage.plan().pendingTimeout);
        const auto wanted =
            injection.fault == Injection::Fault::slow ? abi::ResourceState::offline : abi::ResourceState::failed;
        if (!final || final->state != wanted)
            return stage.breaks("inject.outcome", fmt::format("{}: Offline ended otherwise", injection.text()));
    }
    stage.keepsUnlessBroken("inject.outcome");
}

void play(Stage& stage, const Injection& injection) {
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    arm(injection);
    const bool inTerminate = injection.entry == "terminate";
    if (injection.entry == "offline") {
        inOffline(stage, subject, injection);
    } else if (injection.entry == "isAlive" || injection.entry == "looksAlive" || injection.entry == "repair") {
        inCheck(stage, subject, injection);
    } else if (inTerminate) {
        subject.mustComeOnline();
    } else {
        inOnline(stage, subject, injection);
    }
    // D1: a slow terminate() is waited for, on purpose; everything else must not keep Terminate.
    const auto terminate = subject.startTerminate();
    if (inTerminate && injection.fault == Injection::Fault::hang) {
        std::this_thread::sleep_for(1s);
        disarm();
    }
    const Answer ended = stage.wait(*terminate);
    if (!inTerminate && ended.span > callBudget) {
        stage.breaks("inject.terminate", fmt::format("{}: Terminate took {} ms", injection.text(), ended.span / 1ms));
    }
    if (subject.isAlive()) stage.breaks("inject.terminate", fmt::format("{}: alive after Terminate", injection.text()));
    stage.keepsUnlessBroken("inject.terminate");
    disarm();
    // An abandoned call ends now; what it may have started is undone before a new Online starts anything.
    if (!subject.bringOnline()) {
        stage.breaks("inject.recovery",
                     fmt::format("{}: it does not come online once the fault is over", injection.text()));
    } else {
        stage.keepsUnlessBroken("inject.recovery");
        static_cast<void>(subject.takeOffline());
    }
    subject.close();
}

void injected(Stage& stage) {
    constexpr std::array rules{"inject.budget", "inject.outcome", "inject.terminate", "inject.recovery"};
    const auto& wanted = stage.plan().injections;
    if (wanted.empty()) {
        for (const auto* const rule : rules) stage.isNotFor(rule, "needs --inject, and an agent made with holdfast");
        return;
    }
    monitor::offerFaults(&meet);
    stage.begin();
    stage.rotateThreads(true);
    stage.measure(false);
    bool met = false;
    for (const Injection& injection : wanted) {
        if (injection.fault == Injection::Fault::crash) continue;
        play(stage, injection);
        const std::lock_guard lock{faults().mutex};
        met = met || faults().met != 0;
    }
    const bool crashes = std::any_of(wanted.begin(), wanted.end(),
                                     [](const Injection& one) { return one.fault == Injection::Fault::crash; });
    if (met) {
        stage.keepsUnlessBroken("inject.budget");
    } else if (!crashes) {
        for (const auto* const rule : rules)
            stage.isNotFor(rule, "no fault was met: the agent is not made with holdfast, or never calls the member");
    }
}

/** A crash must be attributed: to the process that died while the author's member ran. */
void crashed(Stage& stage) {
    const auto& wanted = stage.plan().injections;
    const auto found = std::find_if(wanted.begin(), wanted.end(),
                                    [](const Injection& one) { return one.fault == Injection::Fault::crash; });
    if (found == wanted.end()) return;
    monitor::offerFaults(&meet);
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    arm(*found);
    stage.reporter().note(crashOrdered);
    static_cast<void>(subject.bringOnline());
    if (found->entry == "offline") {
        static_cast<void>(subject.takeOffline());
    } else if (found->entry == "terminate") {
        subject.terminate();
    } else {
        static_cast<void>(wasMet(20s));
        std::this_thread::sleep_for(200ms);
    }
    stage.leavesOpen("inject.outcome", fmt::format("{}: the member was not called", found->text()));
}

/** W-124: the process before this one died at its work, and may have left something running. */
void afterCrash(Stage& stage) {
    const auto& wanted = stage.plan().injections;
    if (std::none_of(wanted.begin(), wanted.end(),
                     [](const Injection& one) { return one.fault == Injection::Fault::crash; })) {
        return;
    }
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    if (!subject.bringOnline()) {
        stage.breaks("inject.recovery", "after a crash it does not come online in the next process");
        stage.giveUp();
    }
    if (!subject.isAlive()) stage.breaks("inject.recovery", "after a crash IsAlive is FALSE in the next process");
    if (!subject.takeOffline()) stage.giveUp();
    subject.close();
    stage.keepsUnlessBroken("inject.recovery");
}

}  // namespace

void addInjectionScenarios(std::vector<Scenario>& all) {
    all.push_back({"injected faults",
                   {"inject.budget", "inject.outcome", "inject.terminate", "inject.recovery"},
                   {"cycle"},
                   &injected,
                   300s});
    all.push_back({"injected crash", {"inject.outcome"}, {"cycle"}, &crashed});
    all.push_back({"after a crash", {"inject.recovery"}, {"cycle"}, &afterCrash});
}

}  // namespace holdfast::inline v1::verify
