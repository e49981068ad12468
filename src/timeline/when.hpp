// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/trace_reader.hpp"

#include <optional>
#include <string_view>

namespace holdfast::inline v1::timeline {

/**
 * A point in time as people write it, for a trace that begins at `begin`:
 * "2026-11-28T07:51:28.956Z", "07:51:28" of the trace's first day, or "+1.5s", "+300ms", "+2min" from its begin.
 * Empty if it is none of these.
 */
[[nodiscard]] std::optional<Time> parseWhen(std::string_view text, Time begin);

}  // namespace holdfast::inline v1::timeline
