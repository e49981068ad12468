// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/plan.hpp"
#include "verify/rule.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::verify {

/** What was found out about one rule. */
struct Finding {
    const Rule* rule{nullptr};
    Judgement judgement{Judgement::notChecked};
    std::vector<std::string> evidence;   ///< each with the scenario it is from
    std::vector<std::string> scenarios;  ///< that said something of it
    std::chrono::nanoseconds took{0};    ///< of those scenarios
};

/** How long the calls of one entry point took. */
struct Timing {
    std::string call;
    std::string budget;  ///< the rule
    std::uint64_t count{0};
    std::uint64_t over50{0};
    std::uint64_t over300{0};
    std::array<std::uint64_t, 7> histogram{};  ///< up to 10 us, 100 us, 1 ms, 10 ms, 50 ms, 300 ms, and above
    std::chrono::nanoseconds median{0};
    std::chrono::nanoseconds worst{0};
    std::string worstWhere;  ///< the scenario, and what ran beside it
};

struct Report {
    std::string agent;
    std::string type;
    std::uint64_t seed{0};
    std::vector<Finding> findings;  ///< in the rules' order, those that were chosen
    std::vector<Timing> timings;
    std::size_t scenariosRun{0};
    std::uint64_t calls{0};
    std::chrono::nanoseconds took{0};

    [[nodiscard]] Judgement worst() const;
    [[nodiscard]] std::size_t count(Judgement judgement) const;
};

/** Which rules are looked at, and who hears of the work. */
struct Choice {
    std::vector<std::string> only;
    std::vector<std::string> skip;
    std::function<void(std::string_view scenario, std::size_t number, std::size_t of)> begins;
    std::function<bool()> cancelled;
    std::ostream* trace{nullptr};  ///< every call as a line of JSON, as `holdfast run --trace` writes them
};

/**
 * Plays every scenario that says something of the chosen rules, each in a process of its own: `program` is run with
 * `verify-scenario NAME` and the plan in the variable HOLDFAST_VERIFY.
 *
 * @par Errors std::runtime_error if the program cannot be started, or the plan is refused.
 */
[[nodiscard]] Report verify(const std::filesystem::path& program, const Plan& plan, const Choice& choice);

/** The variable a scenario's process finds its plan in. */
inline constexpr const char* planVariable = "HOLDFAST_VERIFY";
inline constexpr const char* scenarioVerb = "verify-scenario";

}  // namespace holdfast::inline v1::verify
