// SPDX-License-Identifier: BSL-1.0
#include "cluster_api.hpp"

#include "os/wine.hpp"

#include <windows.h>

#include <mutex>

namespace holdfast::inline v1::adapters {
namespace {

template <typename Function>
bool bind(HMODULE library, const char* name, Function& function) {
    // Through a plain function pointer: both casts are between function types, whose real signature is Function's.
    function = reinterpret_cast<Function>(reinterpret_cast<void (*)()>(GetProcAddress(library, name)));
    return function != nullptr;
}

abi::Dword WINAPI lastError() { return GetLastError(); }

}  // namespace

const ClusterFunctions* bindClusterApi(std::string_view& absence) noexcept {
    // RHS has it loaded already; elsewhere only the system's own copy will do, never one beside the program.
    HMODULE library = GetModuleHandleW(L"clusapi.dll");
    if (!library) library = LoadLibraryExW(L"clusapi.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (!library) {
        absence = "clusapi.dll is not there: the Failover Clustering feature is not installed";
        return nullptr;
    }
    if (os::isWineBuiltin(library)) {
        absence = "Wine's clusapi.dll has no functions";
        return nullptr;
    }
    static std::mutex mutex;  // guards the two below until they are filled; then they are only read
    static ClusterFunctions functions{};
    static bool complete = false;
    const std::lock_guard lock{mutex};
    if (complete) return &functions;
    functions.getLastError = &lastError;
    complete = bind(library, "OpenCluster", functions.openCluster) &&
               bind(library, "CloseCluster", functions.closeCluster) &&
               bind(library, "OpenClusterResource", functions.openClusterResource) &&
               bind(library, "CloseClusterResource", functions.closeClusterResource) &&
               bind(library, "ClusterResourceOpenEnum", functions.clusterResourceOpenEnum) &&
               bind(library, "ClusterResourceCloseEnum", functions.clusterResourceCloseEnum) &&
               bind(library, "ClusterResourceEnum", functions.clusterResourceEnum) &&
               bind(library, "ClusterResourceControl", functions.clusterResourceControl) &&
               bind(library, "GetClusterResourceNetworkName", functions.getClusterResourceNetworkName);
    if (!complete) absence = "clusapi.dll lacks functions that every supported Windows has";
    return complete ? &functions : nullptr;
}

}  // namespace holdfast::inline v1::adapters
