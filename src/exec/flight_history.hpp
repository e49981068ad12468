// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace holdfast::inline v1::exec {

/** The last checkpoint of an operation; an empty text: there was none. */
struct LastStep {
    std::string text;
    std::chrono::steady_clock::time_point at;
};

/** One line for the log: the last checkpoint and its age, and what this library's recorder has of one resource, newest first. */
[[nodiscard]] std::string flightHistory(std::uint32_t resource, const LastStep& step);

}  // namespace holdfast::inline v1::exec
