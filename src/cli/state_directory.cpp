// SPDX-License-Identifier: BSL-1.0
#include "cli/state_directory.hpp"

#if !defined(_WIN32)
#include <unistd.h>
#endif

#include <cstdlib>
#include <string_view>

namespace holdfast::inline v1::cli {

namespace {

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

bool isRoot() {
#if defined(_WIN32)
    return false;
#else
    return ::geteuid() == 0;
#endif
}

}  // namespace

std::filesystem::path defaultStateDirectory(const std::string& name) {
    if (const auto made = variable("STATE_DIRECTORY"); !made.empty()) {
        return std::filesystem::path{made.substr(0, made.find(':'))} / name;  // it may name several
    }
    if (const std::filesystem::path home{variable("XDG_STATE_HOME")}; home.is_absolute())
        return home / "holdfast" / name;
    if (isRoot()) return std::filesystem::path{"/var/lib/holdfast"} / name;
    if (const std::filesystem::path home{variable("HOME")}; home.is_absolute())
        return home / ".local/state/holdfast" / name;
    return {};
}

}  // namespace holdfast::inline v1::cli
