// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>
#include <holdfast/agent_type.hpp>
#include <holdfast/exec/engine_link.hpp>

#include <memory>

namespace holdfast::inline v1::adapters {

/** What Startup was given for one type. */
struct Callbacks {
    abi::SetResourceStatusRoutine setStatus{nullptr};
    abi::LogEventRoutine logEvent{nullptr};
};

/** One resource's way to its engine over the resource-DLL callbacks. */
class WsfcLink : public exec::EngineLink {
public:
    /** Opens the resource's "Parameters" while ResourceKey is certainly valid (W-109). Remote work: on a worker. */
    virtual void keepParameters() noexcept = 0;
};

[[nodiscard]] std::shared_ptr<WsfcLink> makeWsfcLink(Callbacks callbacks, abi::ResourceHandle handle,
                                                     abi::KeyHandle resourceKey, std::shared_ptr<const AgentType> type);

/** One line to LogEvent: the text is an insert, never the format (W-906). */
void logLine(abi::LogEventRoutine routine, abi::ResourceHandle handle, LogLevel level, std::string_view text) noexcept;

}  // namespace holdfast::inline v1::adapters
