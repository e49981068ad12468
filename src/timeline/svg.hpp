// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <string>

namespace holdfast::inline v1::timeline {

/**
 * The model as a picture 1280 pixels wide, light or dark as the reader's system is; what is under the pointer says what
 * it is. What is too small to be told apart is drawn once.
 */
[[nodiscard]] std::string toSvg(const Model& model, std::string_view title);

}  // namespace holdfast::inline v1::timeline
