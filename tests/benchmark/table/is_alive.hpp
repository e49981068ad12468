// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "engine.hpp"

#include <utility>
#include <vector>

namespace bench {

using AliveRoutine = abi::AliveRoutine;

/** What polling costs, in nanoseconds. */
struct PollCost {
    std::vector<double> batches;  ///< per call, of many calls in a row: what a call takes
    std::vector<double> singles;  ///< each with the clock read around it: what the slowest take
};

/** Polls `ids` in turn, as an engine does that has them all to look after. */
inline PollCost pollCost(AliveRoutine routine, const std::vector<abi::ResourceId>& ids, std::size_t rounds) {
    constexpr std::size_t batch = 1'000;
    AliveRoutine volatile call = routine;  // as through a table: the compiler may not see what is called
    PollCost cost;
    std::size_t next = 0;
    const auto id = [&] {
        const abi::ResourceId one = ids[next];
        next = next + 1 == ids.size() ? 0 : next + 1;
        return one;
    };
    const auto nanoseconds = [](Clock::duration span) {
        return std::chrono::duration<double, std::nano>(span).count();
    };
    for (std::size_t round = 0; round < rounds; ++round) {
        auto start = Clock::now();
        for (std::size_t i = 0; i < batch; ++i) static_cast<void>(call(id()));
        cost.batches.push_back(nanoseconds(Clock::now() - start) / batch);
        for (std::size_t i = 0; i < batch / 10; ++i) {
            start = Clock::now();
            static_cast<void>(call(id()));
            cost.singles.push_back(nanoseconds(Clock::now() - start));
        }
    }
    return cost;
}

}  // namespace bench
