// SPDX-License-Identifier: BSL-1.0
#include "verify/forbidden_calls.hpp"

#include <algorithm>
#include <array>

namespace holdfast::inline v1::verify {
namespace {

constexpr auto neverCalled = std::to_array<std::string_view>({
    "AddClusterResourceDependency",
    "ChangeClusterResourceGroup",
    "CreateClusterGroup",
    "CreateClusterResource",
    "DeleteClusterGroup",
    "DeleteClusterResource",
    "DestroyClusterGroup",
    "FailClusterResource",
    "MoveClusterGroup",
    "OfflineClusterGroup",
    "OfflineClusterResource",
    "OnlineClusterGroup",
    "OnlineClusterResource",
    "RemoveClusterResourceDependency",
    "RemoveClusterResourceNode",
    "ResUtilFindDependentDiskResourceDriveLetter",
    "SetClusterGroupName",
    "SetClusterGroupNodeList",
    "SetClusterName",
    "SetClusterQuorumResource",
    "SetClusterResourceName",
    "SetClusterServiceAccountPassword",
});

constexpr auto workersOnly = std::to_array<std::string_view>({
    "AddClusterResourceNode",
    "CanResourceBeDependent",
    "ClusterGroupEnum",
    "ClusterGroupOpenEnum",
    "ClusterResourceEnum",
    "ClusterResourceOpenEnum",
    "GetClusterGroupState",
    "GetClusterResourceNetworkName",
    "GetClusterResourceState",
    "ResUtilGetResourceDependentIPAddressProps",
    "ResUtilGetEnvironmentWithNetName",
    "ResUtilGetResourceDependency",
    "ResUtilGetResourceDependencyByClass",
    "ResUtilGetResourceDependencyByName",
    "ResUtilGetResourceNameDependency",
    "ResUtilSetResourceServiceEnvironment",
    "ClusterResourceControl",
    "ClusterGroupControl",
});

constexpr auto writers = std::to_array<std::string_view>({
    "ClusterRegCreateKey",
    "ClusterRegDeleteKey",
    "ClusterRegDeleteValue",
    "ClusterRegSetKeySecurity",
    "ClusterRegSetValue",
    "ClusterRegCloseBatch",
    "ResUtilSetBinaryValue",
    "ResUtilSetDwordValue",
    "ResUtilSetExpandSzValue",
    "ResUtilSetMultiSzValue",
    "ResUtilSetSzValue",
    "ResUtilSetPrivatePropertyList",
    "ResUtilSetPropertyTable",
    "ResUtilSetPropertyTableEx",
    "ResUtilSetPropertyParameterBlock",
    "ResUtilSetPropertyParameterBlockEx",
    "ResUtilSetUnknownProperties",
});

template <std::size_t Size>
bool has(const std::array<std::string_view, Size>& names, std::string_view name) noexcept {
    return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Allowed whereAllowed(std::string_view function) noexcept {
    if (has(neverCalled, function)) return Allowed::never;
    if (has(workersOnly, function)) return Allowed::onWorkersOnly;
    if (has(writers, function)) return Allowed::notInWorkingEntries;
    return Allowed::everywhere;
}

bool isForbidden(std::string_view function, std::string_view entry) noexcept {
    switch (whereAllowed(function)) {
        case Allowed::everywhere: return false;
        case Allowed::never: return true;
        case Allowed::onWorkersOnly: return !entry.empty();
        case Allowed::notInWorkingEntries:
            return entry == "Open" || entry == "Online" || entry == "Offline" || entry == "Terminate" ||
                   entry == "Close";
    }
    return false;
}

}  // namespace holdfast::inline v1::verify
