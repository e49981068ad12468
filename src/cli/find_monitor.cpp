// SPDX-License-Identifier: BSL-1.0
#include "cli/find_monitor.hpp"

#include <fmt/format.h>

#include <sys/stat.h>
#include <unistd.h>

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

/** What others put in our way is not asked. */
bool isOurs(const fs::path& folder) {
    struct stat info {};
    return ::lstat(folder.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid() &&
           (info.st_mode & 0077U) == 0;
}

}  // namespace

fs::path runDirectories() {
    if (::geteuid() == 0) return "/run/holdfast";
    if (const auto user = variable("XDG_RUNTIME_DIR"); !user.empty()) return fs::path{user} / "holdfast";
    return fmt::format("/tmp/holdfast-{}", ::geteuid());
}

std::vector<fs::path> controlCandidates() {
    std::vector<fs::path> found;
    const auto add = [&](const fs::path& folder) {
        std::error_code ignored;
        if (isOurs(folder) && fs::is_socket(folder / controlName, ignored)) found.push_back(folder / controlName);
    };
    for (const char* name : {"HOLDFAST_RUN_DIRECTORY", "RUNTIME_DIRECTORY"}) {
        const auto given = variable(name);
        if (!given.empty()) add(given.substr(0, given.find(':')));
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
