// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "wire.hpp"

#include <holdfast/process.hpp>

namespace holdfast::inline v1::process {

/** What the reaper needs to know: users and groups by number. Throws `Error` (`configuration`) if they do not exist. */
[[nodiscard]] Order makeOrder(const ProcessSettings& settings);

/** The error for a start that failed. */
[[nodiscard]] Error startError(const ProcessSettings& settings, Step step, int error, const std::string& text);

}  // namespace holdfast::inline v1::process
