// SPDX-License-Identifier: BSL-1.0
#include "monitor/dependency_keys.hpp"

#include <fmt/format.h>

namespace holdfast::inline v1::monitor {

void writeDependencyKeys(MemoryRegistry& registry, std::string_view registryPath,
                         const std::vector<holdfast::Dependency>& dependencies) {
    const std::string room = fmt::format("{}\\Dependencies", registryPath);
    registry.erase(room);
    for (std::size_t i = 0; i < dependencies.size(); ++i) {
        const holdfast::Dependency& dependency = dependencies[i];
        const std::string key = fmt::format("{}\\{}", room, i);
        registry.set(key, {{"Name", PropertyValue::sz(dependency.name)}, {"Type", PropertyValue::sz(dependency.type)}});
        registry.set(key + "\\Parameters", dependency.properties);
    }
}

}  // namespace holdfast::inline v1::monitor
