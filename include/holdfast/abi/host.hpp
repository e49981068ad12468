// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a library takes from its host at run time: on Windows from clusapi.dll and kernel32.dll, elsewhere from the one
/// function `HoldfastHost` that the host program exports.

#include <holdfast/abi/resapi.hpp>

#include <cstddef>

namespace holdfast::inline v1::abi {

/** Registry value types (the numbers of winnt.h). */
enum class RegistryType : Dword { none = 0, sz = 1, expandSz = 2, binary = 3, dword = 4, multiSz = 7, qword = 11 };

struct BatchTag;
struct ClusterTag;
using BatchHandle = BatchTag*;      ///< HREGBATCH
using ClusterHandle = ClusterTag*;  ///< HCLUSTER

/** CLUSTER_REG_COMMAND, as far as it is used. */
enum class BatchCommand : std::int32_t { none = 0, setValue = 1, deleteValue = 4 };

/** The functions of the cluster registry and the thread's last error, with the signatures of their Windows namesakes. */
struct HostFunctions {
    Dword size;     ///< sizeof(HostFunctions) of the host; entries beyond it do not exist
    Dword version;  ///< 1
    void(HOLDFAST_STDCALL* setLastError)(Dword);
    Dword(HOLDFAST_STDCALL* getLastError)();
    std::int32_t(HOLDFAST_STDCALL* clusterRegOpenKey)(KeyHandle, const WideChar* subkey, Dword access, KeyHandle* out);
    std::int32_t(HOLDFAST_STDCALL* clusterRegCloseKey)(KeyHandle);
    /** As ClusterRegQueryValue: 0, 2 if absent, 234 with the size needed if `size` is short. `data` may be null. */
    Dword(HOLDFAST_STDCALL* clusterRegQueryValue)(KeyHandle, const WideChar* name, Dword* type, Byte* data,
                                                  Dword* size);
    Dword(HOLDFAST_STDCALL* clusterRegSetValue)(KeyHandle, const WideChar* name, Dword type, const Byte* data,
                                                Dword size);
    /** As ClusterRegEnumValue: 0, 259 past the end, 234 if a buffer is short. `nameSize` in characters without NUL. */
    Dword(HOLDFAST_STDCALL* clusterRegEnumValue)(KeyHandle, Dword index, WideChar* name, Dword* nameSize, Dword* type,
                                                 Byte* data, Dword* size);
    /**
     * Code of the resource's author begins on this thread, as `call`; ends with `leaveCall`. For a host that tells whose
     * fault a crash was. May be null, or beyond `size`; a library asks `offersCallNotes`.
     */
    void(HOLDFAST_STDCALL* enterCall)(ResourceHandle, const char* call);
    void(HOLDFAST_STDCALL* leaveCall)();

    // Writing. Each may be null, or beyond `size`.
    std::int32_t(HOLDFAST_STDCALL* clusterRegCreateKey)(KeyHandle, const WideChar* subkey, Dword options, Dword access,
                                                        void* security, KeyHandle* out, Dword* disposition);
    Dword(HOLDFAST_STDCALL* clusterRegDeleteValue)(KeyHandle, const WideChar* name);
    /** As ClusterRegCreateBatch and the two that go with it: what was added happens at one moment or not at all. */
    std::int32_t(HOLDFAST_STDCALL* clusterRegCreateBatch)(KeyHandle, BatchHandle* out);
    std::int32_t(HOLDFAST_STDCALL* clusterRegBatchAddCommand)(BatchHandle, BatchCommand, const WideChar* name,
                                                              Dword options, const void* data, Dword size);
    std::int32_t(HOLDFAST_STDCALL* clusterRegCloseBatch)(BatchHandle, Bool commit, std::int32_t* failedCommand);

    /**
     * The key of a resource type, created if it is missing, in the database that `beside` is a key of; null: in the one of
     * this process. Local and quick, so allowed in Open. Null on Windows, where the cluster API gives it (below).
     */
    std::int32_t(HOLDFAST_STDCALL* openTypeKey)(KeyHandle beside, const WideChar* typeName, KeyHandle* out);
    // The same by remote calls, so for workers only (W-802); null elsewhere than on Windows.
    ClusterHandle(HOLDFAST_STDCALL* openCluster)(const WideChar* name);
    Bool(HOLDFAST_STDCALL* closeCluster)(ClusterHandle);
    KeyHandle(HOLDFAST_STDCALL* getClusterResourceTypeKey)(ClusterHandle, const WideChar* typeName, Dword access);

    // The flight recorder (docs/flight-recorder.md). Each may be null, or beyond `size`.
    /**
     * Memory for this library's flight recorder, zero and 64-byte aligned; `size` in bytes. It stays mapped as long as the
     * process lives, and somebody outside can still read it afterwards. Null: there is none, or none left.
     */
    Byte*(HOLDFAST_STDCALL* flightMemory)(Dword* size);
    /** Something happened that is worth writing the recorder out for: a broken budget, a wedged worker. Never blocks. */
    void(HOLDFAST_STDCALL* flightAlarm)(ResourceHandle, const char* reason);
    /**
     * For verification only; null in every production host. Asked on the worker, inside the guard around the author's member
     * `call` ("online", "offline", "looksAlive", "isAlive", "repair", "terminate"): it may block or crash; 1: throw now.
     */
    Dword(HOLDFAST_STDCALL* injectedFault)(ResourceHandle, const char* call);
};

/** What every host has: the functions up to the registry's. */
inline constexpr std::size_t smallestHostFunctions = offsetof(HostFunctions, enterCall);

/** The optional function `member` of `host`, or null: it may be older than the function, or not have it. */
template <typename Function>
[[nodiscard]] Function offered(const HostFunctions* host, Function HostFunctions::*member) noexcept {
    if (host == nullptr || host->version != 1) return nullptr;
    // Where the member lies is asked of an object of our own: the host's may end before it.
    const HostFunctions own{};
    const auto* const begin = reinterpret_cast<const unsigned char*>(&own);
    const auto* const end = reinterpret_cast<const unsigned char*>(&(own.*member) + 1);
    return static_cast<std::size_t>(end - begin) <= host->size ? host->*member : nullptr;
}

[[nodiscard]] inline bool offersCallNotes(const HostFunctions* host) noexcept {
    return offered(host, &HostFunctions::enterCall) != nullptr && offered(host, &HostFunctions::leaveCall) != nullptr;
}

}  // namespace holdfast::inline v1::abi

extern "C" {
/** Exported by the host program (not by libraries); found with dlsym on systems other than Windows. */
using HoldfastHostFunction = const holdfast::abi::HostFunctions* (*)(holdfast::abi::Dword version);
}
