// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace holdfast::inline v1::timeline {

/**
 * Text that every format shows as it is: control characters (but tabs and line ends), what reverses the direction of
 * writing, and characters that XML does not know become '?'. Names and reasons come from agents. `text` is valid UTF-8.
 */
[[nodiscard]] std::string plainText(std::string_view text);

}  // namespace holdfast::inline v1::timeline
