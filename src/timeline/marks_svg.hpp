// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <string>

namespace holdfast::inline v1::timeline {

/** The shape of a mark around a point, as SVG: kinds differ in shape, not in colour alone. */
[[nodiscard]] std::string markShape(MarkKind kind, double x, double y);

}  // namespace holdfast::inline v1::timeline
