// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace holdfast::inline v1::cli {

/**
 * Text that a terminal shows as text: control characters, escape sequences, what reverses the direction of writing and
 * broken UTF-8 become '?', tabs and line ends spaces. Names and reasons come from agents.
 */
[[nodiscard]] std::string sanitised(std::string_view text);
/** The cells a terminal needs for sanitised text: 2 for wide characters, 0 for combining ones. */
[[nodiscard]] std::size_t cells(std::string_view text);
/** Cut to `width` cells, with a mark ("…", or "~" without UTF-8) where something is missing; no character is split. */
[[nodiscard]] std::string fitted(std::string_view text, std::size_t width, bool utf8 = true);
/** `fitted`, and filled with spaces to exactly `width` cells. */
[[nodiscard]] std::string padded(std::string_view text, std::size_t width, bool utf8 = true);
/** The same with the spaces in front. */
[[nodiscard]] std::string paddedLeft(std::string_view text, std::size_t width, bool utf8 = true);

/** "0.4s", "45s", "12m", "5h", "3d": at most four cells below 1,000 days. */
[[nodiscard]] std::string shortAge(std::chrono::milliseconds age);
/** "73us", "1.2ms", "300ms", "2.5s". */
[[nodiscard]] std::string shortSpan(std::chrono::nanoseconds span);

}  // namespace holdfast::inline v1::cli
