// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/dependencies.hpp>

namespace holdfast::inline v1::adapters {

/** Whether this process is a host of holdfast's monitor: its program exports HoldfastHost. */
[[nodiscard]] bool hostIsHoldfast() noexcept;

/**
 * What a host of holdfast's monitor wrote below the resource's key before Online: `Dependencies\<n>` with Name, Type and
 * Parameters. Throws `Error`.
 */
[[nodiscard]] Dependencies readDependencyKeys(const abi::HostFunctions& functions, abi::KeyHandle resourceKey);

}  // namespace holdfast::inline v1::adapters
