// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What tests of processes need: a run directory of their own, a context and an operation without an engine, and the proof that
/// nothing was left behind.

#include "process/names.hpp"
#include "process/proc.hpp"
#include "process_contexts.hpp"

#include <holdfast/process.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fixture {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using holdfast::process::nowMs;

inline bool lives(int pid) {
    const auto stat = holdfast::process::readStat(pid);
    return stat && !stat->dead();
}

/** Everything alive that any reaper of this directory started, and the reapers themselves. */
inline std::vector<int> allOf(const std::string& directory) {
    std::vector<int> found;
    for (const int pid : holdfast::process::allProcesses()) {
        for (const auto variable : {holdfast::process::treeVariable, holdfast::process::reaperVariable}) {
            const auto value = holdfast::process::environmentOf(pid, variable);
            if (value && value->starts_with(directory + ":") && lives(pid)) found.push_back(pid);
        }
    }
    return found;
}

/** A run directory that goes with the test; the library's environment points to it. */
class RunDirectory {
public:
    explicit RunDirectory(const std::string& adoptTimeout = "2000") {
        std::string name = "/tmp/holdfast-test.XXXXXX";
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
        path_ = name;
        setenv("HOLDFAST_RUN_DIRECTORY", path_.c_str(), 1);
        setenv("HOLDFAST_REAPER", REAPER, 1);
        setenv("HOLDFAST_ADOPT_TIMEOUT", adoptTimeout.c_str(), 1);
        setenv("HOLDFAST_CGROUP", "none", 1);
    }
    RunDirectory(const RunDirectory&) = delete;
    RunDirectory& operator=(const RunDirectory&) = delete;
    ~RunDirectory() {
        for (const int pid : allOf(path_)) ::kill(pid, SIGKILL);
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
    [[nodiscard]] holdfast::process::Names names(const std::string& resource = "test") const {
        return {path_, resource};
    }
    [[nodiscard]] bool nothingLeft() const {
        return eventually([this] { return allOf(path_).empty(); });
    }
    /** The reaper of a resource, or 0. */
    [[nodiscard]] int reaper(const std::string& resource = "test") const {
        for (const int pid : holdfast::process::allProcesses()) {
            if (holdfast::process::environmentOf(pid, holdfast::process::reaperVariable) == path_ + ":" + resource &&
                lives(pid)) {
                return pid;
            }
        }
        return 0;
    }

private:
    std::string path_;
};

/** `sh -c script` */
inline holdfast::ProcessSettings shell(const std::string& script) {
    holdfast::ProcessSettings settings;
    settings.program = "/bin/sh";
    settings.arguments = {"-c", script};
    return settings;
}

/**
 * A tree that nothing but SIGKILL to each of it can end: double-forked, in sessions of their own, deaf to SIGTERM. It is grown
 * when there are `unrulyCount` of it.
 */
inline const std::string unruly =
    "trap '' TERM HUP INT; (setsid sh -c 'trap \"\" TERM HUP INT; (setsid sleep 1000 &) ; sleep 1001; true' &) ; sleep "
    "1002; true";
constexpr std::size_t unrulyCount = 5;
/** Nobody of it is on the way to executing something else. */
inline bool grown(const std::string& marker) {
    std::size_t settled = 0;
    std::size_t sleeping = 0;
    for (const int pid : holdfast::process::findMarked(marker)) {
        const std::string path = "/proc/" + std::to_string(pid) + "/comm";
        std::string name;
        std::getline(std::ifstream{path} >> std::ws, name);
        ++settled;
        sleeping += name == "sleep" ? 1 : 0;
    }
    return settled == unrulyCount && sleeping == 3;
}

inline std::string contentOf(const std::string& file) {
    std::ifstream stream{file};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

}  // namespace fixture
