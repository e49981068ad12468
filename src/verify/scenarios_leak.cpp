// SPDX-License-Identifier: BSL-1.0
// What is left after many lives (W-1110, W-1150): a resource host lives for months.
#include "verify/scenario.hpp"
#include "verify/subject.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <thread>

namespace holdfast::inline v1::verify {
namespace {

using Steady = std::chrono::steady_clock;

/** Threads that are ending are no leak: the smallest of a few looks. */
Usage settledUsage() {
    Usage least = usage();
    for (int look = 0; look < 6; ++look) {
        std::this_thread::sleep_for(30ms);
        const Usage now = usage();
        least.threads = std::min(least.threads, now.threads);
        least.handles = std::min(least.handles, now.handles);
        least.memory = std::min(least.memory, now.memory);
    }
    return least;
}

constexpr std::size_t bytesPerTurn = 256;
constexpr std::size_t leastBytes = 48UL * 1'024;  // what threads and their caches come and go with

/** Plays `turns` lives in two halves. What grows in both is a leak; what grows in one has warmed up. */
void repeat(Stage& stage, std::string_view rule, std::uint32_t turns, std::uint32_t warmUp, std::chrono::seconds limit,
            const std::function<void()>& life) {
    const auto end = Steady::now() + limit;
    for (std::uint32_t turn = 0; turn < warmUp && Steady::now() < end - limit / 2; ++turn) life();
    std::uint32_t played = 0;
    const Usage first = settledUsage();
    for (; played < turns / 2 && Steady::now() < end - limit / 2; ++played) life();
    const std::uint32_t half = played;
    const Usage middle = settledUsage();
    for (; played < 2 * half; ++played) life();
    const Usage last = settledUsage();
    if (half < 5)
        return stage.leavesOpen(rule, fmt::format("only {} turns were played in {} s", played, limit.count()));
    const auto grew = [&](std::string_view what, std::size_t Usage::*member, std::size_t least) {
        const auto a = first.*member;
        const auto b = middle.*member;
        const auto c = last.*member;
        if (b < a + least || c < b + least || c - b < (b - a) / 2) return;  // a leak grows evenly
        stage.breaks(rule,
                     fmt::format("{} grew from {} to {} in {} turns, and to {} in {} more", what, a, b, half, c, half));
    };
    if (last.handles == 0 || last.memory == 0)
        stage.warns(rule, "this system does not tell how many handles or how much memory is in use");
    grew("handles", &Usage::handles, std::max<std::size_t>(half / 10, 3));
    grew("threads", &Usage::threads, std::max<std::size_t>(half / 10, 3));
    grew("memory in bytes", &Usage::memory, std::max(half * bytesPerTurn, leastBytes));
    if (!stage.reporter().failed(rule)) {
        stage.keeps(rule, fmt::format("{} turns: handles {} to {}, threads {} to {}, memory {} to {} KiB", played,
                                      first.handles, last.handles, first.threads, last.threads, first.memory / 1'024,
                                      last.memory / 1'024));
    }
}

void openClose(Stage& stage) {
    stage.begin();
    repeat(stage, "leak.open-close", stage.plan().openCycles, 50, 60s, [&] {
        Subject subject{stage, "verify-a"};
        if (!subject.openQuietly()) {  // W-112: what limits the instances was not given back
            stage.breaks("leak.open-close", "after some times Open and Close, Open fails");
            stage.giveUp();
        }
        subject.close();
    });
}

void onlineOffline(Stage& stage) {
    stage.begin();
    Subject subject{stage, "verify-a"};
    subject.mustOpen();
    repeat(stage, "leak.online-offline", stage.plan().onlineCycles, 10, 90s, [&] {
        subject.mustComeOnline("leak.online-offline");
        static_cast<void>(subject.isAlive());
        if (!subject.takeOffline()) stage.giveUp();
    });
    subject.close();
}

}  // namespace

void addLeakScenarios(std::vector<Scenario>& all) {
    all.push_back({"Open and Close for ever", {"leak.open-close"}, {"cycle"}, &openClose, 240s, true});
    all.push_back({"Online and Offline for ever", {"leak.online-offline"}, {"cycle"}, &onlineOffline, 240s, true});
}

}  // namespace holdfast::inline v1::verify
