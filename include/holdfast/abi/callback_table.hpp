// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What StartupEx hands to a library: the table of callbacks (W-030) and the structures it speaks in.

#include <holdfast/abi/resapi.hpp>

namespace holdfast::inline v1::abi {

/** RESOURCE_STATUS_EX (W-033): EventHandle and WaitHint stand in another order than in `ResourceStatus`. */
struct ResourceStatusEx {
    ResourceState state;
    Dword checkPoint;
    Handle eventHandle;
    Dword applicationSpecificErrorCode;
    Dword flags;
    Dword waitHint;  ///< absent in the form of 2012, so a monitor does not read it
};
static_assert(sizeof(void*) != 8 ||
              (sizeof(ResourceStatusEx) == 32 && offsetof(ResourceStatusEx, eventHandle) == 8 &&
               offsetof(ResourceStatusEx, applicationSpecificErrorCode) == 16 &&
               offsetof(ResourceStatusEx, flags) == 20 && offsetof(ResourceStatusEx, waitHint) == 24));

/** RESOURCE_STATUS_EX.Flags: why an offline is refused (W-128). */
namespace status_flag {
inline constexpr Dword offlineBusy = 0x1;
inline constexpr Dword sourceThrottled = 0x2;
inline constexpr Dword destinationThrottled = 0x4;
inline constexpr Dword destinationRejected = 0x8;
inline constexpr Dword insufficientMemory = 0x10;
inline constexpr Dword insufficientProcessor = 0x20;
inline constexpr Dword insufficientOther = 0x40;
inline constexpr Dword invalidParameters = 0x80;
inline constexpr Dword networkNotAvailable = 0x100;
inline constexpr Dword doNotCollectWerReport = 0x40000000;
inline constexpr Dword dumpNow = 0x80000000;
}  // namespace status_flag

/** FAILURE_TYPE (11.2); in 2012 a BOOL, whose TRUE means `embedded`. */
enum class FailureType : Dword { general = 0, embedded = 1, networkLoss = 2 };

/** CLUSTER_RESOURCE_APPLICATION_STATE, of SetInternalState. */
enum class ApplicationState : Dword { unknown = 1, osHeartbeat = 2, ready = 3 };

using SetResourceStatusExRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, ResourceStatusEx*);
using SetResourceLockedModeRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, Bool enabled, Dword reason);
using SignalFailureRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, FailureType, Dword applicationSpecificErrorCode);
using SetNodeLocalPropertiesRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, Byte* propertyList, Dword size);
using EndControlCallRoutine = Dword(HOLDFAST_STDCALL*)(std::int64_t context, Dword status);
using ExtendControlCallRoutine = Dword(HOLDFAST_STDCALL*)(std::int64_t context, Dword timeoutMs);
using RaiseTypeNotificationRoutine = Dword(HOLDFAST_STDCALL*)(const WideChar* type, const Byte* payload, Dword size);
using ChangeResourceProcessForDumpsRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, const WideChar* processName,
                                                                      Dword process, Bool add);
using ChangeTypeProcessForDumpsRoutine = Dword(HOLDFAST_STDCALL*)(const WideChar* type, const WideChar* processName,
                                                                  Dword process, Bool add);
using SetInternalStateRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, ApplicationState, Bool active);
using SetResourceLockedModeExRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, Bool enabled, Dword reason,
                                                                Dword flags);
using RequestDumpRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, Bool duringCall, Dword delayMs);
using SetResourceWprPolicyRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, Dword policy);
using ArmWprWatchdogRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, std::uint64_t targetTimeoutMs);

/**
 * CLRES_CALLBACK_FUNCTION_TABLE. It says neither its size nor its version: a library touches an entry only if the
 * MaxVersionSupported it was started with guarantees that the entry exists (W-031, `callbackEntries`).
 */
struct CallbackTable {
    LogEventRoutine logEvent;  // since 2012
    SetResourceStatusExRoutine setResourceStatusEx;
    SetResourceLockedModeRoutine setResourceLockedMode;
    SignalFailureRoutine signalFailure;
    SetNodeLocalPropertiesRoutine setResourceInMemoryNodeLocalProperties;
    EndControlCallRoutine endControlCall;  // since 2012 R2
    EndControlCallRoutine endTypeControlCall;
    ExtendControlCallRoutine extendControlCall;  // since 2016
    ExtendControlCallRoutine extendTypeControlCall;
    RaiseTypeNotificationRoutine raiseResTypeNotification;
    ChangeResourceProcessForDumpsRoutine changeResourceProcessForDumps;
    ChangeTypeProcessForDumpsRoutine changeResTypeProcessForDumps;
    SetInternalStateRoutine setInternalState;
    SetResourceLockedModeExRoutine setResourceLockedModeEx;  // later, without a version of their own
    RequestDumpRoutine requestDump;
    SetResourceWprPolicyRoutine setResourceWprPolicy;
    ArmWprWatchdogRoutine armWprWatchdogForCurrentResourceCall;
};
static_assert(sizeof(CallbackTable) == 17 * sizeof(void*));
static_assert(offsetof(CallbackTable, signalFailure) == 3 * sizeof(void*));
static_assert(offsetof(CallbackTable, endControlCall) == 5 * sizeof(void*));
static_assert(offsetof(CallbackTable, extendControlCall) == 7 * sizeof(void*));
static_assert(offsetof(CallbackTable, setInternalState) == 12 * sizeof(void*));
static_assert(offsetof(CallbackTable, setResourceLockedModeEx) == 13 * sizeof(void*));

/**
 * How many entries a monitor that supports `maxVersion` certainly has (W-031). Who calls StartupEx for V1 alone is at
 * least asked to log and to take a status.
 */
[[nodiscard]] constexpr std::size_t callbackEntries(Dword maxVersion) noexcept {
    if (maxVersion >= versionV4) return 13;
    if (maxVersion >= versionV3) return 7;
    if (maxVersion >= versionV2) return 5;
    return 2;
}

using StartupExRoutine = Dword(HOLDFAST_STDCALL*)(const WideChar* resourceType, Dword minVersion, Dword maxVersion,
                                                  const CallbackTable* callbacks, FunctionTable** table);

}  // namespace holdfast::inline v1::abi
