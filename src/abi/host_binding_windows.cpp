// SPDX-License-Identifier: BSL-1.0
#include "host_binding.hpp"

#include "os/wine.hpp"

#include <windows.h>

#include <type_traits>

namespace holdfast::inline v1::abi {
namespace {

template <typename Function>
bool bind(HMODULE library, const char* name, Function& function) {
    // Through a plain function pointer: both casts are between function types, whose real signature is Function's.
    function = reinterpret_cast<Function>(reinterpret_cast<void (*)()>(GetProcAddress(library, name)));
    return function != nullptr;
}

void WINAPI systemSetLastError(Dword code) { SetLastError(code); }
Dword WINAPI systemGetLastError() { return GetLastError(); }

const HostFunctions* bindCluster() noexcept {
    // The resource host has it loaded already; elsewhere only the system's own copy will do, never one beside the program.
    HMODULE library = GetModuleHandleW(L"clusapi.dll");
    if (!library) library = LoadLibraryExW(L"clusapi.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!library || os::isWineBuiltin(library)) return nullptr;  // Wine's consists of stubs
    static HostFunctions functions{};                            // filled by the first call alone, see bindHost
    functions.size = sizeof functions;
    functions.version = 1;
    functions.setLastError = &systemSetLastError;
    functions.getLastError = &systemGetLastError;
    const bool complete = bind(library, "ClusterRegOpenKey", functions.clusterRegOpenKey) &&
                          bind(library, "ClusterRegCloseKey", functions.clusterRegCloseKey) &&
                          bind(library, "ClusterRegQueryValue", functions.clusterRegQueryValue) &&
                          bind(library, "ClusterRegSetValue", functions.clusterRegSetValue) &&
                          bind(library, "ClusterRegEnumValue", functions.clusterRegEnumValue);
    // What writes may be missing (batches: before Windows 7); and a substitute may offer only what reads.
    bind(library, "ClusterRegCreateKey", functions.clusterRegCreateKey);
    bind(library, "ClusterRegDeleteValue", functions.clusterRegDeleteValue);
    bind(library, "ClusterRegCreateBatch", functions.clusterRegCreateBatch);
    bind(library, "ClusterRegBatchAddCommand", functions.clusterRegBatchAddCommand);
    bind(library, "ClusterRegCloseBatch", functions.clusterRegCloseBatch);
    bind(library, "OpenCluster", functions.openCluster);
    bind(library, "CloseCluster", functions.closeCluster);
    bind(library, "GetClusterResourceTypeKey", functions.getClusterResourceTypeKey);
    return complete ? &functions : nullptr;
}

}  // namespace

const HostFunctions* hostExport() noexcept {
    HoldfastHostFunction host{};
    return bind(GetModuleHandleW(nullptr), "HoldfastHost", host) ? host(1) : nullptr;
}

const HostFunctions* bindHost() noexcept {
    if (const auto* functions = hostExport()) return functions;
    static const HostFunctions* const cluster = bindCluster();
    return cluster;
}

void setSystemLastError(Dword code) noexcept { SetLastError(code); }

}  // namespace holdfast::inline v1::abi
