// TEMPORARY
#pragma once
#include <holdfast/agent_type.hpp>
namespace holdfast::inline v1::adapters {
struct OcfMetadata {};
inline OcfMetadata ocfMetadataOf(const AgentType&, std::string_view, std::string_view) { return {}; }
inline std::string ocfMetadata(const OcfMetadata&) { return "<resource-agent/>\n"; }
}
