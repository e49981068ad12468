// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <string>

namespace holdfast::inline v1::timeline {

/** Where a file of ours says that it is one: in its first kilobyte. */
inline constexpr std::string_view generator = "holdfast timeline";

/**
 * The model as trace-event JSON, which ui.perfetto.dev and chrome://tracing open.
 *
 * A process for each resource, with a track for its states, one for its pending operations, and one for its calls on
 * each thread; and a process with every thread. Times are microseconds since the model's begin, which stands in
 * "otherData".
 */
[[nodiscard]] std::string toPerfetto(const Model& model);

}  // namespace holdfast::inline v1::timeline
