// SPDX-License-Identifier: BSL-1.0
#include "cli/find_monitor.hpp"

#include "cli/places.hpp"

#include <algorithm>
#include <cstdlib>
#include <string>
#include <system_error>

namespace holdfast::inline v1::cli {

namespace {

namespace fs = std::filesystem;

std::string variable(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any other thread runs
    return value == nullptr ? std::string{} : std::string{value};
}

}  // namespace

std::vector<fs::path> controlCandidates() {
    std::vector<fs::path> found;
    const auto add = [&](const fs::path& folder) {
        // What others put in our way is not asked.
        if (isOwnFolder(folder) && isControlSocket(folder / controlName)) found.push_back(folder / controlName);
    };
    for (const char* name : {"HOLDFAST_RUN_DIRECTORY", "RUNTIME_DIRECTORY"}) {
        const auto given = variable(name);
        if (!given.empty()) add(firstPath(given));
        if (!found.empty()) return found;
    }
    std::error_code error;
    for (fs::directory_iterator it{runDirectories(), error}; !error && it != fs::directory_iterator{};
         it.increment(error)) {
        add(it->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

}  // namespace holdfast::inline v1::cli
