// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace holdfast::inline v1::timeline {

/** Text for XML and HTML, between tags and in attributes. The text has no control characters but tabs and line ends. */
[[nodiscard]] std::string xmlText(std::string_view text);

}  // namespace holdfast::inline v1::timeline
