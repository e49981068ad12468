// SPDX-License-Identifier: BSL-1.0

/// W-020..W-033: our portable types against the system's own header, member by member, as far as it has them.

#include "mingw_resapi.hpp"

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/context.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstddef>
#include <type_traits>

namespace abi = holdfast::abi;

namespace {

// One signature: pointers to pointers, enumerations to what they are made of, integers by size and sign.
template <typename Theirs, typename Ours, typename = void>
struct SameParameter
    : std::bool_constant<sizeof(Theirs) == sizeof(Ours) && std::is_pointer_v<Theirs> == std::is_pointer_v<Ours>> {};
template <>
struct SameParameter<void, void> : std::true_type {};

template <typename Theirs, typename Ours>
struct SameSignature : std::false_type {};
template <typename R1, typename... A1, typename R2, typename... A2>
requires(sizeof...(A1) == sizeof...(A2)) struct SameSignature<R1(WINAPI*)(A1...), R2(WINAPI*)(A2...)>
    : std::bool_constant<SameParameter<R1, R2>::value && (SameParameter<A1, A2>::value && ...)> {
};
template <typename R1, typename... A1, typename R2, typename... A2>
requires(sizeof...(A1) == sizeof...(A2)) struct SameSignature<R1 (*)(A1..., ...), R2 (*)(A2..., ...)>
    : std::bool_constant<SameParameter<R1, R2>::value && (SameParameter<A1, A2>::value && ...)> {
};

#define SAME_MEMBER(THEIRS, theirs, OURS, ours)                                        \
    static_assert(offsetof(THEIRS, theirs) == offsetof(OURS, ours), #OURS "::" #ours); \
    static_assert(sizeof(THEIRS::theirs) == sizeof(OURS::ours), #OURS "::" #ours)
#define SAME_ENTRY(THEIRS, theirs, OURS, ours) \
    SAME_MEMBER(THEIRS, theirs, OURS, ours);   \
    static_assert(SameSignature<decltype(THEIRS::theirs), decltype(OURS::ours)>::value, #OURS "::" #ours)

#define SAME_FUNCTIONS(THEIRS, OURS)                            \
    SAME_ENTRY(THEIRS, Open, OURS, open);                       \
    SAME_ENTRY(THEIRS, Close, OURS, close);                     \
    SAME_ENTRY(THEIRS, Online, OURS, online);                   \
    SAME_ENTRY(THEIRS, Offline, OURS, offline);                 \
    SAME_ENTRY(THEIRS, Terminate, OURS, terminate);             \
    SAME_ENTRY(THEIRS, LooksAlive, OURS, looksAlive);           \
    SAME_ENTRY(THEIRS, IsAlive, OURS, isAlive);                 \
    SAME_ENTRY(THEIRS, Arbitrate, OURS, arbitrate);             \
    SAME_ENTRY(THEIRS, Release, OURS, release);                 \
    SAME_ENTRY(THEIRS, ResourceControl, OURS, resourceControl); \
    SAME_ENTRY(THEIRS, ResourceTypeControl, OURS, resourceTypeControl)

// Blocks and table (W-020..W-023).
SAME_FUNCTIONS(CLRES_V1_FUNCTIONS, abi::FunctionsV1);
SAME_FUNCTIONS(CLRES_V2_FUNCTIONS, abi::FunctionsV2);
SAME_ENTRY(CLRES_V2_FUNCTIONS, Cancel, abi::FunctionsV2, cancel);
static_assert(sizeof(CLRES_V1_FUNCTIONS) == sizeof(abi::FunctionsV1) && CLRES_V1_FUNCTION_SIZE == 88);
static_assert(sizeof(CLRES_V2_FUNCTIONS) == sizeof(abi::FunctionsV2) && CLRES_V2_FUNCTION_SIZE == 96);
static_assert(CLRES_VERSION_V1_00 == abi::versionV1 && CLRES_VERSION_V2_00 == abi::versionV2);
SAME_MEMBER(CLRES_FUNCTION_TABLE, TableSize, abi::FunctionTable, tableSize);
SAME_MEMBER(CLRES_FUNCTION_TABLE, Version, abi::FunctionTable, version);
SAME_MEMBER(CLRES_FUNCTION_TABLE, V1Functions, abi::FunctionTable, v1);
SAME_MEMBER(CLRES_FUNCTION_TABLE, V2Functions, abi::FunctionTable, v2);

// Start-up routines and callbacks (W-030, W-032).
static_assert(SameSignature<PSTARTUP_ROUTINE, abi::StartupRoutine>::value);
static_assert(SameSignature<PSTARTUP_EX_ROUTINE, abi::StartupExRoutine>::value);
static_assert(SameSignature<PSET_RESOURCE_STATUS_ROUTINE, abi::SetResourceStatusRoutine>::value);
static_assert(SameSignature<PQUORUM_RESOURCE_LOST, abi::QuorumResourceLost>::value);
SAME_MEMBER(CLRES_CALLBACK_FUNCTION_TABLE, LogEvent, abi::CallbackTable, logEvent);
SAME_ENTRY(CLRES_CALLBACK_FUNCTION_TABLE, SetResourceStatusEx, abi::CallbackTable, setResourceStatusEx);
SAME_ENTRY(CLRES_CALLBACK_FUNCTION_TABLE, SetResourceLockedMode, abi::CallbackTable, setResourceLockedMode);
SAME_ENTRY(CLRES_CALLBACK_FUNCTION_TABLE, SignalFailure, abi::CallbackTable, signalFailure);
SAME_ENTRY(CLRES_CALLBACK_FUNCTION_TABLE, SetResourceInMemoryNodeLocalProperties, abi::CallbackTable,
           setResourceInMemoryNodeLocalProperties);
static_assert(sizeof(CLRES_CALLBACK_FUNCTION_TABLE) == 5 * sizeof(void*));  // this header ends where 2012 did

// Status blocks (W-033).
static_assert(sizeof(RESOURCE_STATUS) == sizeof(abi::ResourceStatus));
SAME_MEMBER(RESOURCE_STATUS, ResourceState, abi::ResourceStatus, state);
SAME_MEMBER(RESOURCE_STATUS, CheckPoint, abi::ResourceStatus, checkPoint);
SAME_MEMBER(RESOURCE_STATUS, WaitHint, abi::ResourceStatus, waitHint);
SAME_MEMBER(RESOURCE_STATUS, EventHandle, abi::ResourceStatus, eventHandle);
SAME_MEMBER(RESOURCE_STATUS_EX, ResourceState, abi::ResourceStatusEx, state);
SAME_MEMBER(RESOURCE_STATUS_EX, CheckPoint, abi::ResourceStatusEx, checkPoint);
SAME_MEMBER(RESOURCE_STATUS_EX, EventHandle, abi::ResourceStatusEx, eventHandle);
SAME_MEMBER(RESOURCE_STATUS_EX, ApplicationSpecificErrorCode, abi::ResourceStatusEx, applicationSpecificErrorCode);
SAME_MEMBER(RESOURCE_STATUS_EX, Flags, abi::ResourceStatusEx, flags);
static_assert(sizeof(RESOURCE_STATUS_EX) == offsetof(abi::ResourceStatusEx, waitHint));  // the form of 2012

template <typename Ours>
constexpr bool same(long long theirs, Ours ours) {
    return theirs == static_cast<long long>(ours);
}

// States, flags and codes (11.1, 11.2).
static_assert(same(ClusterResourceStateUnknown, abi::ResourceState::unknown));
static_assert(same(ClusterResourceInherited, abi::ResourceState::inherited));
static_assert(same(ClusterResourceInitializing, abi::ResourceState::initializing));
static_assert(same(ClusterResourceOnline, abi::ResourceState::online));
static_assert(same(ClusterResourceOffline, abi::ResourceState::offline));
static_assert(same(ClusterResourceFailed, abi::ResourceState::failed));
static_assert(same(ClusterResourceCannotComeOnlineOnAnyNode, abi::ResourceState::cannotComeOnlineOnAnyNode));
static_assert(same(ClusterResourceCannotComeOnlineOnThisNode, abi::ResourceState::cannotComeOnlineOnThisNode));
static_assert(same(ClusterResourcePending, abi::ResourceState::pending));
static_assert(same(ClusterResourceOnlinePending, abi::ResourceState::onlinePending));
static_assert(same(ClusterResourceOfflinePending, abi::ResourceState::offlinePending));
static_assert(same(ResourceExitStateContinue, abi::ExitState::proceed));
static_assert(same(ResourceExitStateTerminate, abi::ExitState::terminate));
static_assert(same(LOG_SEVERE, holdfast::LogLevel::severe) && same(LOG_INFORMATION, holdfast::LogLevel::information));
static_assert(CLUS_RESDLL_OPEN_RECOVER_MONITOR_STATE == abi::open_flag::recoverMonitorState);
static_assert(CLUS_RESDLL_ONLINE_RECOVER_MONITOR_STATE == abi::online_flag::recoverMonitorState);
static_assert(CLUS_RESDLL_ONLINE_IGNORE_RESOURCE_STATUS == abi::online_flag::ignoreResourceStatus);
static_assert(CLUS_RESDLL_ONLINE_RETURN_TO_SOURCE_NODE_ON_ERROR == abi::online_flag::returnToSourceNodeOnError);
static_assert(CLUS_RESDLL_ONLINE_RESTORE_ONLINE_STATE == abi::online_flag::restoreOnlineState);
static_assert(CLUS_RESDLL_OFFLINE_IGNORE_RESOURCE_STATUS == abi::offline_flag::ignoreResourceStatus);
static_assert(CLUS_RESDLL_OFFLINE_RETURN_TO_SOURCE_NODE_ON_ERROR == abi::offline_flag::returnToSourceNodeOnError);
static_assert(CLUS_RESDLL_OFFLINE_QUEUE_ENABLED == abi::offline_flag::queueEnabled);
static_assert(CLUS_RESDLL_OFFLINE_RETURNING_TO_SOURCE_NODE_BECAUSE_OF_ERROR ==
              abi::offline_flag::returningToSourceNodeBecauseOfError);
static_assert(CLUS_RESDLL_OFFLINE_DUE_TO_EMBEDDED_FAILURE == abi::offline_flag::dueToEmbeddedFailure);
static_assert(CLUSRESDLL_STATUS_OFFLINE_BUSY == abi::status_flag::offlineBusy);
static_assert(CLUSRESDLL_STATUS_OFFLINE_SOURCE_THROTTLED == abi::status_flag::sourceThrottled);
static_assert(CLUSRESDLL_STATUS_OFFLINE_DESTINATION_THROTTLED == abi::status_flag::destinationThrottled);
static_assert(CLUSRESDLL_STATUS_OFFLINE_DESTINATION_REJECTED == abi::status_flag::destinationRejected);
static_assert(CLUSRESDLL_STATUS_INSUFFICIENT_MEMORY == abi::status_flag::insufficientMemory);
static_assert(CLUSRESDLL_STATUS_INSUFFICIENT_PROCESSOR == abi::status_flag::insufficientProcessor);
static_assert(CLUSRESDLL_STATUS_INSUFFICIENT_OTHER_RESOURCES == abi::status_flag::insufficientOther);
static_assert(CLUSRESDLL_STATUS_INVALID_PARAMETERS == abi::status_flag::invalidParameters);
static_assert(ERROR_IO_PENDING == abi::code::ioPending && ERROR_REVISION_MISMATCH == abi::code::revisionMismatch);
static_assert(ERROR_RESOURCE_NOT_FOUND == abi::code::resourceNotFound);
static_assert(ERROR_CLUSTER_RESNAME_NOT_FOUND == abi::code::resourceTypeNameNotFound);
static_assert(ERROR_RESOURCE_PROPERTIES_STORED == abi::code::resourcePropertiesStored);
static_assert(ERROR_INVALID_STATE == abi::code::invalidState && ERROR_TIMEOUT == abi::code::timeout);
static_assert(ERROR_OPERATION_ABORTED == abi::code::operationAborted && ERROR_MORE_DATA == abi::code::moreData);
static_assert(ERROR_CALL_NOT_IMPLEMENTED == abi::code::callNotImplemented);

}  // namespace

TEST_CASE("W-020 W-021 W-023 W-030 W-032 W-033 the layouts are those of the system's own header") {
    // The compiler has judged; what can be asked at run time is that a call by their types arrives in ours.
    abi::FunctionTable ours{};
    ours.tableSize = 96;
    ours.version = abi::versionV2;
    abi::FunctionsV2 block{};
    block.cancel = [](abi::ResourceId id, abi::Dword flags) -> abi::Dword { return id == nullptr ? flags : 0; };
    ours.v2 = block;
    const auto* theirs = reinterpret_cast<const CLRES_FUNCTION_TABLE*>(&ours);
    CHECK(theirs->TableSize == CLRES_V2_FUNCTION_SIZE);
    CHECK(theirs->Version == CLRES_VERSION_V2_00);
    CHECK(theirs->V2Functions.Cancel(nullptr, 42) == 42);
}
