// SPDX-License-Identifier: BSL-1.0

#include "marked.hpp"

#include "proc.hpp"

#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace holdfast::inline v1::process {

bool endMarked(std::string_view marker, std::chrono::milliseconds patience) {
    const std::int64_t since = nowMs();
    std::map<pid_t, std::uint64_t> known;  // with start time: together they name one process for ever
    const auto add = [&](pid_t pid) {
        if (pid <= 1 || pid == ::getpid()) return;
        if (const auto stat = readStat(pid); stat && !stat->dead()) known.emplace(pid, stat->startTime);
    };
    for (int clean = 0; clean < 2;) {
        std::erase_if(known, [](const auto& entry) {
            const auto stat = readStat(entry.first);
            return !stat || stat->dead() || stat->startTime != entry.second;
        });
        std::vector<pid_t> roots = findMarked(marker);
        for (const auto& [pid, start] : known) roots.push_back(pid);
        for (const pid_t root : roots) {
            add(root);
            for (const pid_t pid : descendantsOf(root)) add(pid);
        }
        if (known.empty()) {
            ++clean;
            continue;
        }
        clean = 0;
        for (const auto& [pid, start] : known) {
            // The pidfd first: whoever has this start time now is held by it, and no successor of the number is hit.
            const Fd pidfd = openPidfd(pid);
            if (const auto stat = readStat(pid); pidfd && stat && stat->startTime == start) {
                static_cast<void>(signalPidfd(pidfd, SIGKILL));
            }
        }
        const std::int64_t waited = nowMs() - since;
        if (waited >= patience.count()) return false;
        ::poll(nullptr, 0, static_cast<int>(std::clamp<std::int64_t>(waited / 8, 1, 50)));
    }
    return true;
}

}  // namespace holdfast::inline v1::process
