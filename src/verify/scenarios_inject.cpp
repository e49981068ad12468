// SPDX-License-Identifier: BSL-1.0
#include "verify/scenario.hpp"
namespace holdfast::inline v1::verify {
void addInjectionScenarios(std::vector<Scenario>&) {}
}  // namespace holdfast::inline v1::verify
