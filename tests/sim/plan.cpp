// SPDX-License-Identifier: BSL-1.0
#include "plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace sim {
namespace {

constexpr std::array members{"online", "offline", "terminate", "isAlive", "repair"};
constexpr std::array deedNames{"is slow",           "hangs",         "fails",           "fails half-way",
                               "reports a failure", "throws an int", "ends its process"};
constexpr std::array wishNames{
    "online",           "offline", "fail", "it breaks", "it exits", "its host is killed", "the machine pauses",
    "a property is set"};

Instant ms(std::uint32_t count) { return static_cast<Instant>(count) * oneMs; }

}  // namespace

Plan Plan::of(std::uint64_t seed) {
    Plan plan;
    plan.seed = seed;
    Chance chance{seed * 2 + 1};
    constexpr std::array<std::uint32_t, 5> preemptions{0, 10, 50, 150, 400};
    plan.weather.preemption = preemptions[chance.below(preemptions.size())];
    plan.weather.delay = chance.hits(500) ? 0 : 1 + chance.below(4);
    plan.weather.longestDelay = chance.hits(800) ? 20 * oneMs : 200 * oneMs;
    plan.weather.spurious = chance.hits(500) ? 0 : 5;
    plan.weather.priorities = chance.hits(250);
    plan.resources = chance.hits(700) ? 1 : 2;
    plan.depends = chance.hits(500);
    plan.separate = chance.hits(300);
    plan.failureTolerance = chance.hits(700) ? 0 : 1;
    plan.timeoutTolerance = chance.hits(700) ? 0 : 1;
    plan.stopPatience = chance.hits(500) ? ms(500) : ms(50);
    plan.restarts = chance.below(3);
    const std::uint32_t deeds = chance.below(5);
    for (std::uint32_t i = 0; i < deeds; ++i) {
        Deed deed{};
        deed.resource = chance.below(plan.resources);
        const std::uint32_t which = chance.below(100);
        deed.member = which < 35   ? Member::online
                      : which < 50 ? Member::offline
                      : which < 65 ? Member::terminate
                      : which < 90 ? Member::check
                                   : Member::repair;
        deed.nth = deed.member == Member::check ? chance.below(8) : chance.below(3);
        const std::uint32_t how = chance.below(100);
        deed.kind = how < 30   ? Deed::Kind::slow
                    : how < 50 ? Deed::Kind::deaf
                    : how < 70 ? Deed::Kind::fails
                    : how < 80 ? Deed::Kind::half
                    : how < 90 ? Deed::Kind::reports
                    : how < 95 ? Deed::Kind::odd
                               : Deed::Kind::crashes;
        if (deed.member == Member::terminate)
            deed.kind = how < 45 ? Deed::Kind::slow : how < 95 ? Deed::Kind::deaf : Deed::Kind::crashes;
        const std::uint32_t longer = chance.below(100);
        deed.length = ms(longer < 5    ? 10'000 + chance.below(30'000)  // longer than every limit
                         : longer < 40 ? chance.below(8'000)
                                       : chance.below(400));
        // Longer ones end their host (W-443): before the first Online has read TerminateTimeout, Terminate is patient.
        if (deed.member == Member::terminate) deed.length %= ms(8'000);
        plan.deeds.push_back(deed);
    }
    // Two that have to meet: an online() that is given up, and a terminate() over it that takes long.
    if (chance.hits(80)) {
        const std::uint32_t resource = chance.below(plan.resources);
        plan.deeds.push_back({resource, Member::online, 0, Deed::Kind::deaf, ms(chance.below(6'000))});
        plan.deeds.push_back({resource, Member::terminate, 0, Deed::Kind::deaf, ms(chance.below(4'000))});
    }
    const std::uint32_t wishes = 1 + chance.below(6);
    Instant at = 0;
    for (std::uint32_t i = 0; i < wishes; ++i) {
        const std::uint32_t gap = chance.below(100);  // some come while the last is still being carried out
        at += gap < 15 ? 0 : gap < 35 ? ms(chance.below(20)) : ms(chance.below(4'000));
        Wish wish{};
        wish.at = at;
        const std::uint32_t which = chance.below(100);
        wish.kind = which < 22   ? Wish::Kind::online
                    : which < 44 ? Wish::Kind::offline
                    : which < 54 ? Wish::Kind::fail
                    : which < 68 ? Wish::Kind::break_
                    : which < 80 ? Wish::Kind::exit
                    : which < 88 ? Wish::Kind::kill
                    : which < 93 ? Wish::Kind::pause
                                 : Wish::Kind::property;
        wish.resource = chance.below(plan.resources);
        wish.length = ms(500 + chance.below(5'000));
        plan.wishes.push_back(wish);
    }
    const std::uint32_t rest = chance.below(100);
    const bool hangs =
        std::any_of(plan.deeds.begin(), plan.deeds.end(), [](const Deed& deed) { return deed.length >= ms(10'000); });
    if (hangs && rest >= 40) {  // long enough to see what becomes of it
        plan.end = at + ms(20'000 + chance.below(25'000));
        return plan;
    }
    plan.end = at + ms(rest < 30 ? chance.below(30) : rest < 90 ? chance.below(8'000) : chance.below(30'000));
    plan.abrupt = chance.hits(100);
    return plan;
}

std::string Plan::text() const {
    std::string text = fmt::format(
        "{} resource{}{}{}, seed {}, {} restarts, StopPatience {} ms, tolerances {}/{}; another thread goes on after "
        "{} of "
        "1,000 calls{}\n",
        resources, resources == 1 ? "" : "s", resources > 1 && depends ? ", r1 depends on r0" : "",
        separate ? ", each with a host of its own" : "", seed, restarts, stopPatience / oneMs, failureTolerance,
        timeoutTolerance, weather.preemption, weather.priorities ? ", threads have priorities" : "");
    for (const Wish& wish : wishes) {
        text += fmt::format("  {:>7.3f} s  r{}: {}{}\n", static_cast<double>(wish.at) / 1e9, wish.resource,
                            wishNames[static_cast<std::size_t>(wish.kind)],
                            wish.kind == Wish::Kind::pause ? fmt::format(" for {} ms", wish.length / oneMs) : "");
    }
    text += fmt::format("  {:>7.3f} s  the monitor is {}\n", static_cast<double>(end) / 1e9,
                        abrupt ? "destroyed" : "stopped");
    for (const Deed& deed : deeds) {
        text += fmt::format("  r{}: call {} of {} {}, {} ms\n", deed.resource, deed.nth + 1,
                            members[static_cast<std::size_t>(deed.member)],
                            deedNames[static_cast<std::size_t>(deed.kind)], deed.length / oneMs);
    }
    return text;
}

}  // namespace sim
