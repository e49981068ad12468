// SPDX-License-Identifier: BSL-1.0
#include "monitor/reason_text.hpp"

#include <fmt/format.h>

namespace holdfast::inline v1::monitor {

using core::Call;
using core::MonitorReason;
using core::MonitorState;

std::string codeText(abi::Dword code) {
    const char* text = nullptr;
    switch (code) {
        case abi::code::invalidFunction: text = "invalid function"; break;
        case abi::code::fileNotFound: text = "not found"; break;
        case abi::code::accessDenied: text = "access denied"; break;
        case abi::code::notEnoughMemory: text = "not enough memory"; break;
        case abi::code::invalidData: text = "invalid data"; break;
        case abi::code::notSupported: text = "not supported"; break;
        case abi::code::invalidParameter: text = "invalid parameter"; break;
        case abi::code::busy: text = "busy"; break;
        case abi::code::revisionMismatch: text = "revision mismatch"; break;
        case abi::code::fileCorrupt: text = "corrupted"; break;
        case abi::code::noSystemResources: text = "no system resources"; break;
        case abi::code::timeout: text = "timeout"; break;
        case abi::code::resourceNotAvailable: text = "resource not available"; break;
        case abi::code::resourceNotFound: text = "resource not found"; break;
        case abi::code::invalidState: text = "invalid state"; break;
        case abi::code::resourceFailed: text = "resource failed"; break;
        case abi::code::resourceTypeNameNotFound: text = "unknown resource type"; break;
        case abi::code::exceptionInResourceCall: text = "exception in resource call"; break;
        default: return fmt::format("error {}", code);
    }
    return fmt::format("error {} ({})", code, text);
}

std::string_view callName(Call call) noexcept {
    switch (call) {
        case Call::none: return "Terminate";
        case Call::load: return "Startup";
        case Call::open: return "Open";
        case Call::close: return "Close";
        case Call::online: return "Online";
        case Call::offline: return "Offline";
        case Call::looksAlive: return "LooksAlive";
        case Call::isAlive: return "IsAlive";
        case Call::control:
        case Call::deleteControl: return "ResourceControl";
    }
    return "?";
}

std::string_view stateName(MonitorState state) noexcept {
    switch (state) {
        case MonitorState::unloaded: return "Unloaded";
        case MonitorState::opened: return "Opened";
        case MonitorState::onlineCalled: return "OnlineCalled";
        case MonitorState::onlinePending: return "OnlinePending";
        case MonitorState::online: return "Online";
        case MonitorState::verifying: return "Verifying";
        case MonitorState::offlineCalled: return "OfflineCalled";
        case MonitorState::offlinePending: return "OfflinePending";
        case MonitorState::terminating: return "Terminating";
        case MonitorState::failed: return "Failed";
        case MonitorState::closed: return "Closed";
        case MonitorState::dead: return "Dead";
    }
    return "?";
}

std::string_view stateName(abi::ResourceState state) noexcept {
    switch (state) {
        case abi::ResourceState::unknown: return "Unknown";
        case abi::ResourceState::inherited: return "Inherited";
        case abi::ResourceState::initializing: return "Initializing";
        case abi::ResourceState::online: return "Online";
        case abi::ResourceState::offline: return "Offline";
        case abi::ResourceState::failed: return "Failed";
        case abi::ResourceState::cannotComeOnlineOnAnyNode: return "CannotComeOnlineOnAnyNode";
        case abi::ResourceState::cannotComeOnlineOnThisNode: return "CannotComeOnlineOnThisNode";
        case abi::ResourceState::pending: return "Pending";
        case abi::ResourceState::onlinePending: return "OnlinePending";
        case abi::ResourceState::offlinePending: return "OfflinePending";
    }
    return "an undefined state";
}

std::string reasonText(MonitorReason reason, Call call, abi::Dword code) {
    const auto reported = [&] { return stateName(static_cast<abi::ResourceState>(static_cast<std::int32_t>(code))); };
    switch (reason) {
        case MonitorReason::none: return {};
        case MonitorReason::loadFailed: return fmt::format("cannot be loaded: {}", codeText(code));
        case MonitorReason::openFailed:
            return fmt::format("Open failed: {}; tried again at the next Online", codeText(code));
        case MonitorReason::onlineFailed: return fmt::format("Online failed: {}", codeText(code));
        case MonitorReason::onlineReportedFailed: return "Online reported failure";
        case MonitorReason::onlineReportedIllegal:
            return fmt::format("Online reported {}, which no Online may", reported());
        case MonitorReason::onlineRefusedHere: return "the agent says it cannot come online on this node";
        case MonitorReason::onlineRefusedAnywhere: return "the agent says it cannot come online on any node";
        case MonitorReason::onlineTimedOut: return "Online made no progress for PendingTimeout";
        case MonitorReason::onlineCancelled: return "Online cancelled by a stop";
        case MonitorReason::isAliveFailed: return "IsAlive says it has failed";
        case MonitorReason::eventSignalled: return "the agent signalled a failure";
        case MonitorReason::failureSignalled: return "the agent called SignalFailure";
        case MonitorReason::declaredFailed: return "declared failed";
        case MonitorReason::embeddedFailure: return "the agent reports an embedded failure; it stays online";
        case MonitorReason::networkLoss: return "the agent reports the loss of a network; it stays online";
        case MonitorReason::offlineFailed: return fmt::format("Offline failed: {}", codeText(code));
        case MonitorReason::offlineReportedFailed: return "Offline reported failure";
        case MonitorReason::offlineReportedIllegal:
            return fmt::format("Offline reported {}, which no Offline may", reported());
        case MonitorReason::offlineTimedOut: return "Offline made no progress for PendingTimeout";
        case MonitorReason::offlineRefused: return "the agent refuses to go offline";
        case MonitorReason::stopForced: return "terminated on request";
        case MonitorReason::stopImpatient: return "terminated: the running call did not return when it was to stop";
        case MonitorReason::unexpectedReport:
            return fmt::format("SetResourceStatus({}) outside a pending operation; ignored, answered 1", reported());
        case MonitorReason::lateFailureSignal: return "SignalFailure while it is not online; ignored";
        case MonitorReason::lateDeclaration: return "declared failed while it is not online; ignored";
        case MonitorReason::deadlock:
            return fmt::format("{} did not return within DeadlockTimeout; the resource is given up", callName(call));
        case MonitorReason::exceptionEscaped:
            return fmt::format("an exception left {}; the resource is given up", callName(call));
        case MonitorReason::hostDied: return "the process that hosted it ended";
        case MonitorReason::controlRefused: return "there is no open instance to control";
        case MonitorReason::requested: return "requested";
    }
    return {};
}

std::string durationText(std::chrono::milliseconds duration) {
    const auto ms = duration.count();
    if (ms < 10'000 || ms % 1'000 != 0) return fmt::format("{} ms", ms);
    if (ms < 600'000 || ms % 60'000 != 0) return fmt::format("{} s", ms / 1'000);
    return fmt::format("{} min", ms / 60'000);
}

}  // namespace holdfast::inline v1::monitor
