// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a library takes from its host at run time: on Windows from clusapi.dll and kernel32.dll, elsewhere from the one
/// function `HoldfastHost` that the host program exports.

#include <holdfast/abi/resapi.hpp>

#include <cstddef>

namespace holdfast::inline v1::abi {

/** Registry value types (the numbers of winnt.h). */
enum class RegistryType : Dword { none = 0, sz = 1, expandSz = 2, binary = 3, dword = 4, multiSz = 7, qword = 11 };

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
};

/** What every host has: the functions up to the registry's. */
inline constexpr std::size_t smallestHostFunctions = offsetof(HostFunctions, enterCall);

[[nodiscard]] inline bool offersCallNotes(const HostFunctions* host) noexcept {
    return host != nullptr && host->version == 1 && host->size >= sizeof(HostFunctions) && host->enterCall != nullptr &&
           host->leaveCall != nullptr;
}

}  // namespace holdfast::inline v1::abi

extern "C" {
/** Exported by the host program (not by libraries); found with dlsym on systems other than Windows. */
using HoldfastHostFunction = const holdfast::abi::HostFunctions* (*)(holdfast::abi::Dword version);
}
