// SPDX-License-Identifier: BSL-1.0
#include "monitor/toml_reader.hpp"

#include <holdfast/os/child.hpp>

#include <system_error>

namespace holdfast::inline v1::monitor {

std::string_view kindOf(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table: return "a table";
        case toml::node_type::array: return "an array";
        case toml::node_type::string: return "a string";
        case toml::node_type::integer: return "an integer";
        case toml::node_type::floating_point: return "a number with a fraction";
        case toml::node_type::boolean: return "a boolean";
        default: return "a date or time";
    }
}

void TomlReader::unknownKey(const toml::key& key, std::string_view where, const std::vector<std::string_view>& known) {
    const auto near = suggestion(key.str(), known);
    problem(key.source().begin.line, fmt::format("unknown key '{}' {}{}", key.str(), where,
                                                 near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
}

std::optional<std::string> TomlReader::string(const toml::node& node, std::string_view key) {
    if (const auto* value = node.as_string()) {
        if (!value->get().empty()) return value->get();
        problem(node, fmt::format("'{}' is empty", key));
        return std::nullopt;
    }
    problem(node, fmt::format("'{}' must be a string, not {}", key, kindOf(node)));
    return std::nullopt;
}

std::optional<std::int64_t> TomlReader::integer(const toml::node& node, std::string_view key, const Range& range) {
    std::int64_t value = 0;
    const auto* text = node.as_string();
    if (const auto* number = node.as_integer()) {
        value = number->get();
    } else if (const auto* yes = node.as_boolean(); yes != nullptr && range.minimum == 0 && range.maximum == 1) {
        value = yes->get() ? 1 : 0;
    } else if (range.time && text != nullptr) {
        value = parseDuration(text->get());
        if (value < 0) {
            problem(node,
                    fmt::format("'{}' is no time: \"{}\"; write milliseconds, or a number with ms, s, min, h or d", key,
                                text->get()));
            return std::nullopt;
        }
    } else {
        problem(node, fmt::format("'{}' must be {}, not {}", key,
                                  range.time ? "a time (milliseconds, or a string such as \"5s\")" : "an integer",
                                  kindOf(node)));
        return std::nullopt;
    }
    if (value < range.minimum || value > range.maximum) {
        const bool explained = value < range.minimum && !range.why.empty();
        problem(node, fmt::format("'{}' = {} is out of range: {} to {}{}{}{}", key, value, range.minimum, range.maximum,
                                  range.time ? " ms" : "", explained ? "; " : "",
                                  explained ? range.why : std::string_view{}));
        return std::nullopt;
    }
    return value;
}

std::optional<bool> TomlReader::flag(const toml::node& node, std::string_view key) {
    if (const auto* value = node.as_boolean()) return value->get();
    problem(node, fmt::format("'{}' must be true or false, not {}", key, kindOf(node)));
    return std::nullopt;
}

std::optional<std::filesystem::path> TomlReader::path(const toml::node& node, std::string_view key) {
    const auto text = string(node, key);
    if (!text) return std::nullopt;
    return (folder_ / *text).lexically_normal();
}

std::optional<HookProgram> TomlReader::program(const toml::node& node, std::string_view key) {
    HookProgram program;
    const toml::node* first = &node;
    if (const auto* array = node.as_array()) {
        if (array->empty()) {
            problem(node, fmt::format("'{}' is empty", key));
            return std::nullopt;
        }
        first = array->get(0);
        for (std::size_t i = 1; i < array->size(); ++i) {
            const auto* argument = (*array)[i].as_string();
            if (argument == nullptr) {
                problem((*array)[i],
                        fmt::format("'{}': an argument must be a string, not {}", key, kindOf((*array)[i])));
                return std::nullopt;
            }
            program.arguments.push_back(argument->get());
        }
    }
    const auto name = path(*first, key);
    if (!name) return std::nullopt;
    program.path = *name;
    std::error_code error;
    if (!std::filesystem::exists(program.path, error)) {
        problem(*first, fmt::format("'{}': there is no program '{}'", key, program.path.string()));
        return std::nullopt;
    }
    if (!os::isExecutable(program.path)) {
        problem(*first, fmt::format("'{}': '{}' is not executable", key, program.path.string()));
        return std::nullopt;
    }
    return program;
}

}  // namespace holdfast::inline v1::monitor
