// SPDX-License-Identifier: BSL-1.0
#include "verify/scenario.hpp"
namespace holdfast::inline v1::verify {
void addControlScenarios(std::vector<Scenario>&) {}
}  // namespace holdfast::inline v1::verify
