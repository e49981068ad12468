// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "pending_controls.hpp"

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/agent_type.hpp>
#include <holdfast/exec/engine_link.hpp>

#include <memory>

namespace holdfast::inline v1::adapters {

/** What a start-up routine was given for one type. What the engine's version does not guarantee stays null (W-031). */
struct Callbacks {
    abi::LogEventRoutine logEvent{nullptr};
    abi::SetResourceStatusRoutine setStatus{nullptr};      // of Startup
    abi::SetResourceStatusExRoutine setStatusEx{nullptr};  // of StartupEx
    abi::SignalFailureRoutine signalFailure{nullptr};
    abi::EndControlCallRoutine endControlCall{nullptr};
};

/** One resource's way to its engine over the resource-DLL callbacks. */
class WsfcLink : public exec::EngineLink {
public:
    /** Opens the resource's "Parameters" while ResourceKey is certainly valid (W-109). Remote work: on a worker. */
    virtual void keepParameters() noexcept = 0;
    /** Null if the engine takes no late answers. */
    [[nodiscard]] virtual abi::EndControlCallRoutine endControlCall() const noexcept = 0;
    [[nodiscard]] PendingControls& pendingControls() noexcept { return pendingControls_; }

private:
    PendingControls pendingControls_;
};

[[nodiscard]] std::shared_ptr<WsfcLink> makeWsfcLink(const Callbacks& callbacks, abi::ResourceHandle handle,
                                                     abi::KeyHandle resourceKey, std::shared_ptr<const AgentType> type);

/** One line to LogEvent: the text is an insert, never the format (W-906). */
void logLine(abi::LogEventRoutine routine, abi::ResourceHandle handle, LogLevel level, std::string_view text) noexcept;

}  // namespace holdfast::inline v1::adapters
