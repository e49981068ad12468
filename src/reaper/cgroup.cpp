// SPDX-License-Identifier: BSL-1.0

#include "cgroup.hpp"

#include "process/proc.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace holdfast::inline v1::reaper {
namespace {

/** The folder of this process's own group of version 2; empty without one. */
std::string ownGroup() {
    const std::string mounts = process::readFile("/proc/self/mountinfo");
    const std::size_t mount = mounts.find(" - cgroup2 ");
    if (mount == std::string::npos) return {};
    std::size_t at = mounts.rfind('\n', mount);
    at = at == std::string::npos ? 0 : at + 1;
    for (int field = 0; field < 4; ++field) at = mounts.find(' ', at) + 1;  // id, parent, device, root, mount point
    const std::string point = mounts.substr(at, mounts.find(' ', at) - at);
    const std::string groups = process::readFile("/proc/self/cgroup");
    const std::size_t own = groups.starts_with("0::/") ? 3 : groups.find("\n0::/");
    if (own == std::string::npos) return {};
    const std::size_t path = groups.find('/', own);
    std::string group = point + groups.substr(path, groups.find('\n', path) - path);
    while (!group.empty() && group.back() == '/') group.pop_back();
    return group;
}

std::vector<std::string> groupsIn(const std::string& path) {
    std::vector<std::string> groups;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream{::opendir(path.c_str()), [](DIR* dir) { return ::closedir(dir); }};
    if (!stream) return groups;
    while (const dirent* entry = ::readdir(stream.get())) {  // NOLINT(concurrency-mt-unsafe): a stream of our own
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') groups.push_back(path + "/" + entry->d_name);
    }
    return groups;
}

void addProcesses(const std::string& path, std::vector<pid_t>& found) {
    const std::string list = process::readFile((path + "/cgroup.procs").c_str());
    const char* at = list.c_str();
    for (char* end = nullptr;; at = end) {
        const long pid = std::strtol(at, &end, 10);
        if (end == at) break;
        if (pid > 0) found.push_back(static_cast<pid_t>(pid));
    }
    for (const auto& group : groupsIn(path)) addProcesses(group, found);
}

void removeAll(const std::string& path) {
    for (const auto& group : groupsIn(path)) removeAll(group);
    ::rmdir(path.c_str());
}

}  // namespace

Cgroup::Cgroup(const std::string& where, const std::string& name) : asked_{!where.empty() && where != "none"} {
    if (where == "none") return;
    const std::string parent = where.empty() ? ownGroup() : where;
    if (!parent.empty()) path_ = parent + "/" + name;
}

std::string Cgroup::make() {
    if (path_.empty()) return {};
    if (::mkdir(path_.c_str(), 0755) != 0 && errno != EEXIST) {
        std::string complaint =
            asked_ ? "cannot make the control group " + path_ + ": " + process::errorText(errno) : "";
        path_.clear();
        return complaint;
    }
    if (!openProcesses()) {
        std::string complaint = asked_ ? path_ + " is no control group that takes processes" : "";
        remove();
        path_.clear();
        return complaint;
    }
    return {};
}

bool Cgroup::exists() const { return !path_.empty() && ::access((path_ + "/cgroup.procs").c_str(), R_OK) == 0; }

process::Fd Cgroup::openProcesses() const {
    if (path_.empty()) return {};
    return process::Fd{::open((path_ + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC)};
}

process::Fd Cgroup::openDirectory() const {
    if (path_.empty()) return {};
    return process::Fd{::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

std::vector<pid_t> Cgroup::processes() const {
    std::vector<pid_t> found;
    if (!path_.empty()) addProcesses(path_, found);
    return found;
}

bool Cgroup::populated() const {
    if (!exists()) return false;
    return process::readFile((path_ + "/cgroup.events").c_str()).find("populated 0") == std::string::npos;
}

void Cgroup::kill() const {
    if (path_.empty()) return;
    const process::Fd file{::open((path_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC)};
    if (file) process::writeAll(file.get(), "1");  // Linux before 5.14 has none; then they are killed one by one
}

void Cgroup::remove() const {
    if (!path_.empty()) removeAll(path_);
}

}  // namespace holdfast::inline v1::reaper
