// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/plan.hpp"

#include <string_view>

namespace holdfast::inline v1::verify {

/** The process of one scenario: plays it and tells what happens on its standard output. Its exit status means nothing. */
int runScenario(std::string_view name, const Plan& plan);

}  // namespace holdfast::inline v1::verify
