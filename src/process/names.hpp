// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Where the files of a resource's reaper lie, and the marks by which its processes are known.

#include <string>
#include <string_view>

namespace holdfast::inline v1::process {

/** In the environment of everything that a reaper starts: `HOLDFAST_TREE=<run directory>:<resource>`. */
constexpr std::string_view treeVariable = "HOLDFAST_TREE";
/** Beside it, for a reaper that finds no state file: `1:<fingerprint>` if the tree is adoptable, else `0:…`. */
constexpr std::string_view keepVariable = "HOLDFAST_TREE_KEEP";
/** In the environment of a resource's reaper itself. */
constexpr std::string_view reaperVariable = "HOLDFAST_REAPER_OF";
/** In the environment of a host and of all that its agents start without a reaper. */
constexpr std::string_view hostVariable = "HOLDFAST_HOST";

/** 16 hexadecimal digits for a name of any length and spelling. */
[[nodiscard]] std::string nameHash(std::string_view name);

struct Names {
    Names(std::string runDirectory, std::string resourceName);

    std::string directory;
    std::string resource;
    std::string marker;  ///< the whole variable, name and value
    std::string socket;
    std::string lock;
    std::string state;
    std::string cgroup;  ///< name of its control group

    /** What is wrong with them: a path too long for a UNIX socket, a name with a NUL. Empty if nothing is. */
    [[nodiscard]] std::string complaint() const;
};

/** Makes the directory (0700) if it is not there; what is wrong with it (not ours, open to others), or nothing. */
[[nodiscard]] std::string prepareDirectory(const std::string& directory);
/** The same for a directory of several programs of ours: others may look into it, and not write. */
[[nodiscard]] std::string prepareCommonDirectory(const std::string& directory);
/** Without links and dots, so that one directory has one name; unchanged if it does not exist. */
[[nodiscard]] std::string canonical(const std::string& directory);

}  // namespace holdfast::inline v1::process
