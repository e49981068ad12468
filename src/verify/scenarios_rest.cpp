// SPDX-License-Identifier: BSL-1.0
#include "verify/scenario.hpp"
namespace holdfast::inline v1::verify {
void addOverlapScenarios(std::vector<Scenario>&) {}
void addPendingScenarios(std::vector<Scenario>&) {}
void addHealthScenarios(std::vector<Scenario>&) {}
void addLeakScenarios(std::vector<Scenario>&) {}
void addInjectionScenarios(std::vector<Scenario>&) {}
}  // namespace holdfast::inline v1::verify
