// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/agent_type.hpp>

#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v1::ocf {

/** As the engine gives them: names compared exactly (L-021), values "as text" (docs/properties.md). */
using Parameters = std::vector<std::pair<std::string, std::string>>;

/** Our own parameter, no property of the type: how Pacemaker learns of a failure (L-120, L-123). */
inline constexpr const char* instantFailureName = "InstantFailure";
enum class InstantFailure : std::uint8_t {
    monitor,  ///< the recurring monitor waits for it
    notify,   ///< `crm_resource --fail`
    off,      ///< the next monitor finds it
};

struct ReadParameters {
    PropertyBag values;
    InstantFailure instantFailure{InstantFailure::monitor};
    std::vector<std::string> warnings;  ///< parameters that nobody knows
};

/** Throws `PropertyError` for a text that cannot be such a value; rules of the property are checked later, by the type. */
[[nodiscard]] ReadParameters readParameters(const AgentType& type, const Parameters& parameters);

}  // namespace holdfast::inline v1::ocf
