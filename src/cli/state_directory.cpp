// SPDX-License-Identifier: BSL-1.0
#include "cli/state_directory.hpp"

#include "cli/places.hpp"

#include <cstdlib>
#include <string_view>

namespace holdfast::inline v1::cli {

namespace {

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any other thread runs
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

}  // namespace

std::filesystem::path defaultStateDirectory(const std::string& name) {
    if (const auto made = variable("STATE_DIRECTORY"); !made.empty()) {
        return firstPath(std::string{made}) / name;
    }
    const auto states = stateDirectories();
    return states.empty() ? std::filesystem::path{} : states / name;
}

}  // namespace holdfast::inline v1::cli
