// SPDX-License-Identifier: BSL-1.0
// What a library may say, and when: section 3 of the contract. Most of it is watched in every scenario (desk.cpp).
#include "verify/running.hpp"
#include "verify/scenario.hpp"
#include "verify/subject.hpp"

#include <algorithm>
#include <thread>

namespace holdfast::inline v1::verify {
namespace {

/** W-206: the engine answers Terminate to the first pending report. */
void refused(Stage& stage) {
    constexpr std::string_view rule = "pending.after-terminate";
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    subject.mustComeOnline();
    const auto whole = subject.onlineTook();
    if (!subject.takeOffline()) stage.giveUp();
    bool heard = false;
    for (const bool online : {true, false}) {
        if (!online) subject.mustComeOnline();
        subject.line().refuseNext();
        const auto running = online ? subject.startOnline() : subject.startOffline();
        static_cast<void>(stage.wait(*running));
        static_cast<void>(
            subject.line().waitForReport(std::clamp<std::chrono::nanoseconds>(whole * 2, 100ms, 3s) / 1ms * 1ms));
        heard = heard || subject.line().wasRefused();
        std::this_thread::sleep_for(std::clamp<std::chrono::nanoseconds>(whole * 2, 200ms, 3s));
        subject.terminate();
    }
    std::this_thread::sleep_for(100ms);
    subject.close();
    if (!heard) return stage.isNotFor(rule, "no pending report came: its operations are over before");
    stage.keepsUnlessBroken(rule);
}

/** W-249, W-240: one attempt is cut off, the next one begins at once. */
void attempts(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    stage.measure(false);
    for (int turn = 0; turn < 10; ++turn) {
        const auto online = subject.startOnline();
        static_cast<void>(stage.wait(*online));
        std::this_thread::sleep_for(std::chrono::microseconds{stage.random()() % 2'000});
        subject.terminate();
    }
    subject.mustComeOnline();
    if (!subject.takeOffline()) stage.giveUp();
    subject.close();
    std::this_thread::sleep_for(200ms);
    stage.keepsUnlessBroken("pending.late-report");
}

}  // namespace

void addPendingScenarios(std::vector<Scenario>& all) {
    all.push_back({"Terminate answered", {"pending.after-terminate"}, {"Terminate online"}, &refused});
    all.push_back({"attempt after attempt", {"pending.late-report"}, {"Terminate online"}, &attempts});
}

}  // namespace holdfast::inline v1::verify
