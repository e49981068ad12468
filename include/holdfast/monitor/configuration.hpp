// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a monitor is told to run: a TOML file, or the same built by a program that embeds the monitor.

#include <holdfast/core/monitor_events.hpp>
#include <holdfast/core/restart_policy.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::inline v1::monitor {

/** A place in a configuration file; line 0: none. */
struct SourceLine {
    std::string file;
    std::uint32_t line{0};
};

/** Something wrong with a configuration. */
struct Problem {
    SourceLine where;
    std::string text;

    /** `file:line: text`, the line left out if there is none. */
    [[nodiscard]] std::string toString() const;
};

/** A value of `[resource.properties]` as the file spells it; the agent's formats decide what it becomes. */
using SettingValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

struct PropertySetting {
    std::string name;
    SettingValue value;
    SourceLine where;
    bool typed{false};  ///< a person typed the text of `value`: the format alone decides what it is
};

/** A program to run for people: started directly, no shell. Empty path: none. */
struct HookProgram {
    std::filesystem::path path;
    std::vector<std::string> arguments;

    [[nodiscard]] bool operator==(const HookProgram&) const = default;
};

struct ResourceConfiguration {
    std::string name;
    std::string type;
    std::filesystem::path agent;
    std::vector<std::string> dependsOn;
    core::MonitorSettings times;
    core::RestartSettings restart;
    std::vector<PropertySetting> properties;
    std::vector<PropertySetting> typeProperties;  ///< of its type, the same for each of its resources (D15)
    std::string group;                            ///< empty: none
    bool separateMonitor{false};                  ///< SeparateMonitor: a host process of its own
    std::string host;             ///< resources with the same one share a host process; empty: one per agent library
    bool persistentState{false};  ///< PersistentState: the last wish of people holds over a restart of the monitor
    HookProgram notify;           ///< empty: that of the monitor
    SourceLine where;
};

/** What happens to a group whose resource has used up its restarts: there is no other node (W-462). */
enum class GroupFailover : std::uint8_t {
    stay,     ///< only the resource stays failed; the others go on
    offline,  ///< all of it goes offline in order, and stays so until people ask for it
    restart,  ///< all of it goes offline in order and comes back here, as it would on another node
};

struct GroupConfiguration {
    std::string name;
    std::uint32_t failoverThreshold{1};                               ///< FailoverThreshold: tolerated in the period
    std::chrono::milliseconds failoverPeriod{std::chrono::hours{6}};  ///< FailoverPeriod
    GroupFailover failover{GroupFailover::stay};
    HookProgram onFailed;  ///< run when a cluster would fail the group over, and when it would give it up
    SourceLine where;
};

struct MonitorConfiguration {
    std::string name;                    ///< of this monitor; default: the file's name without its extension
    std::filesystem::path trace;         ///< empty: none
    std::filesystem::path runDirectory;  ///< sockets and pid files; empty: the program decides
    std::filesystem::path control;       ///< control socket; empty: in the run directory
    std::filesystem::path state;         ///< what survives the monitor; empty: the program decides
    std::chrono::milliseconds adoptTimeout{30'000};  ///< how long a tree outlives its host unadopted; up to 1 h
    HookProgram notify;                              ///< run on each change of a resource's state
    HookProgram fence;                               ///< run when a host cannot be killed (W-443)
    std::chrono::milliseconds hookTimeout{10'000};   ///< a program that runs longer is killed
    std::vector<GroupConfiguration> groups;
    std::vector<ResourceConfiguration> resources;
};

/** A configuration, or everything that is wrong with it, in the order of the file. */
struct ReadConfiguration {
    MonitorConfiguration configuration;
    std::vector<Problem> problems;
    std::vector<Problem> notes;  ///< odd, but accepted
};

/**
 * Reads a TOML file; agent paths are relative to it. Nothing is loaded.
 *
 * @par Errors Every problem is in the result; nothing is thrown but std::bad_alloc.
 */
[[nodiscard]] ReadConfiguration readConfiguration(const std::filesystem::path& file);
/** The same from text; `file` names it in problems and is where agent paths are relative to. */
[[nodiscard]] ReadConfiguration parseConfiguration(std::string_view text, const std::filesystem::path& file);

/** "5s", "250 ms", "2 min", "1.5 h", "1 d" as milliseconds; -1 if it is no duration. */
[[nodiscard]] std::int64_t parseDuration(std::string_view text) noexcept;

/** The candidate nearest to a misspelt `word`, or empty if none is near. */
[[nodiscard]] std::string_view suggestion(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace holdfast::inline v1::monitor
