// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/stage.hpp"

#include <span>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::verify {

/** A life of the library in a process of its own, in which rules are kept or broken. */
struct Scenario {
    std::string_view name;
    std::vector<std::string_view> rules;  ///< that it says something of, besides those every call is watched for
    std::vector<std::string_view> needs;  ///< scenarios that must not have broken
    void (*run)(Stage& stage);
    std::chrono::seconds limit{120};  ///< besides the plan's own limits
    bool slow{false};                 ///< many cycles
};

/** The one that runs --break. */
inline constexpr std::string_view failureScenario = "failure";

[[nodiscard]] const std::vector<Scenario>& scenarios();

// Each file of scenarios adds its own, in their order.
void addLoadScenarios(std::vector<Scenario>& all);
void addUnloadScenarios(std::vector<Scenario>& all);
void addLifecycleScenarios(std::vector<Scenario>& all);
void addOverlapScenarios(std::vector<Scenario>& all);
void addPendingScenarios(std::vector<Scenario>& all);
void addControlScenarios(std::vector<Scenario>& all);
void addControlBufferScenarios(std::vector<Scenario>& all);
void addNotificationScenarios(std::vector<Scenario>& all);
void addPropertyScenarios(std::vector<Scenario>& all);
void addMalformedListScenarios(std::vector<Scenario>& all);
void addPropertySetScenarios(std::vector<Scenario>& all);
void addHealthScenarios(std::vector<Scenario>& all);
void addLeakScenarios(std::vector<Scenario>& all);
void addInjectionScenarios(std::vector<Scenario>& all);

/** The rules every call is watched for, whatever the scenario. */
[[nodiscard]] std::span<const std::string_view> watchedRules() noexcept;

}  // namespace holdfast::inline v1::verify
