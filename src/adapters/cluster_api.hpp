// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>
#include <holdfast/dependencies.hpp>

#include <string>
#include <string_view>

namespace holdfast::inline v1::adapters {

/**
 * The functions of clusapi.dll that an agent may call, on worker threads only (W-800): they only ask. Signatures of their
 * Windows namesakes; handles are opaque.
 */
struct ClusterFunctions {
    abi::Handle(HOLDFAST_STDCALL* openCluster)(const abi::WideChar* name);
    abi::Bool(HOLDFAST_STDCALL* closeCluster)(abi::Handle);
    abi::Handle(HOLDFAST_STDCALL* openClusterResource)(abi::Handle cluster, const abi::WideChar* name);
    abi::Bool(HOLDFAST_STDCALL* closeClusterResource)(abi::Handle);
    abi::Handle(HOLDFAST_STDCALL* clusterResourceOpenEnum)(abi::Handle resource, abi::Dword type);
    abi::Dword(HOLDFAST_STDCALL* clusterResourceCloseEnum)(abi::Handle);
    abi::Dword(HOLDFAST_STDCALL* clusterResourceEnum)(abi::Handle, abi::Dword index, abi::Dword* type,
                                                      abi::WideChar* name, abi::Dword* nameSize);
    abi::Dword(HOLDFAST_STDCALL* clusterResourceControl)(abi::Handle resource, abi::Handle node, abi::Dword code,
                                                         void* in, abi::Dword inSize, void* out, abi::Dword outSize,
                                                         abi::Dword* returned);
    abi::Bool(HOLDFAST_STDCALL* getClusterResourceNetworkName)(abi::Handle resource, abi::WideChar* name,
                                                               abi::Dword* nameSize);
    abi::Dword(HOLDFAST_STDCALL* getLastError)();
};

/** An opened resource with its cluster; both are closed with it. */
class ClusterResource {
public:
    /** Throws `Error` if the cluster or the resource cannot be opened. */
    ClusterResource(const ClusterFunctions& functions, std::string_view name);
    ClusterResource(const ClusterResource&) = delete;
    ClusterResource& operator=(const ClusterResource&) = delete;
    ~ClusterResource();
    [[nodiscard]] abi::Handle get() const noexcept { return resource_; }
    [[nodiscard]] abi::Handle cluster() const noexcept { return cluster_; }

private:
    const ClusterFunctions& functions_;
    abi::Handle cluster_{};
    abi::Handle resource_{};
};

/** What the cluster says that `resource` depends on. Throws `Error`. Remote work: on a worker (W-800, W-801). */
[[nodiscard]] Dependencies readClusterDependencies(const ClusterFunctions& functions, std::string_view resource);

/** Those of this process's cluster, or null with the reason in `absence`. One implementation per system. */
[[nodiscard]] const ClusterFunctions* bindClusterApi(std::string_view& absence) noexcept;

}  // namespace holdfast::inline v1::adapters
