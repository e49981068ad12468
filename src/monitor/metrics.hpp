// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/monitor.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::monitor {

struct MetricsInput {
    std::vector<ResourceSnapshot> resources;
    std::vector<CallHistogram> calls;
    std::chrono::steady_clock::time_point now;
    std::chrono::system_clock::time_point started;  ///< the monitor
};

/** Prometheus' text exposition format 0.0.4; names and units are in docs/control.md. */
[[nodiscard]] std::string metricsText(const MetricsInput& input);

/** A label's value between its quotation marks: backslash, quotation mark and line feed are escaped. */
[[nodiscard]] std::string labelText(std::string_view value);

}  // namespace holdfast::inline v1::monitor
