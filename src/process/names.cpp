// SPDX-License-Identifier: BSL-1.0

#include "names.hpp"
#include "proc.hpp"

#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace holdfast::inline v1::process {

Names::Names(std::string runDirectory, std::string resourceName)
    : directory{std::move(runDirectory)}, resource{std::move(resourceName)} {
    marker = std::string{treeVariable} + "=" + directory + ":" + resource;
    const std::string base = directory + "/" + nameHash(resource);
    socket = base + ".sock";
    lock = base + ".lock";
    state = base + ".state";
    cgroup = "holdfast-" + nameHash(marker);
}

std::string Names::complaint() const {
    if (resource.empty()) return "the resource has no name";
    if ((directory + resource).find('\0') != std::string::npos) return "a name contains a NUL character";
    if (directory.find(':') != std::string::npos) return "run directory \"" + directory + "\" has a colon in its name";
    if (constexpr auto most = sizeof(sockaddr_un::sun_path) - 1; socket.size() > most) {
        return "run directory \"" + directory + "\" is " + std::to_string(socket.size() - most) +
               " characters too long for a UNIX socket in it; set HOLDFAST_RUN_DIRECTORY to a shorter one";
    }
    return {};
}

namespace {

/** Makes the directory; what is wrong with it if others can do what is in `mode` there, or it is somebody else's. */
std::string prepare(const std::string& directory, ::mode_t forbidden) {
    const auto wrong = [&](const std::string& what) { return "run directory \"" + directory + "\": " + what; };
    if (directory.empty() || directory.front() != '/') return wrong("must be an absolute path");
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return wrong(errorText(errno));
    struct stat found {};
    if (::lstat(directory.c_str(), &found) != 0) return wrong(errorText(errno));
    if (!S_ISDIR(found.st_mode)) return wrong("is no directory");
    if (found.st_uid != ::geteuid()) return wrong("belongs to user " + std::to_string(found.st_uid));
    if ((found.st_mode & forbidden) != 0)
        return wrong(forbidden == 077U ? "is open to others (it needs mode 0700)" : "others may write to it");
    return {};
}

}  // namespace

std::string prepareDirectory(const std::string& directory) { return prepare(directory, 077U); }
std::string prepareCommonDirectory(const std::string& directory) { return prepare(directory, 022U); }

std::string canonical(const std::string& directory) {
    char* const path = ::realpath(directory.c_str(), nullptr);
    if (path == nullptr) return directory;
    std::string result{path};
    std::free(path);  // NOLINT: realpath allocates so
    return result;
}

}  // namespace holdfast::inline v1::process
