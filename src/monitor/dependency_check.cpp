// SPDX-License-Identifier: BSL-1.0
#include "monitor/dependency_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string_view>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

class Check {
public:
    Check(const std::vector<ResourceConfiguration>& resources, const std::vector<Dependency>& dependencies)
        : resources_{resources}, dependencies_{dependencies} {
        for (std::size_t i = 0; i < resources_.size(); ++i) numbers_.try_emplace(resources_[i].name, i);
    }

    std::vector<Problem> run() {
        if (!names()) return std::move(problems_);
        groups();
        cycles();
        return std::move(problems_);
    }

private:
    bool names() {
        std::vector<std::string_view> known;
        known.reserve(resources_.size());
        for (const auto& resource : resources_) known.push_back(resource.name);
        for (const auto& [from, name, where] : dependencies_) {
            if (numbers_.contains(name)) continue;
            const auto near = suggestion(name, known);
            problems_.push_back(
                {where, fmt::format("resource '{}' depends on '{}', which does not exist{}", resources_[from].name,
                                    name, near.empty() ? "" : fmt::format("; did you mean '{}'?", near))});
        }
        return problems_.empty();
    }

    void groups() {
        for (const auto& [from, name, where] : dependencies_) {
            const auto& own = resources_[from].group;
            const auto& other = resources_[numbers_.at(name)].group;
            if (own.empty() || other.empty() || own == other) continue;
            problems_.push_back({where, fmt::format("resource '{}' of group '{}' depends on '{}' of group '{}'; groups "
                                                    "must not depend on each other",
                                                    resources_[from].name, own, name, other)});
        }
    }

    /** Depth first, with a path of our own: a chain may be longer than a stack is deep. */
    void cycles() {
        enum class Mark { unseen, onPath, done };
        std::vector<Mark> marks(resources_.size(), Mark::unseen);
        struct Step {
            std::size_t resource;
            std::size_t next{0};  ///< of its dependencies
        };
        for (std::size_t first = 0; first < resources_.size(); ++first) {
            if (marks[first] != Mark::unseen) continue;
            std::vector<Step> path{{first}};
            marks[first] = Mark::onPath;
            while (!path.empty()) {
                Step& step = path.back();
                const auto& names = resources_[step.resource].dependsOn;
                if (step.next == names.size()) {
                    marks[step.resource] = Mark::done;
                    path.pop_back();
                    continue;
                }
                const auto& name = names[step.next++];
                const std::size_t to = numbers_.at(name);
                if (marks[to] == Mark::onPath) {  // back to where we came through
                    std::string cycle;
                    auto it = std::find_if(path.begin(), path.end(), [&](const Step& s) { return s.resource == to; });
                    for (; it != path.end(); ++it) cycle += resources_[it->resource].name + " -> ";
                    problems_.push_back({whereOf(path.back().resource, name),
                                         fmt::format("a cycle of dependencies: {}{}", cycle, name)});
                    return;
                }
                if (marks[to] == Mark::unseen) {
                    marks[to] = Mark::onPath;
                    path.push_back({to});
                }
            }
        }
    }

    [[nodiscard]] SourceLine whereOf(std::size_t from, const std::string& name) const {
        for (const auto& dependency : dependencies_) {
            if (dependency.from == from && dependency.name == name) return dependency.where;
        }
        return resources_[from].where;
    }

    const std::vector<ResourceConfiguration>& resources_;
    const std::vector<Dependency>& dependencies_;
    std::map<std::string_view, std::size_t> numbers_;
    std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> checkResources(const MonitorConfiguration& configuration) {
    std::vector<Problem> problems;
    std::vector<Dependency> dependencies;
    std::map<std::string_view, int> groups;
    std::map<std::string_view, int> names;
    for (const auto& group : configuration.groups) {
        if (++groups[group.name] == 2)
            problems.push_back({group.where, fmt::format("there are two groups named '{}'", group.name)});
    }
    for (std::size_t i = 0; i < configuration.resources.size(); ++i) {
        const auto& resource = configuration.resources[i];
        if (resource.name.empty()) problems.push_back({resource.where, "a resource has no name"});
        if (++names[resource.name] == 2)
            problems.push_back({resource.where, fmt::format("there are two resources named '{}'", resource.name)});
        if (!resource.group.empty() && !groups.contains(resource.group))
            problems.push_back({resource.where, fmt::format("there is no group '{}'", resource.group)});
        for (const auto& name : resource.dependsOn) dependencies.push_back({i, name, resource.where});
    }
    auto wrong = checkDependencies(configuration.resources, dependencies);
    problems.insert(problems.end(), wrong.begin(), wrong.end());
    return problems;
}

std::vector<Problem> checkDependencies(const std::vector<ResourceConfiguration>& resources,
                                       const std::vector<Dependency>& dependencies) {
    return Check{resources, dependencies}.run();
}

std::map<std::string, std::uint32_t> ranksOf(const MonitorConfiguration& configuration) {
    std::map<std::string, const ResourceConfiguration*> named;
    for (const auto& resource : configuration.resources) named.emplace(resource.name, &resource);
    std::map<std::string, std::uint32_t> ranks;
    const std::function<std::uint32_t(const std::string&)> rank = [&](const std::string& name) {
        const auto [known, isNew] = ranks.try_emplace(name, 0);
        if (!isNew || !named.contains(name)) return known->second;  // also on the way round a cycle
        std::uint32_t above = 0;
        for (const auto& provider : named.at(name)->dependsOn) above = std::max(above, rank(provider) + 1);
        return ranks[name] = above;
    };
    for (const auto& resource : configuration.resources) rank(resource.name);
    return ranks;
}

}  // namespace holdfast::inline v1::monitor
