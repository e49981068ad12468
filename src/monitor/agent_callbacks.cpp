// SPDX-License-Identifier: BSL-1.0
#include "monitor/agent_callbacks.hpp"

#include "monitor/handle_table.hpp"
#include "monitor/log_format.hpp"
#include "monitor/table_calls.hpp"

#include <cstdarg>
#include <exception>
#include <string>
#include <utility>

namespace holdfast::inline v1::monitor {
namespace {

using abi::Bool;
using abi::Byte;
using abi::Dword;
using abi::ResourceHandle;
using abi::WideChar;

std::uint64_t numberOf(ResourceHandle handle) {
    return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(handle));
}

/** W-117: a status is taken from an open resource only; any other agent thread is told to stop. */
Dword takeStatus(ResourceHandle handle, const abi::ResourceStatus* status) {
    const auto found = handles().find(numberOf(handle));
    if (!found.target || status == nullptr) {
        handles().reportStray("SetResourceStatus", numberOf(handle));
        return static_cast<Dword>(abi::ExitState::terminate);
    }
    return static_cast<Dword>(found.target->statusReported(found.resource, *status));
}

Dword HOLDFAST_STDCALL setResourceStatus(ResourceHandle handle, abi::ResourceStatus* status) {
    return takeStatus(handle, status);
}

Dword HOLDFAST_STDCALL setResourceStatusEx(ResourceHandle handle, abi::ResourceStatusEx* status) {
    if (status == nullptr) return takeStatus(handle, nullptr);
    // The form of 2012 ends before WaitHint, which means nothing to this monitor anyway (W-204).
    const abi::ResourceStatus plain{status->state, status->checkPoint, 0, status->eventHandle};
    return takeStatus(handle, &plain);
}

void HOLDFAST_STDCALL logEvent(ResourceHandle handle, Dword level, const WideChar* format, ...) {
    const auto found = handles().find(numberOf(handle));
    if (!found.target) return handles().reportStray("LogEvent", numberOf(handle));
    std::va_list arguments;
    va_start(arguments, format);
    std::string text;
    try {
        text = formatLogLine(format, arguments);
    } catch (const std::exception&) {
        text.clear();  // no memory for a log line is no reason to fail the agent
    }
    va_end(arguments);
    found.target->logged(found.resource, level, std::move(text));
}

Dword HOLDFAST_STDCALL signalFailure(ResourceHandle handle, abi::FailureType type, Dword code) {
    const auto found = handles().find(numberOf(handle));
    if (!found.target) {
        handles().reportStray("SignalFailure", numberOf(handle));
        return abi::code::resourceNotFound;
    }
    found.target->failureSignalled(found.resource, type, code);
    return abi::code::success;
}

Dword endCall(const char* callback, std::int64_t context, Dword status) {
    if (endControlCall(context, status)) return abi::code::success;
    handles().reportStray(callback, static_cast<std::uint64_t>(context));  // W-151: once, and for a call that waits
    return abi::code::invalidParameter;
}
Dword HOLDFAST_STDCALL endResourceCall(std::int64_t context, Dword status) {
    return endCall("EndControlCall", context, status);
}
Dword HOLDFAST_STDCALL endTypeCall(std::int64_t context, Dword status) {
    return endCall("EndTypeControlCall", context, status);
}

// What a cluster does and this monitor does not: there is no move queue to be locked out of, no dump, and a call's time
// is DeadlockTimeout, which nothing extends. An agent is told so and goes on without.
Dword HOLDFAST_STDCALL setLockedMode(ResourceHandle, Bool, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL setNodeLocalProperties(ResourceHandle, Byte*, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL extendCall(std::int64_t, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL raiseNotification(const WideChar*, const Byte*, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL changeResourceProcess(ResourceHandle, const WideChar*, Dword, Bool) {
    return abi::code::notSupported;
}
Dword HOLDFAST_STDCALL changeTypeProcess(const WideChar*, const WideChar*, Dword, Bool) {
    return abi::code::notSupported;
}
Dword HOLDFAST_STDCALL setInternalState(ResourceHandle, abi::ApplicationState, Bool) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL setLockedModeEx(ResourceHandle, Bool, Dword, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL requestDump(ResourceHandle, Bool, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL setWprPolicy(ResourceHandle, Dword) { return abi::code::notSupported; }
Dword HOLDFAST_STDCALL armWprWatchdog(ResourceHandle, std::uint64_t) { return abi::code::notSupported; }

// Whole, so that a library which goes by the system's version and not by ours finds what it expects (W-031).
constexpr abi::CallbackTable callbacks{
    &logEvent,
    &setResourceStatusEx,
    &setLockedMode,
    &signalFailure,
    &setNodeLocalProperties,
    &endResourceCall,
    &endTypeCall,
    &extendCall,
    &extendCall,
    &raiseNotification,
    &changeResourceProcess,
    &changeTypeProcess,
    &setInternalState,
    &setLockedModeEx,
    &requestDump,
    &setWprPolicy,
    &armWprWatchdog,
};

}  // namespace

const abi::CallbackTable& agentCallbacks() noexcept { return callbacks; }

abi::SetResourceStatusRoutine setResourceStatusRoutine() noexcept { return &setResourceStatus; }

}  // namespace holdfast::inline v1::monitor
