// SPDX-License-Identifier: BSL-1.0

#include "place.hpp"

#include "proc.hpp"

#include <holdfast/error.hpp>

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace holdfast::inline v1::process {
namespace {

// The environment is the host's and set before any agent is loaded.
std::string variable(const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): see above
    return value == nullptr ? std::string{} : value;
}

std::string runDirectory() {
    if (auto directory = variable("HOLDFAST_RUN_DIRECTORY"); !directory.empty()) return directory;
    // Below what a monitor on this machine makes for its own folders, which others may look into.
    std::string common = "/tmp/holdfast-" + std::to_string(::geteuid());
    if (::geteuid() == 0) {
        common = "/run/holdfast";
    } else if (const auto directory = variable("XDG_RUNTIME_DIR"); !directory.empty()) {
        common = directory + "/holdfast";
    }
    if (const std::string wrong = prepareCommonDirectory(common); !wrong.empty())
        throw Error{ErrorCode::configuration, wrong};
    return common + "/agents";
}

bool executable(const std::string& path) { return ::access(path.c_str(), X_OK) == 0; }

}  // namespace

std::string reaperProgram() {
    if (auto path = variable("HOLDFAST_REAPER"); !path.empty()) {
        if (executable(path)) return path;
        throw Error::make(ErrorCode::notInstalled, "HOLDFAST_REAPER is \"{}\", which cannot be executed", path);
    }
    char own[4096] = {};
    std::string beside;
    if (const ssize_t size = ::readlink("/proc/self/exe", own, sizeof own - 1); size > 0) {
        beside.assign(own, static_cast<std::size_t>(size));
        beside.erase(beside.rfind('/') + 1);
        // The one that was built or installed with the program is the one that speaks its language.
        for (const auto* const name : {"holdfast-reaper", "../libexec/holdfast/holdfast-reaper"}) {
            if (executable(beside + name)) return beside + name;
        }
    }
    if (executable(HOLDFAST_REAPER_PATH)) return HOLDFAST_REAPER_PATH;
    throw Error::make(ErrorCode::notInstalled,
                      "the program holdfast-reaper is neither at {} nor in {}; install it or set HOLDFAST_REAPER",
                      HOLDFAST_REAPER_PATH, beside);
}

Place placeOf(const std::string& resource) {
    const std::string directory = runDirectory();
    if (const std::string wrong = prepareDirectory(directory); !wrong.empty()) {
        throw Error{ErrorCode::configuration, wrong};
    }
    Place place{Names{canonical(directory), resource}, reaperProgram(), std::chrono::seconds{30},
                variable("HOLDFAST_CGROUP")};
    if (const std::string wrong = place.names.complaint(); !wrong.empty()) throw Error{ErrorCode::configuration, wrong};
    if (const auto text = variable("HOLDFAST_ADOPT_TIMEOUT"); !text.empty()) {
        char* end = nullptr;
        errno = 0;
        const long value = std::strtol(text.c_str(), &end, 10);
        if (*end != '\0' || errno != 0 || value < 0 || value > 604'800'000) {
            throw Error::make(ErrorCode::configuration,
                              "HOLDFAST_ADOPT_TIMEOUT is \"{}\"; it must be a number of milliseconds up to 604800000",
                              text);
        }
        place.adoptTimeout = std::chrono::milliseconds{value};
    }
    return place;
}

}  // namespace holdfast::inline v1::process
