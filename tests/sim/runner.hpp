// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Plays many schedules side by side, each row of them in a process of its own, and finds the shortest that breaks a rule.

#include "world.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sim {

struct Sums {
    std::uint64_t schedules{0};
    std::uint64_t steps{0};
    std::uint64_t switches{0};
    std::uint64_t calls{0};
    std::uint64_t reports{0};
    std::uint64_t onlines{0};
    std::uint64_t failures{0};
    std::uint64_t restarts{0};
    std::uint64_t deaths{0};
    std::uint64_t refused{0};
    double seconds{0};  ///< imagined

    void add(const Outcome& outcome);
    void add(const Sums& other);
};

struct Violation {
    std::uint64_t seed;
    std::string text;
};

struct Campaign {
    std::uint64_t seed{1};
    std::uint64_t schedules{1'000};
    std::chrono::seconds limit{0};  ///< 0: none
    unsigned jobs{1};
    std::size_t mostViolations{5};
    bool sabotage{false};                       ///< of every plan
    std::function<void(const Sums&)> progress;  ///< about once a second
};

struct Result {
    Sums sums;
    std::vector<Violation> violations;
    double took{0};  ///< s
};

[[nodiscard]] Result run(const Campaign& campaign, const Ground& ground);

/** One schedule in a process of its own. A crash, or no end in 60 s, is a violation, too. */
[[nodiscard]] Outcome playAlone(const Plan& plan, const Ground& ground, bool tells);

/** The shortest plan found that breaks the same rule; `tried` is told how many were played. */
[[nodiscard]] Plan shrink(Plan plan, const std::string& violation, const Ground& ground, std::uint64_t& tried);

}  // namespace sim
