// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The resource-DLL boundary in portable types: the same layout as Windows' resapi.h (W-020..W-033), on every system.
/// The callbacks that StartupEx hands over are in callback_table.hpp.
///
/// On Linux a `Handle` that stands for an event is the number of an eventfd (never 0): signalled while its counter is
/// above 0, so `poll` with POLLIN waits for it and the owner resets it by reading. The owner keeps it open from Open to
/// Close; whoever waits may `dup` it and must not read or close it (W-323).

#include <cstddef>
#include <cstdint>

#if defined(_WIN32)
#define HOLDFAST_STDCALL __stdcall
#else
#define HOLDFAST_STDCALL
#endif

namespace holdfast::inline v1::abi {

using Byte = std::uint8_t;
using Word = std::uint16_t;
using Dword = std::uint32_t;
using Bool = std::int32_t;
using Handle = void*;
#if defined(_WIN32)
using WideChar = wchar_t;
#else
using WideChar = char16_t;
#endif
static_assert(sizeof(WideChar) == 2);

struct KeyTag;
struct ResourceHandleTag;
struct ResourceIdTag;
using KeyHandle = KeyTag*;                  ///< HKEY
using ResourceHandle = ResourceHandleTag*;  ///< the monitor's token (W-106)
using ResourceId = ResourceIdTag*;          ///< RESID, the library's token (W-106): an id, not an address (W-108)

/** CLUSTER_RESOURCE_STATE (11.1). */
enum class ResourceState : std::int32_t {
    unknown = -1,
    inherited = 0,
    initializing = 1,
    online = 2,
    offline = 3,
    failed = 4,
    cannotComeOnlineOnAnyNode = 126,
    cannotComeOnlineOnThisNode = 127,
    pending = 128,
    onlinePending = 129,
    offlinePending = 130,
};

/** RESOURCE_EXIT_STATE (W-206). */
enum class ExitState : Dword { proceed = 0, terminate = 1 };

/** RESOURCE_STATUS (W-033). */
struct ResourceStatus {
    ResourceState state;
    Dword checkPoint;
    Dword waitHint;
    Handle eventHandle;
};
static_assert(sizeof(void*) != 8 || (sizeof(ResourceStatus) == 24 && offsetof(ResourceStatus, eventHandle) == 16));

using SetResourceStatusRoutine = Dword(HOLDFAST_STDCALL*)(ResourceHandle, ResourceStatus*);
/** LogEvent (W-905): FormatMessage-style inserts; holdfast passes text only as the insert of a fixed format (W-906). */
using LogEventRoutine = void(HOLDFAST_STDCALL*)(ResourceHandle, Dword level, const WideChar* format, ...);
using QuorumResourceLost = void(HOLDFAST_STDCALL*)(ResourceHandle);

/** What OpenV2, OnlineV2 and OfflineV2 are told (2.2, 2.4, 2.5). */
namespace open_flag {
inline constexpr Dword recoverMonitorState = 0x1;  ///< W-115: a monitor before this one died; the entity may run
inline constexpr Dword doNotDeleteTemporaryDisk = 0x2;
}  // namespace open_flag
namespace online_flag {
inline constexpr Dword recoverMonitorState = 0x1;
inline constexpr Dword ignoreResourceStatus = 0x2;
inline constexpr Dword returnToSourceNodeOnError = 0x4;
inline constexpr Dword restoreOnlineState = 0x8;
inline constexpr Dword ignoreNetworkConnectivity = 0x10;
}  // namespace online_flag
namespace offline_flag {
inline constexpr Dword ignoreResourceStatus = 0x1;
inline constexpr Dword returnToSourceNodeOnError = 0x2;
inline constexpr Dword queueEnabled = 0x4;
inline constexpr Dword returningToSourceNodeBecauseOfError = 0x8;
inline constexpr Dword dueToEmbeddedFailure = 0x10;
inline constexpr Dword ignoreNetworkConnectivity = 0x20;
inline constexpr Dword doNotUpdatePersistentState = 0x40;
}  // namespace offline_flag

using OpenRoutine = ResourceId(HOLDFAST_STDCALL*)(const WideChar* resourceName, KeyHandle resourceKey, ResourceHandle);
using OpenV2Routine = ResourceId(HOLDFAST_STDCALL*)(const WideChar* resourceName, KeyHandle resourceKey, ResourceHandle,
                                                    Dword openFlags);
using OnlineRoutine = Dword(HOLDFAST_STDCALL*)(ResourceId, Handle* eventHandle);
using OnlineV2Routine = Dword(HOLDFAST_STDCALL*)(ResourceId, Handle* eventHandle, Dword onlineFlags, Byte* in,
                                                 Dword inSize, Dword reserved);
using OfflineRoutine = Dword(HOLDFAST_STDCALL*)(ResourceId);
using OfflineV2Routine = Dword(HOLDFAST_STDCALL*)(ResourceId, const WideChar* destinationNode, Dword offlineFlags,
                                                  Byte* in, Dword inSize, Dword reserved);
using ResourceRoutine = void(HOLDFAST_STDCALL*)(ResourceId);
using AliveRoutine = Bool(HOLDFAST_STDCALL*)(ResourceId);
using ArbitrateRoutine = Dword(HOLDFAST_STDCALL*)(ResourceId, QuorumResourceLost);
using ReleaseRoutine = Dword(HOLDFAST_STDCALL*)(ResourceId);
using CancelRoutine = Dword(HOLDFAST_STDCALL*)(ResourceId, Dword reservedFlags);
using ResourceControlRoutine = Dword(HOLDFAST_STDCALL*)(ResourceId, Dword code, void* in, Dword inSize, void* out,
                                                        Dword outSize, Dword* bytesReturned);
using TypeControlRoutine = Dword(HOLDFAST_STDCALL*)(const WideChar* typeName, Dword code, void* in, Dword inSize,
                                                    void* out, Dword outSize, Dword* bytesReturned);
// W-151, W-152: the form with a 64-bit context; buffers stay the callee's until it called EndControlCall(context).
using BeginResourceControlRoutine = Dword(HOLDFAST_STDCALL*)(ResourceId, Dword code, void* in, Dword inSize, void* out,
                                                             Dword outSize, Dword* bytesReturned, std::int64_t context,
                                                             Bool* returnedAsynchronously);
using BeginTypeControlRoutine = Dword(HOLDFAST_STDCALL*)(const WideChar* typeName, Dword code, void* in, Dword inSize,
                                                         void* out, Dword outSize, Dword* bytesReturned,
                                                         std::int64_t context, Bool* returnedAsynchronously);
using BeginResourceControlAsUserRoutine = Dword(HOLDFAST_STDCALL*)(ResourceId, Handle token, Dword code, void* in,
                                                                   Dword inSize, void* out, Dword outSize,
                                                                   Dword* bytesReturned, std::int64_t context,
                                                                   Bool* returnedAsynchronously);
using BeginTypeControlAsUserRoutine = Dword(HOLDFAST_STDCALL*)(const WideChar* typeName, Handle token, Dword code,
                                                               void* in, Dword inSize, void* out, Dword outSize,
                                                               Dword* bytesReturned, std::int64_t context,
                                                               Bool* returnedAsynchronously);

inline constexpr Dword versionV1 = 0x0100;  ///< every Windows Server
inline constexpr Dword versionV2 = 0x0200;  ///< 2012
inline constexpr Dword versionV3 = 0x0300;  ///< 2012 R2
inline constexpr Dword versionV4 = 0x0400;  ///< 2016

/** CLRES_V1_FUNCTIONS: 11 pointers, in this order (W-023). */
struct FunctionsV1 {
    OpenRoutine open;
    ResourceRoutine close;
    OnlineRoutine online;
    OfflineRoutine offline;
    ResourceRoutine terminate;
    AliveRoutine looksAlive;
    AliveRoutine isAlive;
    ArbitrateRoutine arbitrate;
    ReleaseRoutine release;
    ResourceControlRoutine resourceControl;
    TypeControlRoutine resourceTypeControl;
};

/** CLRES_V2_FUNCTIONS. */
struct FunctionsV2 {
    OpenV2Routine open;
    ResourceRoutine close;
    OnlineV2Routine online;
    OfflineV2Routine offline;
    ResourceRoutine terminate;
    AliveRoutine looksAlive;
    AliveRoutine isAlive;
    ArbitrateRoutine arbitrate;
    ReleaseRoutine release;
    ResourceControlRoutine resourceControl;
    TypeControlRoutine resourceTypeControl;
    CancelRoutine cancel;
};

/** CLRES_V3_FUNCTIONS: as large as V2, and two members are called otherwise (W-022). */
struct FunctionsV3 {
    OpenV2Routine open;
    ResourceRoutine close;
    OnlineV2Routine online;
    OfflineV2Routine offline;
    ResourceRoutine terminate;
    AliveRoutine looksAlive;
    AliveRoutine isAlive;
    ArbitrateRoutine arbitrate;
    ReleaseRoutine release;
    BeginResourceControlRoutine beginResourceControl;
    BeginTypeControlRoutine beginResourceTypeControl;
    CancelRoutine cancel;
};

/** CLRES_V4_FUNCTIONS. */
struct FunctionsV4 {
    OpenV2Routine open;
    ResourceRoutine close;
    OnlineV2Routine online;
    OfflineV2Routine offline;
    ResourceRoutine terminate;
    AliveRoutine looksAlive;
    AliveRoutine isAlive;
    ArbitrateRoutine arbitrate;
    ReleaseRoutine release;
    BeginResourceControlRoutine beginResourceControl;
    BeginTypeControlRoutine beginResourceTypeControl;
    CancelRoutine cancel;
    BeginResourceControlAsUserRoutine beginResourceControlAsUser;
    BeginTypeControlAsUserRoutine beginResourceTypeControlAsUser;
};

// W-021, W-023: `tableSize` is one of these, and V2 and V3 cannot be told apart by it.
static_assert(sizeof(FunctionsV1) == 11 * sizeof(void*));
static_assert(sizeof(FunctionsV2) == 12 * sizeof(void*));
static_assert(sizeof(FunctionsV3) == 12 * sizeof(void*));
static_assert(sizeof(FunctionsV4) == 14 * sizeof(void*));

/**
 * CLRES_FUNCTION_TABLE. `tableSize` is the size of the version's function block only (W-021); `version` alone says which
 * block it is (W-022). A library may be built with a header that knows fewer versions, so whoever reads a foreign table
 * reads no further than its block.
 */
struct FunctionTable {
    Dword tableSize;
    Dword version;
    union {
        FunctionsV1 v1;
        FunctionsV2 v2;
        FunctionsV3 v3;
        FunctionsV4 v4;
    };
};
static_assert(offsetof(FunctionTable, version) == 4 && offsetof(FunctionTable, v1) == 8);  // W-020
static_assert(sizeof(FunctionTable) == 8 + sizeof(FunctionsV4));

/** CLRES_Vn_FUNCTION_SIZE; 0 for a version that does not exist. */
[[nodiscard]] constexpr std::size_t functionBlockSize(Dword version) noexcept {
    switch (version) {
        case versionV1: return sizeof(FunctionsV1);
        case versionV2: return sizeof(FunctionsV2);
        case versionV3: return sizeof(FunctionsV3);
        case versionV4: return sizeof(FunctionsV4);
        default: return 0;
    }
}

using StartupRoutine = Dword(HOLDFAST_STDCALL*)(const WideChar* resourceType, Dword minVersion, Dword maxVersion,
                                                SetResourceStatusRoutine, LogEventRoutine, FunctionTable** table);

/** Error codes of the protocol (11.3). */
namespace code {
inline constexpr Dword success = 0;
inline constexpr Dword invalidFunction = 1;
inline constexpr Dword fileNotFound = 2;
inline constexpr Dword accessDenied = 5;
inline constexpr Dword notEnoughMemory = 8;
inline constexpr Dword invalidData = 13;
inline constexpr Dword notSupported = 50;
inline constexpr Dword callNotImplemented = 120;
inline constexpr Dword invalidParameter = 87;
inline constexpr Dword insufficientBuffer = 122;
inline constexpr Dword busy = 170;
inline constexpr Dword moreData = 234;
inline constexpr Dword noMoreItems = 259;
inline constexpr Dword operationAborted = 995;
inline constexpr Dword ioPending = 997;
inline constexpr Dword revisionMismatch = 1306;
inline constexpr Dword fileCorrupt = 1392;
inline constexpr Dword noSystemResources = 1450;
inline constexpr Dword timeout = 1460;
inline constexpr Dword resourceNotAvailable = 5006;
inline constexpr Dword resourceNotFound = 5007;
inline constexpr Dword invalidState = 5023;
inline constexpr Dword resourcePropertiesStored = 5024;
inline constexpr Dword resourceFailed = 5038;
inline constexpr Dword resourceTypeNameNotFound = 5080;
inline constexpr Dword resourceCallTimedOut = 5910;
inline constexpr Dword exceptionInResourceCall = 5930;
}  // namespace code

/** Budgets advised for entry points (W-100, W-135), in milliseconds. */
inline constexpr int entryPointBudgetMs = 300;
inline constexpr int isAliveBudgetMs = 50;

}  // namespace holdfast::inline v1::abi
