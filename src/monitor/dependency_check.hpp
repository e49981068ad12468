// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/configuration.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
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

/** What is wrong with resources that a program made up: all that a file is checked for and that does not need it. */
[[nodiscard]] std::vector<Problem> checkResources(const MonitorConfiguration& configuration);

/** By name: 0 depends on nothing, n on something of rank n - 1. In a cycle some rank. */
[[nodiscard]] std::map<std::string, std::uint32_t> ranksOf(const MonitorConfiguration& configuration);

}  // namespace holdfast::inline v1::monitor
