// SPDX-License-Identifier: BSL-1.0
#include "processes.hpp"

#include "process/names.hpp"
#include "process/proc.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <optional>

namespace chaos {

namespace process = holdfast::process;

namespace {

std::string fileOf(pid_t pid, const char* file) {
    return process::readFile(("/proc/" + std::to_string(pid) + "/" + file).c_str());
}

/** What an environment says of a process; empty if it is not of this run. */
std::optional<Seen> look(pid_t pid, const std::string& directory) {
    const std::string all = fileOf(pid, "environ");
    bool ours = false;
    Seen seen{pid, Role::other, {}};
    const auto owner = [&](std::string_view value) {
        const std::size_t colon = value.rfind(':');
        ours = true;
        if (colon != std::string_view::npos) seen.resource = value.substr(colon + 1);
    };
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\0', at), all.size());
        const std::string_view entry = std::string_view{all}.substr(at, end - at);
        at = end + 1;
        const std::size_t equals = entry.find('=');
        if (equals == std::string_view::npos) continue;
        const auto variable = entry.substr(0, equals);
        const auto value = entry.substr(equals + 1);
        if (variable == runVariable) ours = ours || value == directory;
        if (!value.starts_with(directory + "/")) continue;
        if (variable == process::hostVariable) ours = true;
        if (variable == process::treeVariable || variable == process::reaperVariable) owner(value);
    }
    if (!ours) return std::nullopt;
    const std::string words = fileOf(pid, "cmdline");
    const std::string program = words.substr(0, words.find('\0'));
    const auto is = [&](std::string_view end) { return program.ends_with(end); };
    if (is("/holdfast-reaper")) {
        const bool guards = words.find(std::string{"\0guard\0", 7}) != std::string::npos;
        seen.role = guards ? Role::guard : Role::reaper;
    } else if (is("/holdfast-host")) {
        seen.role = Role::host;
    } else if (is("/holdfast")) {
        seen.role = Role::monitor;
    } else if (is("/chaos_victim")) {
        seen.role = fileOf(pid, "comm") == "chaos-tree\n" ? Role::tree : Role::victim;
    }
    return seen;
}

}  // namespace

const char* nameOf(Role role) noexcept {
    constexpr std::array names{"monitor", "guard", "host", "reaper", "victim", "tree", "other"};
    return names.at(static_cast<std::size_t>(role));
}

std::vector<Seen> processesOf(const std::string& directory) {
    std::vector<Seen> found;
    for (const pid_t pid : process::allProcesses()) {
        if (pid == ::getpid()) continue;
        auto seen = look(pid, directory);
        if (!seen) continue;
        if (const auto stat = process::readStat(pid); stat && !stat->dead()) found.push_back(std::move(*seen));
    }
    return found;
}

Target::Target(const Seen& seen, const std::string& directory) : seen_{seen}, pidfd_{process::openPidfd(seen.pid)} {
    // The pidfd first: what is looked at now is what it holds, or the number would be free.
    const auto still = look(seen.pid, directory);
    if (!still || still->role != seen.role || still->resource != seen.resource || process::pidfdEnded(pidfd_))
        pidfd_.reset();
}

bool Target::signal(int number) const { return pidfd_ && process::signalPidfd(pidfd_, number) == 0; }

std::size_t killAll(const std::string& directory, int rounds) {
    std::size_t first = 0;
    for (int i = 0; i < rounds; ++i) {
        const auto all = processesOf(directory);
        if (i == 0) first = all.size();
        if (all.empty()) break;
        for (const auto& seen : all) Target{seen, directory}.signal(SIGKILL);
        ::poll(nullptr, 0, 20);
    }
    return first;
}

bool locked(const std::string& file) {
    struct stat status {};
    if (::stat(file.c_str(), &status) != 0) return false;
    char id[64];
    std::snprintf(id, sizeof id, " %02x:%02x:%lu ", major(status.st_dev), minor(status.st_dev),
                  static_cast<unsigned long>(status.st_ino));
    const std::string locks = process::readFile("/proc/locks");
    for (std::size_t at = 0; at < locks.size();) {
        const std::size_t end = std::min(locks.find('\n', at), locks.size());
        const std::string_view line = std::string_view{locks}.substr(at, end - at);
        at = end + 1;
        if (line.find("FLOCK") != std::string_view::npos && line.find(" WRITE ") != std::string_view::npos &&
            line.find(id) != std::string_view::npos)
            return true;
    }
    return false;
}

}  // namespace chaos
