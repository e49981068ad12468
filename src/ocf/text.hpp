// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace holdfast::inline v1::ocf {

/**
 * One line of printable 7-bit ASCII, at most `most` bytes: what an agent may write to its engine (L-111, L-112). Another character
 * becomes one '?', however many bytes it has; line breaks become "; ".
 */
[[nodiscard]] std::string asciiLine(std::string_view text, std::size_t most = 500);

}  // namespace holdfast::inline v1::ocf
