// SPDX-License-Identifier: BSL-1.0

#include "place.hpp"

#include "process/names.hpp"
#include "process/proc.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace holdfast::inline v1::ocf {
namespace {

constexpr const char* defaultParent = "/run/resource-agents";
constexpr std::size_t mostName = 48;

std::string fileName(const std::string& instance) {
    std::string safe;
    for (const char c : instance) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                           c == '_' || c == '-';
        safe += plain ? c : '_';
    }
    // A name that had to be changed is told from others that look the same now.
    if (safe != instance || safe.size() > mostName) {
        safe = safe.substr(0, mostName - 17) + "~" + process::nameHash(instance);
    }
    return "ocf-" + safe;
}

}  // namespace

Place Place::of(const std::string& instance) {
    const char* const given = std::getenv("HA_RSCTMP");  // NOLINT(concurrency-mt-unsafe): before any thread
    Place place;
    place.parent = given != nullptr && *given != '\0' ? given : defaultParent;
    place.directory = place.parent + "/holdfast";
    const std::string base = place.directory + "/" + fileName(instance);
    place.socket = base + ".sock";
    place.record = base + ".state";
    place.lock = base + ".lock";
    return place;
}

std::string Place::prepare() const {
    if (constexpr auto most = sizeof(sockaddr_un::sun_path) - 1; socket.size() > most) {
        return "the run directory \"" + directory + "\" is " + std::to_string(socket.size() - most) +
               " characters too long for a UNIX socket in it; set HA_RSCTMP to a shorter one";
    }
    if (parent == defaultParent && ::mkdir(defaultParent, 0755) == 0) {
        // As the package resource-agents makes it; nobody else was faster.
        if (::chmod(defaultParent, 01755) != 0) return std::string{defaultParent} + ": " + process::errorText(errno);
    }
    return process::prepareDirectory(directory);
}

}  // namespace holdfast::inline v1::ocf
