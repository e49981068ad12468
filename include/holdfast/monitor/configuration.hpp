// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a monitor is told to run: a TOML file, or the same built by a program that embeds the monitor.

#include <holdfast/core/monitor_events.hpp>
#include <holdfast/core/restart_policy.hpp>

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

struct ResourceConfiguration {
    std::string name;
    std::string type;
    std::filesystem::path agent;
    std::vector<std::string> dependsOn;
    core::MonitorSettings times;
    core::RestartSettings restart;
    std::vector<PropertySetting> properties;
    SourceLine where;
};

struct MonitorConfiguration {
    std::filesystem::path trace;    ///< empty: none
    std::filesystem::path control;  ///< the control socket; empty: the program's default
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
