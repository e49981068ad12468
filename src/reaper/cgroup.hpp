// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "process/fd.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace holdfast::inline v1::reaper {

/**
 * The tree's own control group (version 2), where one can be made; a group that is not there kills nothing and holds nobody.
 *
 * It proves more than the family tree does after a reaper was killed: no process leaves it by forking or by changing its
 * environment.
 */
class Cgroup {
public:
    Cgroup() = default;
    /** `where`: the group to make it in; empty: this process's own; "none": no group. Makes nothing yet. */
    Cgroup(const std::string& where, const std::string& name);

    /** Makes it; what is wrong, or nothing. Without a group of version 2 nothing is wrong. */
    [[nodiscard]] std::string make();
    [[nodiscard]] bool exists() const;
    /** For a child to write "0" to; empty without a group. */
    [[nodiscard]] process::Fd openProcesses() const;
    /** For a child to be born in; empty without a group. */
    [[nodiscard]] process::Fd openDirectory() const;
    /** Also in groups below. */
    [[nodiscard]] std::vector<pid_t> processes() const;
    [[nodiscard]] bool populated() const;
    void kill() const;
    /** Removes it and the groups the tree made in it. */
    void remove() const;

private:
    std::string path_;
    bool asked_{false};
};

}  // namespace holdfast::inline v1::reaper
