// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/dependencies.hpp>
#include <holdfast/monitor/memory_registry.hpp>

#include <string_view>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Writes what a resource depends on where its agent looks for it: `Dependencies\<n>` below the resource's key, with Name and
 * Type, and the private properties under `Parameters`. Replaces what was there.
 */
void writeDependencyKeys(MemoryRegistry& registry, std::string_view registryPath,
                         const std::vector<holdfast::Dependency>& dependencies);

}  // namespace holdfast::inline v1::monitor
