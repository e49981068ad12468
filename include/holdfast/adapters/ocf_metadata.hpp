// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The description of an OCF resource agent, which Pacemaker and the tools of its administrators read (L-090).

#include <holdfast/agent_type.hpp>
#include <holdfast/property.hpp>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::adapters {

/** All that the description says. Properties that people cannot set as text (read-only, binary) are left out of it. */
struct OcfMetadata {
    std::string name;     ///< the agent's file name
    std::string version;  ///< the agent's own
    std::string shortText;
    std::string longText;
    std::vector<PropertyDescription> properties;
    std::chrono::seconds startTimeout{
        120};  ///< hints: tools copy them into a new resource, Pacemaker ignores them (L-074)
    std::chrono::seconds stopTimeout{120};
    bool residentHost{
        true};  ///< it waits for a failure in the monitor action, so a short interval costs nothing (L-123)
};

/** What `holdfast describe` knows of a type that it reads through the C table. */
struct OcfSubject {
    std::string typeName;
    std::string description;  ///< may be empty
    std::vector<PropertyDescription> properties;
    bool residentHost{true};
};

/**
 * Completes what is known of a type. A start has OnlineLimit, a stop OfflineLimit and TerminateTimeout, and a tenth in
 * which to say that they were too short (L-077); 120 s where the author left those limits as they are.
 */
[[nodiscard]] OcfMetadata ocfMetadataOf(const OcfSubject& subject, std::string_view name, std::string_view version);
[[nodiscard]] OcfMetadata ocfMetadataOf(const AgentType& type, std::string_view name, std::string_view version);

/**
 * The XML: UTF-8, valid against the DTD of resource-agents, the schema of OCF 1.1 and the one of pcs (L-099), whatever
 * the texts hold. What XML cannot hold (control characters, bytes that are no UTF-8) becomes U+FFFD.
 *
 * @par Thread safety Pure.
 */
[[nodiscard]] std::string ocfMetadata(const OcfMetadata& metadata);

}  // namespace holdfast::inline v1::adapters
