// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <string_view>

namespace holdfast::inline v1::process {

/**
 * Kills every process whose environment has `marker` ("NAME=value") and all that descends from one, until two looks in a row
 * find none; false if one still lives after `patience`. For what a killed guard left of its host.
 */
[[nodiscard]] bool endMarked(std::string_view marker, std::chrono::milliseconds patience);

}  // namespace holdfast::inline v1::process
