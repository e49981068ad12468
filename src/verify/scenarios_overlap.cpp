// SPDX-License-Identifier: BSL-1.0
// Terminate in the middle of anything (W-102), Offline and Close in the middle of Online: races of section 3.2.
#include "verify/running.hpp"
#include "verify/scenario.hpp"
#include "verify/subject.hpp"

#include <holdfast/abi/control_codes.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <thread>

namespace holdfast::inline v1::verify {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/** From here on a Terminate that overlaps something is not late by accident. */
constexpr milliseconds tooLong{1'000};

/** A thread that has been inside for so long, with no stall counted, has entered the library. */
#if defined(_WIN32)
constexpr milliseconds leastFair{60};
#else
constexpr milliseconds leastFair{8};
#endif

/** When to call Terminate after the other call has begun: close together at first, and never twice the same. */
std::vector<microseconds> delays(Stage& stage, nanoseconds whole) {
    std::vector<microseconds> all;
    const auto longest =
        std::clamp(std::chrono::duration_cast<microseconds>(whole) * 3 / 2, microseconds{5'000}, microseconds{400'000});
    for (auto next = microseconds{0}; next < longest; next = next * 2 + microseconds{150}) {
        const auto spread = static_cast<std::int64_t>(stage.random()() % 100);
        all.push_back(next + next * spread / 100);
    }
    return all;
}

/** Whether Terminate alone keeps its budget: if not, that is what is wrong, and not the overlap. */
bool terminatesInTime(Stage& stage, Subject& subject, std::string_view rule) {
    subject.mustComeOnline();
    const Answer answer = subject.terminate();
    if (answer.span <= callBudget) return true;
    stage.leavesOpen(rule, fmt::format("Terminate takes {} ms even with nothing else running, see budget.terminate",
                                       answer.span / 1ms));
    return false;
}

/** A Terminate that had to run beside something. */
void judgeTerminate(Stage& stage, std::string_view rule, const Answer& answer, microseconds delay,
                    std::string_view beside) {
    if (answer.span - answer.stalled > tooLong) {
        stage.breaks(rule, fmt::format("Terminate, called {} us after {}, took {} ms: it waited for it", delay.count(),
                                       beside, answer.span / 1ms));
    } else if (answer.span > callBudget) {
        stage.warns(rule, fmt::format("Terminate, called {} us after {}, took {} ms", delay.count(), beside,
                                      answer.span / 1ms));
    }
}

/** It must be able to do a whole life afterwards (W-132). */
void liveOnce(Stage& stage, Subject& subject, std::string_view rule) {
    subject.mustComeOnline(rule);
    if (!subject.isAlive()) stage.breaks(rule, "afterwards IsAlive is FALSE although Online succeeded");
    if (!subject.takeOffline(rule)) stage.giveUp();
}

void terminateInOnline(Stage& stage) {
    constexpr std::string_view rule = "lifecycle.terminate-in-online";
    stage.begin();
    stage.rotateThreads(true);
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    if (!terminatesInTime(stage, subject, rule)) return subject.close();
    const nanoseconds whole = subject.onlineTook();
    stage.measure(false);
    {
        const Stage::Blame blame{stage, rule};
        for (const microseconds delay : delays(stage, whole)) {
            const auto online = subject.startOnline();
            online->waitUntilEntered();
            std::this_thread::sleep_for(delay);
            const auto stalledBefore = stalledSoFar();
            const bool returned = online->waitFor(0ms);
            const auto terminate = subject.startTerminate();
            const Answer terminated = stage.wait(*terminate);
            const Answer answer = stage.wait(*online);
            judgeTerminate(stage, rule, terminated, delay, "Online");
            // W-240. A thread that the machine had stopped before it entered the library was no Online yet.
            const bool fair = returned || (delay >= leastFair && stalledSoFar() == stalledBefore);
            if (fair && subject.isAlive()) {
                stage.breaks(
                    rule,
                    fmt::format("Terminate came {} us after Online (which answered {}), and the resource is alive",
                                delay.count(), answer.code));
            }
            subject.terminate();
        }
        // Once without a second Terminate, which might end what the first one forgot.
        static_cast<void>(stage.wait(*subject.startOnline()));
        std::this_thread::sleep_for(std::min<nanoseconds>(whole / 4, 100ms));
        subject.terminate();
        // A worker that goes on reports now.
        std::this_thread::sleep_for(std::clamp<nanoseconds>(whole * 3 / 2, 300ms, 3s));
        if (subject.isAlive()) stage.breaks(rule, "some time after Terminate the resource came alive");
        liveOnce(stage, subject, rule);
    }
    subject.close();
    stage.keepsUnlessBroken(rule);
}

void terminateInOffline(Stage& stage) {
    constexpr std::string_view rule = "lifecycle.terminate-in-offline";
    stage.begin();
    stage.rotateThreads(true);
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    if (!terminatesInTime(stage, subject, rule)) return subject.close();
    subject.mustComeOnline();
    const auto begin = std::chrono::steady_clock::now();
    if (!subject.takeOffline()) stage.giveUp();
    const nanoseconds whole = std::chrono::steady_clock::now() - begin;
    stage.measure(false);
    {
        const Stage::Blame blame{stage, rule};
        for (const microseconds delay : delays(stage, whole)) {
            subject.mustComeOnline();
            const auto offline = subject.startOffline();
            offline->waitUntilEntered();
            std::this_thread::sleep_for(delay);
            const auto terminate = subject.startTerminate();
            const Answer terminated = stage.wait(*terminate);
            static_cast<void>(stage.wait(*offline));
            judgeTerminate(stage, rule, terminated, delay, "Offline");
            if (subject.isAlive())
                stage.breaks(
                    rule, fmt::format("Terminate came {} us after Offline, and the resource is alive", delay.count()));
        }
        std::this_thread::sleep_for(std::clamp<nanoseconds>(whole * 3 / 2, 200ms, 3s));
        liveOnce(stage, subject, rule);
    }
    subject.close();
    stage.keepsUnlessBroken(rule);
}

void terminateInCheck(Stage& stage) {
    constexpr std::string_view rule = "lifecycle.terminate-in-check";
    stage.begin();
    stage.rotateThreads(true);
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    if (!terminatesInTime(stage, subject, rule)) return subject.close();
    stage.measure(false);
    {
        const Stage::Blame blame{stage, rule};
        for (int turn = 0; turn < 12; ++turn) {
            subject.mustComeOnline();
            const auto check = turn % 2 == 0 ? subject.startIsAlive() : subject.startLooksAlive();
            check->waitUntilEntered();
            const auto delay = microseconds{turn / 2 * static_cast<std::int64_t>(stage.random()() % 2'000)};
            std::this_thread::sleep_for(delay);
            const auto terminate = subject.startTerminate();
            const Answer terminated = stage.wait(*terminate);
            static_cast<void>(stage.wait(*check));  // W-245: its answer may be anything
            if (subject.isAlive()) stage.breaks(rule, "Terminate came during a check, and the resource is alive");
            judgeTerminate(stage, rule, terminated, delay, turn % 2 == 0 ? "IsAlive" : "LooksAlive");
        }
        liveOnce(stage, subject, rule);
    }
    subject.close();
    stage.keepsUnlessBroken(rule);
}

void terminateInControl(Stage& stage) {
    constexpr std::string_view rule = "lifecycle.terminate-in-control";
    stage.begin();
    if (!stage.hasResourceControl()) return stage.isNotFor(rule, "it has no ResourceControl");
    stage.rotateThreads(true);
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    if (!terminatesInTime(stage, subject, rule)) return subject.close();
    stage.measure(false);
    {
        const Stage::Blame blame{stage, rule};
        const std::array codes{abi::control::resourceGetPrivateProperties, abi::control::resourceEnumPrivateProperties,
                               abi::control::resourceUnknown};
        for (int turn = 0; turn < 9; ++turn) {
            subject.mustComeOnline();
            const auto control = subject.startControl(codes[static_cast<std::size_t>(turn) % codes.size()]);
            control->waitUntilEntered();
            const auto delay = microseconds{turn / 3 * static_cast<std::int64_t>(stage.random()() % 1'000)};
            std::this_thread::sleep_for(delay);
            const auto terminate = subject.startTerminate();
            const Answer terminated = stage.wait(*terminate);
            static_cast<void>(stage.wait(*control));
            if (subject.isAlive())
                stage.breaks(rule, "Terminate came during a control call, and the resource is alive");
            judgeTerminate(stage, rule, terminated, delay, "ResourceControl");
        }
        liveOnce(stage, subject, rule);
    }
    subject.close();
    stage.keepsUnlessBroken(rule);
}

void offlineInOnline(Stage& stage) {
    constexpr std::string_view rule = "lifecycle.offline-in-online";
    stage.begin();
    stage.rotateThreads(true);
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    subject.mustComeOnline();  // how long does that take?
    if (!subject.takeOffline()) stage.giveUp();
    const nanoseconds whole = subject.onlineTook();
    bool pended = false;
    {
        const Stage::Blame blame{stage, rule};
        for (int turn = 0; turn < 4; ++turn) {
            const auto online = subject.startOnline();
            const Answer answer = stage.wait(*online);
            if (answer.code != abi::code::ioPending) {
                static_cast<void>(subject.takeOffline());
                continue;
            }
            pended = true;
            std::this_thread::sleep_for(microseconds{stage.random()() % 3'000});
            if (!subject.takeOffline(rule)) stage.giveUp();
            if (subject.isAlive())
                stage.breaks(rule, "Offline during a pending Online succeeded, and the resource is alive");
            std::this_thread::sleep_for(std::clamp<nanoseconds>(whole, 30ms, 1s));
            if (subject.isAlive())
                stage.breaks(rule, "after Offline the resource came alive: the Online before it went on");
        }
        liveOnce(stage, subject, rule);
    }
    subject.close();
    if (!pended) return stage.isNotFor(rule, "its Online never pends");
    stage.keepsUnlessBroken(rule);
}

void closePending(Stage& stage) {
    constexpr std::string_view rule = "lifecycle.close-pending";
    stage.begin();
    stage.rotateThreads(true);
    bool pended = false;
    const Stage::Blame blame{stage, rule};
    for (int turn = 0; turn < 4; ++turn) {
        Subject subject{stage, "verify-a"};
        if (!subject.open()) {
            if (turn != 0) stage.breaks(rule, "after Close of a pending resource Open fails");
            stage.giveUp();
        }
        const auto online = subject.startOnline();
        pended = stage.wait(*online).code == abi::code::ioPending || pended;
        std::this_thread::sleep_for(microseconds{stage.random()() % 3'000});
        subject.close();
    }
    std::this_thread::sleep_for(500ms);
    Subject again{stage, "verify-a"};
    again.mustOpen();
    liveOnce(stage, again, rule);
    again.close();
    if (!pended) return stage.isNotFor(rule, "its Online never pends");
    stage.keepsUnlessBroken(rule);
}

}  // namespace

void addOverlapScenarios(std::vector<Scenario>& all) {
    all.push_back({"Terminate in Online",
                   {"lifecycle.terminate-in-online"},
                   {"Terminate online", "any thread"},
                   &terminateInOnline});
    all.push_back({"Terminate in Offline",
                   {"lifecycle.terminate-in-offline"},
                   {"Terminate online", "any thread"},
                   &terminateInOffline});
    all.push_back({"Terminate in a check",
                   {"lifecycle.terminate-in-check"},
                   {"Terminate online", "any thread"},
                   &terminateInCheck});
    all.push_back({"Terminate in a control call",
                   {"lifecycle.terminate-in-control"},
                   {"Terminate online", "any thread"},
                   &terminateInControl});
    all.push_back({"Offline in Online", {"lifecycle.offline-in-online"}, {"cycle", "any thread"}, &offlineInOnline});
    all.push_back({"Close pending", {"lifecycle.close-pending"}, {"Close online", "any thread"}, &closePending});
}

}  // namespace holdfast::inline v1::verify
