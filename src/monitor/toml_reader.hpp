// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/configuration.hpp>

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

/** The largest DWORD: in most properties "never" or "as the type says". */
inline constexpr std::int64_t unlimited = 0xFFFF'FFFF;

/** What a node is, with its article: for messages. */
[[nodiscard]] std::string_view kindOf(const toml::node& node);

/**
 * Reads single values of a TOML file; what is wrong with one becomes a problem with its line.
 *
 * @par Thread safety One owner.
 */
class TomlReader {
public:
    explicit TomlReader(const std::filesystem::path& file) : file_{file.string()}, folder_{file.parent_path()} {}

    /** Where a whole number may lie, and what is said of one below. */
    struct Range {
        std::int64_t minimum;
        std::int64_t maximum;
        bool time;  ///< milliseconds; a string with a unit is welcome
        std::string_view why{};
    };

    [[nodiscard]] SourceLine at(const toml::node& node) const { return {file_, node.source().begin.line}; }
    [[nodiscard]] SourceLine at(const toml::key& key) const { return {file_, key.source().begin.line}; }
    void problem(std::uint32_t line, std::string text) { problems_.push_back({{file_, line}, std::move(text)}); }
    void problem(const toml::node& node, std::string text) { problem(node.source().begin.line, std::move(text)); }
    void unknownKey(const toml::key& key, std::string_view where, const std::vector<std::string_view>& known);

    [[nodiscard]] std::optional<std::string> string(const toml::node& node, std::string_view key);
    [[nodiscard]] std::optional<std::int64_t> integer(const toml::node& node, std::string_view key, const Range& range);
    [[nodiscard]] std::optional<bool> flag(const toml::node& node, std::string_view key);
    /** A path; a relative one is relative to the file. */
    [[nodiscard]] std::optional<std::filesystem::path> path(const toml::node& node, std::string_view key);
    /** A program that exists and may be run: its path, or an array of it and its arguments. */
    [[nodiscard]] std::optional<HookProgram> program(const toml::node& node, std::string_view key);

    [[nodiscard]] const std::string& file() const noexcept { return file_; }
    [[nodiscard]] const std::filesystem::path& folder() const noexcept { return folder_; }
    [[nodiscard]] std::vector<Problem>& problems() noexcept { return problems_; }

private:
    std::string file_;
    std::filesystem::path folder_;
    std::vector<Problem> problems_;
};

}  // namespace holdfast::inline v1::monitor
