// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The resource-DLL boundary in portable types: the same layout as Windows' resapi.h (W-020..W-033), on every system.
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

/** CLRES_V1_FUNCTIONS: 11 pointers, in this order (W-023). */
struct FunctionsV1 {
    ResourceId(HOLDFAST_STDCALL* open)(const WideChar* resourceName, KeyHandle resourceKey, ResourceHandle handle);
    void(HOLDFAST_STDCALL* close)(ResourceId);
    Dword(HOLDFAST_STDCALL* online)(ResourceId, Handle* eventHandle);
    Dword(HOLDFAST_STDCALL* offline)(ResourceId);
    void(HOLDFAST_STDCALL* terminate)(ResourceId);
    Bool(HOLDFAST_STDCALL* looksAlive)(ResourceId);
    Bool(HOLDFAST_STDCALL* isAlive)(ResourceId);
    Dword(HOLDFAST_STDCALL* arbitrate)(ResourceId, QuorumResourceLost);
    Dword(HOLDFAST_STDCALL* release)(ResourceId);
    Dword(HOLDFAST_STDCALL* resourceControl)(ResourceId, Dword code, void* in, Dword inSize, void* out, Dword outSize,
                                             Dword* bytesReturned);
    Dword(HOLDFAST_STDCALL* resourceTypeControl)(const WideChar* typeName, Dword code, void* in, Dword inSize,
                                                 void* out, Dword outSize, Dword* bytesReturned);
};
static_assert(sizeof(FunctionsV1) == 11 * sizeof(void*));  // W-021

inline constexpr Dword versionV1 = 0x0100;

/** CLRES_FUNCTION_TABLE as far as V1 reaches; `tableSize` is the size of the function block only (W-021). */
struct FunctionTable {
    Dword tableSize;
    Dword version;
    FunctionsV1 v1;
};
static_assert(offsetof(FunctionTable, v1) == 8);  // W-020

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
inline constexpr Dword invalidParameter = 87;
inline constexpr Dword insufficientBuffer = 122;
inline constexpr Dword busy = 170;
inline constexpr Dword moreData = 234;
inline constexpr Dword noMoreItems = 259;
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
