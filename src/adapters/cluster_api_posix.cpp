// SPDX-License-Identifier: BSL-1.0
#include "cluster_api.hpp"

namespace holdfast::inline v1::adapters {

const ClusterFunctions* bindClusterApi(std::string_view& absence) noexcept {
    absence = "this engine does not say what a resource depends on";
    return nullptr;
}

}  // namespace holdfast::inline v1::adapters
