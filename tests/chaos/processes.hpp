// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The processes of one chaos run, known by the run's directory in their environments, and a way to signal no others.

#include "process/fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace chaos {

/** In the environment of the monitor and of all that it starts but the reapers, which have none but their own. */
constexpr std::string_view runVariable = "CHAOS_RUN";

enum class Role : std::uint8_t { monitor, guard, host, reaper, victim, tree, other };
[[nodiscard]] const char* nameOf(Role role) noexcept;

struct Seen {
    pid_t pid{0};
    Role role{Role::other};
    std::string resource;  ///< of a reaper and of what it runs
};

/** Everything that lives, zombies aside, and belongs to the run in `directory`; who forks meanwhile may be missing. */
[[nodiscard]] std::vector<Seen> processesOf(const std::string& directory);

/** A process that was proved to be this run's after its pidfd was taken: no successor of its number can be hit. */
class Target {
public:
    Target(const Seen& seen, const std::string& directory);
    [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(pidfd_); }
    [[nodiscard]] const Seen& seen() const noexcept { return seen_; }
    /** False if it is gone. */
    bool signal(int number) const;

private:
    Seen seen_;
    holdfast::process::Fd pidfd_;
};

/** Kills all of the run until nothing of it is left or `rounds` are over; how many there were at first. */
std::size_t killAll(const std::string& directory, int rounds = 200);

/** Whether somebody holds an exclusive lock of the file: asked of the system, for to try it would be in a victim's way. */
[[nodiscard]] bool locked(const std::string& file);

}  // namespace chaos
