// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Windows only: what resutils.dll does for services, where a cluster is there to use it.

#include <holdfast/abi/resapi.hpp>
#include <holdfast/service/roles.hpp>

#include <windows.h>

#include <memory>
#include <string>
#include <string_view>

namespace holdfast::inline v1::service {

/** Signatures of the namesakes in resapi.h; an HRESOURCE is opaque here. */
struct ResourceUtilities {
    DWORD(WINAPI* setServiceEnvironment)
    (const wchar_t* service, void* resource, abi::LogEventRoutine, abi::ResourceHandle);
    DWORD(WINAPI* removeServiceEnvironment)(const wchar_t* service, abi::LogEventRoutine, abi::ResourceHandle);
    DWORD(WINAPI* setServiceStartParameters)
    (const wchar_t* service, SC_HANDLE manager, SC_HANDLE* opened, abi::LogEventRoutine, abi::ResourceHandle);
    /** The resource by its name in the cluster; null with the last error set. Worker threads only (W-800). */
    void*(WINAPI* openClusterResource)(void* cluster, const wchar_t* name);
    BOOL(WINAPI* closeClusterResource)(void* resource);
    void*(WINAPI* openCluster)(const wchar_t* name);
    BOOL(WINAPI* closeCluster)(void* cluster);
};

/** Those of this process, or null: without a cluster, and under Wine, where they are stubs that end the process. */
[[nodiscard]] const ResourceUtilities* bindResourceUtilities() noexcept;

/**
 * The environment and the start parameters as the cluster's own library sets them. `beneath` does it where there is
 * no network name.
 */
[[nodiscard]] std::unique_ptr<Configuration> makeClusterConfiguration(const ResourceUtilities& utilities,
                                                                      std::string name, Context& context,
                                                                      std::unique_ptr<Configuration> beneath);

}  // namespace holdfast::inline v1::service
