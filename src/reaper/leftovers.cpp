// SPDX-License-Identifier: BSL-1.0

#include "leftovers.hpp"

#include "process/proc.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <unistd.h>

#include <utility>

namespace holdfast::inline v1::reaper {

void Leftovers::add(pid_t pid) {
    if (pid == ::getpid() || pid <= 1) return;
    if (const auto stat = process::readStat(pid); stat && !stat->dead()) known_.emplace(pid, stat->startTime);
}

std::vector<pid_t> Leftovers::find(pid_t main) {
    std::erase_if(known_, [](const auto& entry) {
        const auto stat = process::readStat(entry.first);
        return !stat || stat->dead() || stat->startTime != entry.second;
    });
    if (cgroup_ != nullptr) {
        for (const pid_t pid : cgroup_->processes()) add(pid);
    }
    for (const pid_t pid : process::findMarked(marker_)) add(pid);
    if (main > 0 && known_.contains(main)) {
        for (const pid_t pid : process::allProcesses()) {
            if (const auto stat = process::readStat(pid); stat && stat->session == main) add(pid);
        }
    }
    std::vector<pid_t> roots;
    for (const auto& [pid, start] : known_) roots.push_back(pid);
    for (const pid_t root : roots) {
        for (const pid_t pid : process::descendantsOf(root)) add(pid);
    }
    std::vector<pid_t> found;
    for (const auto& [pid, start] : known_) found.push_back(pid);
    return found;
}

void Leftovers::kill() const {
    for (const auto& [pid, start] : known_) {
        const process::Fd pidfd = process::openPidfd(pid);
        // The pidfd first: whoever has this start time now is held by it, and no successor of the number is hit.
        if (const auto stat = process::readStat(pid); pidfd && stat && stat->startTime == start) {
            static_cast<void>(process::signalPidfd(pidfd, SIGKILL));
        }
    }
}

}  // namespace holdfast::inline v1::reaper
