// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cgroup.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v1::reaper {

/**
 * What a killed reaper left behind. It is not this process's family, so it is found by its marks: the environment, the
 * control group, the session of a main process that still lives; and whatever descends from what was found.
 */
class Leftovers {
public:
    Leftovers() = default;
    Leftovers(std::string marker, const Cgroup& cgroup) : marker_{std::move(marker)}, cgroup_{&cgroup} {}

    /** Somebody known by other means. */
    void remember(pid_t pid, std::uint64_t startTime) { known_.emplace(pid, startTime); }
    /** Looks once more; the living ones. `main` may be 0. */
    std::vector<pid_t> find(pid_t main);
    /** Kills what the last find() saw; each only if it still is who it was. */
    void kill() const;

private:
    void add(pid_t pid);
    std::string marker_;
    const Cgroup* cgroup_{nullptr};
    std::map<pid_t, std::uint64_t> known_;  // with start time: together they name one process for ever
};

}  // namespace holdfast::inline v1::reaper
