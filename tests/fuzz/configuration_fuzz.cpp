// SPDX-License-Identifier: BSL-1.0
/// Any text as a configuration file: a configuration comes out, or problems that name lines of the file.
#include "fuzz_target.hpp"
#include "well_formed.hpp"

#include <holdfast/monitor/configuration.hpp>
#include <holdfast/os/process.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>

using namespace holdfast::monitor;
using fuzz::promise;

namespace {

/** Where the file is: beside it lies what an agent's library is taken for, which need only exist. */
struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("holdfast-fuzz-" + std::to_string(holdfast::os::processId()));
    Folder() {
        std::filesystem::create_directories(path);
        std::ofstream{path / "agent.so"} << "x";
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

void checkPlaces(const std::vector<Problem>& problems, std::size_t lines) {
    for (const auto& problem : problems) {
        promise(problem.where.line <= lines, "a problem's line is in the file");
        promise(!problem.text.empty(), "a problem says what it is");
        promise(problem.toString().find(problem.text) != std::string::npos, "a problem's text is in its line");
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::textOf(data, size);
    static const Folder folder;
    const auto read = parseConfiguration(text, folder.path / "orders.toml");
    // An editor counts the line behind the last line end, too.
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    checkPlaces(read.problems, lines);
    checkPlaces(read.notes, lines);
    promise(std::is_sorted(read.problems.begin(), read.problems.end(),
                           [](const auto& a, const auto& b) { return a.where.line < b.where.line; }),
            "problems are in the order of the file");
    if (!fuzz::isUtf8(text)) promise(!read.problems.empty(), "TOML is UTF-8");
    if (!read.problems.empty()) return 0;

    const auto& configuration = read.configuration;
    promise(!configuration.resources.empty(), "a configuration without a problem has a resource");
    std::set<std::string> groups;
    for (const auto& group : configuration.groups) {
        promise(groups.insert(group.name).second, "each group has a name of its own");
        promise(group.failoverPeriod.count() >= 0, "a period is not negative");
        promise(group.where.line >= 1 && group.where.line <= lines, "a group's line is in the file");
    }
    std::set<std::string> names;
    for (const auto& resource : configuration.resources) {
        promise(!resource.name.empty() && !resource.type.empty(), "a resource has a name and a type");
        promise(names.insert(resource.name).second, "each resource has a name of its own");
        promise(resource.group.empty() || groups.contains(resource.group), "a resource's group is there");
        promise(resource.where.line >= 1 && resource.where.line <= lines, "a resource's line is in the file");
        promise(resource.times.isAlivePollInterval.count() >= 10, "W-310 the interval is in its range");
        for (const auto& property : resource.properties)
            promise(property.where.line >= 1 && property.where.line <= lines, "a property's line is in the file");
    }
    for (const auto& resource : configuration.resources) {
        for (const auto& other : resource.dependsOn) promise(names.contains(other), "what is depended on is there");
    }
    return 0;
}
