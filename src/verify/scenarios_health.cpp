// SPDX-License-Identifier: BSL-1.0
// Polls, the failure event, and whether a failure is noticed: section 4 of the contract.
#include "verify/scenario.hpp"
#include "verify/subject.hpp"

#include <fmt/format.h>

#include <thread>

namespace holdfast::inline v1::verify {
namespace {

using Steady = std::chrono::steady_clock;

std::int64_t msSince(Steady::time_point begin) { return (Steady::now() - begin) / 1ms; }

void polling(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    subject.mustComeOnline();
    const auto begin = Steady::now();
    const bool event = subject.event() != nullptr;
    int polls = 0;
    bool steady = true;
    const auto look = [&] {
        const bool cursory = polls % 2 == 0 && !event;  // W-321: with an event LooksAlive is not called
        ++polls;
        const bool alive = cursory ? subject.looksAlive() : subject.isAlive();
        if (!alive && steady) {
            steady = false;
            std::this_thread::sleep_for(50ms);
            const bool back = subject.isAlive();
            stage.breaks("health.steady", fmt::format("{} was FALSE at poll {}, {} ms after Online, with nothing done "
                                                      "to the resource; 50 ms later IsAlive was {}",
                                                      cursory ? "LooksAlive" : "IsAlive", polls, msSince(begin),
                                                      back ? "TRUE" : "FALSE"));
        }
        if (!event) return;
        switch (subject.waitForEvent(0ms)) {
            case HandleState::waiting: break;
            case HandleState::invalid:
                stage.breaks(
                    "health.event-lifetime",
                    fmt::format("{} ms after Online its event has been closed, while it is online", msSince(begin)));
                break;
            case HandleState::signalled:
                if (alive && steady && !stage.reporter().failed("health.event-initial"))
                    stage.breaks("health.steady", "its event is signalled although IsAlive is TRUE");
                steady = false;
                break;
        }
    };
    for (int burst = 0; burst < 100; ++burst) look();
    while (msSince(begin) < 2'500 && steady) {
        look();
        std::this_thread::sleep_for(20ms);
    }
    static_cast<void>(subject.takeOffline());
    subject.close();
    stage.keepsUnlessBroken("health.steady");
    if (!event) {
        stage.isNotFor("health.event-lifetime", "it leaves no event: it is polled");
    } else {
        stage.keepsUnlessBroken("health.event-lifetime");
    }
}

/** Polls as an engine does until something says that the resource has failed; how, or empty. */
std::string waitForFailure(Stage& stage, Subject& subject) {
    const bool event = subject.event() != nullptr;
    const auto end = Steady::now() + stage.plan().detectLimit;
    for (auto nextPoll = Steady::now(); Steady::now() < end;) {
        if (event) {
            const HandleState state = subject.waitForEvent(50ms);
            if (state == HandleState::signalled) return "event";
            if (state == HandleState::invalid) return {};
        } else {
            std::this_thread::sleep_for(50ms);
        }
        if (subject.line().failureSignalled()) return "SignalFailure";
        if (Steady::now() < nextPoll) continue;
        nextPoll = Steady::now() + 500ms;
        if (!event && !subject.looksAlive() && !subject.isAlive()) return "LooksAlive and IsAlive";
        if (!subject.isAlive()) return "IsAlive";
    }
    return {};
}

void failure(Stage& stage) {
    if (stage.plan().breakCommand.empty()) {
        stage.isNotFor("health.failure-noticed", "needs --break: a command that makes the resource fail");
        return stage.isNotFor("health.verdict-first", "needs --break: a command that makes the resource fail");
    }
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    subject.mustComeOnline();
    if (!subject.isAlive()) stage.giveUp();
    std::this_thread::sleep_for(300ms);
    const auto begin = Steady::now();
    if (const int status = runShell(stage.plan().breakCommand); status != 0) {
        stage.leavesOpen("health.failure-noticed", fmt::format("the --break command ended with {}", status));
        return stage.leavesOpen("health.verdict-first", fmt::format("the --break command ended with {}", status));
    }
    const std::string how = waitForFailure(stage, subject);
    if (how.empty()) {
        stage.breaks("health.failure-noticed",
                     fmt::format("{} ms after the resource was broken nobody has noticed: IsAlive is TRUE{}",
                                 msSince(begin), subject.event() == nullptr ? "" : ", and its event is not signalled"));
        stage.leavesOpen("health.verdict-first", "the failure was not noticed");
    } else {
        stage.keeps("health.failure-noticed", fmt::format("noticed by {} after {} ms", how, msSince(begin)));
        if (how != "event" && how != "SignalFailure") {
            stage.isNotFor("health.verdict-first", "the failure was found by a poll, not by an event");
        } else if (subject.isAlive()) {
            stage.breaks(
                "health.verdict-first",
                fmt::format("the {} came, and IsAlive was still TRUE: the engine takes it for a false alarm", how));
        } else {
            stage.keeps("health.verdict-first");
        }
    }
    subject.terminate();
    subject.close();
}

}  // namespace

void addHealthScenarios(std::vector<Scenario>& all) {
    all.push_back({"polling", {"health.steady", "health.event-lifetime"}, {"cycle"}, &polling});
    all.push_back({failureScenario, {"health.failure-noticed", "health.verdict-first"}, {"cycle"}, &failure, 180s});
}

}  // namespace holdfast::inline v1::verify
