// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/monitor.hpp>

#include <boost/json/value.hpp>

#include <chrono>

namespace holdfast::inline v1::monitor {

/** A resource as `list` and `show` answer it: ages and waits in ms, spans in ns (docs/control.md). */
[[nodiscard]] boost::json::object toJsonObject(const ResourceSnapshot& snapshot,
                                               std::chrono::steady_clock::time_point now);
/** Names, formats and values; `shown` is false where the agent keeps the value to itself. */
[[nodiscard]] boost::json::object toJsonObject(const VisibleProperties& properties);

}  // namespace holdfast::inline v1::monitor
