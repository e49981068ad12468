// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One schedule: a whole monitor with its hosts and agents on a machine of its own, watched by rules.

#include "plan.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sim {

struct Outcome {
    std::string violation;  ///< empty: none
    std::vector<std::string> story;
    std::uint64_t digest{0};
    std::uint64_t steps{0};
    std::uint64_t switches{0};
    std::uint64_t onlines{0};
    std::uint64_t failures{0};
    std::uint64_t restarts{0};
    std::uint64_t calls{0};
    std::uint64_t reports{0};
    std::uint64_t deaths{0};
    bool refused{false};  ///< threads were kept waiting so long that the agents were not prepared in time
    double seconds{0};    ///< of imagined time
};

/** What all schedules of this program share. */
struct Ground {
    std::filesystem::path library;
    std::filesystem::path runDirectory;
};

/** Runs it to its end. After a violation this program's memory is as the schedule left it: no other may follow. */
[[nodiscard]] Outcome play(const Plan& plan, const Ground& ground, bool tells);

}  // namespace sim
