// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/configuration.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::inline v1::monitor {

/** One name of a `dependsOn`, with its place. */
struct Dependency {
    std::size_t from;
    std::string name;
    SourceLine where;
};

/** What is wrong with them: names that do not exist, cycles, ways from one group into another (W-412). */
[[nodiscard]] std::vector<Problem> checkDependencies(const std::vector<ResourceConfiguration>& resources,
                                                     const std::vector<Dependency>& dependencies);

}  // namespace holdfast::inline v1::monitor
