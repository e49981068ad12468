// SPDX-License-Identifier: BSL-1.0
#include <holdfast/monitor/configuration.hpp>

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <system_error>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::int64_t unlimited = 0xFFFF'FFFF;

/** A common property (4.1, 5.4): its range and where its value goes. */
struct CommonProperty {
    std::string_view name;
    std::int64_t minimum;
    std::int64_t maximum;
    bool time;  ///< milliseconds; a string with a unit is welcome
    void (*set)(ResourceConfiguration&, std::int64_t);
    std::string_view why;  ///< said when the value is below the minimum
};

using Ms = std::chrono::milliseconds;

const std::vector<CommonProperty>& commonProperties() {
    using Rc = ResourceConfiguration;
    static const std::vector<CommonProperty> table{
        // W-310: 0xFFFFFFFF means "what the type says", which for a monitor without type properties is the default.
        {"LooksAlivePollInterval", 10, unlimited, true,
         [](Rc& r, std::int64_t v) {
             if (v != unlimited) r.times.looksAlivePollInterval = Ms{v};
         },
         ""},
        {"IsAlivePollInterval", 10, unlimited, true,
         [](Rc& r, std::int64_t v) {
             if (v != unlimited) r.times.isAlivePollInterval = Ms{v};
         },
         "IsAlive cannot be turned off"},
        {"PendingTimeout", 10, unlimited, true, [](Rc& r, std::int64_t v) { r.times.pendingTimeout = Ms{v}; }, ""},
        {"DeadlockTimeout", 1'000, unlimited, true, [](Rc& r, std::int64_t v) { r.times.deadlockTimeout = Ms{v}; }, ""},
        {"RestartAction", 0, 2, false,
         [](Rc& r, std::int64_t v) { r.restart.action = static_cast<core::RestartAction>(v); }, ""},
        {"RestartThreshold", 0, unlimited, false,
         [](Rc& r, std::int64_t v) { r.restart.threshold = static_cast<std::uint32_t>(v); }, ""},
        {"RestartPeriod", 0, unlimited, true, [](Rc& r, std::int64_t v) { r.restart.period = Ms{v}; }, ""},
        {"RestartDelay", 0, unlimited, true, [](Rc& r, std::int64_t v) { r.restart.delay = Ms{v}; }, ""},
        {"RetryPeriodOnFailure", 0, unlimited, true,
         [](Rc& r, std::int64_t v) { r.restart.retryPeriodOnFailure = Ms{v}; }, ""},
        {"SeparateMonitor", 0, 1, false, [](Rc&, std::int64_t) {}, ""},
        {"PersistentState", 0, 1, false, [](Rc&, std::int64_t) {}, ""},
    };
    return table;
}

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

class Reader {
public:
    explicit Reader(const std::filesystem::path& file) : file_{file.string()}, folder_{file.parent_path()} {}

    ReadConfiguration read(std::string_view text) {
        try {
            const toml::table root = toml::parse(text, file_);
            readRoot(root);
        } catch (const toml::parse_error& error) {
            problem(error.source().begin.line, std::string{error.description()});
        }
        std::stable_sort(out_.problems.begin(), out_.problems.end(),
                         [](const Problem& a, const Problem& b) { return a.where.line < b.where.line; });
        return std::move(out_);
    }

private:
    [[nodiscard]] SourceLine at(const toml::node& node) const { return {file_, node.source().begin.line}; }
    void problem(std::uint32_t line, std::string text) { out_.problems.push_back({{file_, line}, std::move(text)}); }
    void problem(const toml::node& node, std::string text) { problem(node.source().begin.line, std::move(text)); }

    void unknownKey(const toml::key& key, std::string_view where, const std::vector<std::string_view>& known) {
        const auto near = suggestion(key.str(), known);
        problem(key.source().begin.line, fmt::format("unknown key '{}' {}{}", key.str(), where,
                                                     near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }

    std::optional<std::string> string(const toml::node& node, std::string_view key) {
        if (const auto* value = node.as_string()) {
            if (!value->get().empty()) return value->get();
            problem(node, fmt::format("'{}' is empty", key));
            return std::nullopt;
        }
        problem(node, fmt::format("'{}' must be a string, not {}", key, kindOf(node)));
        return std::nullopt;
    }

    void readRoot(const toml::table& root) {
        std::vector<const toml::table*> tables;
        for (const auto& [key, node] : root) {
            if (key == "monitor") {
                readMonitor(node);
            } else if (key == "resource") {
                const auto* array = node.as_array();
                if (array == nullptr || !array->is_array_of_tables()) {
                    problem(node, "resources are written as [[resource]]");
                    continue;
                }
                for (const auto& element : *array) tables.push_back(element.as_table());
            } else {
                unknownKey(key, "at top level", {"monitor", "resource"});
            }
        }
        for (const auto* table : tables) readResource(*table);
        if (tables.empty() && out_.problems.empty()) problem(0, "no [[resource]] to run");
        checkDependencies();
    }

    void readMonitor(const toml::node& node) {
        const auto* table = node.as_table();
        if (table == nullptr) return problem(node, "'monitor' must be a table");
        for (const auto& [key, value] : *table) {
            if (key == "trace") {
                if (const auto path = string(value, "trace")) out_.configuration.trace = folder_ / *path;
            } else if (key == "control") {
                if (const auto path = string(value, "control")) out_.configuration.control = folder_ / *path;
            } else if (key == "stopPatience") {
                if (const auto ms = integer(value, "stopPatience", 0, unlimited, true, "")) monitorPatience_ = Ms{*ms};
            } else if (key == "terminateOnEvent") {
                if (const auto* flag = value.as_boolean())
                    terminateOnEvent_ = flag->get();
                else
                    problem(value, fmt::format("'terminateOnEvent' must be true or false, not {}", kindOf(value)));
            } else {
                unknownKey(key, "in [monitor]", {"trace", "control", "stopPatience", "terminateOnEvent"});
            }
        }
    }

    std::optional<std::int64_t> integer(const toml::node& node, std::string_view name, std::int64_t minimum,
                                        std::int64_t maximum, bool time, std::string_view why) {
        std::int64_t value = 0;
        const auto* text = node.as_string();
        if (const auto* number = node.as_integer()) {
            value = number->get();
        } else if (const auto* flag = node.as_boolean(); flag != nullptr && minimum == 0 && maximum == 1) {
            value = flag->get() ? 1 : 0;
        } else if (time && text != nullptr) {
            value = parseDuration(text->get());
            if (value < 0) {
                problem(node,
                        fmt::format("'{}' is no time: \"{}\"; write milliseconds, or a number with ms, s, min, h or d",
                                    name, text->get()));
                return std::nullopt;
            }
        } else {
            problem(node, fmt::format("'{}' must be {}, not {}", name,
                                      time ? "a time (milliseconds, or a string such as \"5s\")" : "an integer",
                                      kindOf(node)));
            return std::nullopt;
        }
        if (value < minimum || value > maximum) {
            problem(node, fmt::format("'{}' = {} is out of range: {} to {}{}{}{}", name, value, minimum, maximum,
                                      time ? " ms" : "", value < minimum && !why.empty() ? "; " : "",
                                      value < minimum ? why : std::string_view{}));
            return std::nullopt;
        }
        return value;
    }

    void readResource(const toml::table& table) {
        ResourceConfiguration resource;
        resource.where = at(table);
        resource.times.stopPatience = monitorPatience_.value_or(resource.times.stopPatience);
        resource.times.terminateOnEvent = terminateOnEvent_;
        const toml::node* retry = nullptr;
        bool named = false;
        bool typed = false;
        bool hasAgent = false;
        for (const auto& [key, node] : table) {
            const std::string_view k = key.str();
            if (k == "name") {
                named = true;
                if (const auto name = string(node, k)) readName(node, *name, resource);
            } else if (k == "type") {
                typed = true;
                if (const auto type = string(node, k)) resource.type = *type;
            } else if (k == "agent") {
                hasAgent = true;
                if (const auto agent = string(node, k)) readAgent(node, *agent, resource);
            } else if (k == "dependsOn") {
                readDependencies(node, resource);
            } else if (k == "properties") {
                readProperties(node, resource);
            } else if (const auto* common = findCommon(k)) {
                const auto value =
                    integer(node, common->name, common->minimum, common->maximum, common->time, common->why);
                if (value) common->set(resource, *value);
                if (k == "RetryPeriodOnFailure" && value) retry = &node;
                if (k == "SeparateMonitor" && value == 1) {
                    out_.notes.push_back(
                        {at(node), "SeparateMonitor is not honoured yet: every agent runs in this process"});
                }
            } else {
                std::vector<std::string_view> known{"name", "type", "agent", "dependsOn", "properties"};
                for (const auto& property : commonProperties()) known.push_back(property.name);
                unknownKey(key, "in [[resource]]", known);
            }
        }
        const std::string who = resource.name.empty() ? "the resource" : fmt::format("resource '{}'", resource.name);
        if (!named) problem(table, "the resource has no 'name'");
        if (!typed) problem(table, who + " has no 'type'");
        if (!hasAgent) problem(table, who + " has no 'agent'");
        if (resource.restart.retryPeriodOnFailure < resource.restart.period) {  // W-463
            const std::string text =
                fmt::format("'RetryPeriodOnFailure' = {} is below 'RestartPeriod' = {}",
                            resource.restart.retryPeriodOnFailure.count(), resource.restart.period.count());
            if (retry != nullptr)
                problem(*retry, text);
            else
                problem(table, text + "; it is the default, so set both");
        }
        if (resource.times.pendingTimeout > resource.times.deadlockTimeout) {  // W-221
            out_.notes.push_back(
                {resource.where, fmt::format("{}: PendingTimeout is above DeadlockTimeout; the lower one rules", who)});
        }
        out_.configuration.resources.push_back(std::move(resource));
    }

    static const CommonProperty* findCommon(std::string_view name) {
        for (const auto& property : commonProperties()) {
            if (property.name == name) return &property;
        }
        return nullptr;
    }

    void readName(const toml::node& node, const std::string& name, ResourceConfiguration& resource) {
        resource.name = name;
        if (name.find('\\') != std::string::npos || name.find('\0') != std::string::npos) {
            problem(node, fmt::format("the name '{}' contains a backslash", name));
        }
        const auto [first, isNew] = names_.try_emplace(name, node.source().begin.line);
        if (!isNew) problem(node, fmt::format("a resource named '{}' is already on line {}", name, first->second));
    }

    void readAgent(const toml::node& node, const std::string& agent, ResourceConfiguration& resource) {
        resource.agent = folder_ / agent;
        std::error_code error;
        if (!std::filesystem::exists(resource.agent, error)) {
            problem(node, fmt::format("there is no agent '{}'", resource.agent.string()));
        } else if (std::filesystem::is_directory(resource.agent, error)) {
            problem(node, fmt::format("the agent '{}' is a folder", resource.agent.string()));
        }
    }

    void readDependencies(const toml::node& node, ResourceConfiguration& resource) {
        const auto add = [&](const toml::node& element) {
            if (const auto name = string(element, "dependsOn")) {
                resource.dependsOn.push_back(*name);
                dependencies_.push_back({out_.configuration.resources.size(), *name, element.source().begin.line});
            }
        };
        if (const auto* array = node.as_array()) {
            for (const auto& element : *array) add(element);
        } else {
            add(node);
        }
    }

    void readProperties(const toml::node& node, ResourceConfiguration& resource) {
        const auto* table = node.as_table();
        if (table == nullptr) return problem(node, fmt::format("'properties' must be a table, not {}", kindOf(node)));
        for (const auto& [key, value] : *table) {
            PropertySetting setting{std::string{key.str()}, {}, {file_, key.source().begin.line}};
            if (const auto* flag = value.as_boolean()) {
                setting.value = flag->get();
            } else if (const auto* number = value.as_integer()) {
                setting.value = number->get();
            } else if (const auto* fraction = value.as_floating_point()) {
                setting.value = fraction->get();
            } else if (const auto* text = value.as_string()) {
                setting.value = text->get();
            } else if (const auto* array = value.as_array()) {
                std::vector<std::string> texts;
                bool good = true;
                for (const auto& element : *array) {
                    if (const auto* item = element.as_string())
                        texts.push_back(item->get());
                    else
                        good = false;
                }
                if (!good) {
                    problem(value, fmt::format("property '{}': an array may hold strings only", key.str()));
                    continue;
                }
                setting.value = std::move(texts);
            } else {
                problem(value, fmt::format("property '{}' cannot be {}", key.str(), kindOf(value)));
                continue;
            }
            resource.properties.push_back(std::move(setting));
        }
    }

    void checkDependencies() {
        auto& resources = out_.configuration.resources;
        std::vector<std::string_view> names;
        names.reserve(resources.size());
        for (const auto& resource : resources) names.push_back(resource.name);
        std::map<std::string_view, std::size_t> numbers;
        for (std::size_t i = 0; i < resources.size(); ++i) numbers.try_emplace(resources[i].name, i);
        bool complete = true;
        for (const auto& [from, name, line] : dependencies_) {
            if (numbers.contains(name)) continue;
            complete = false;
            const auto near = suggestion(name, names);
            problem(line, fmt::format("resource '{}' depends on '{}', which does not exist{}", resources[from].name,
                                      name, near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
        }
        if (!complete) return;
        // Depth first; a way back to a resource on the current path is a cycle.
        std::vector<int> mark(resources.size(), 0);
        std::vector<std::size_t> path;
        const std::function<bool(std::size_t)> visit = [&](std::size_t at) {
            mark[at] = 1;
            path.push_back(at);
            for (const auto& name : resources[at].dependsOn) {
                const std::size_t next = numbers[name];
                if (mark[next] == 1) {
                    std::string cycle;
                    for (auto it = std::find(path.begin(), path.end(), next); it != path.end(); ++it) {
                        cycle += resources[*it].name + " -> ";
                    }
                    problem(lineOf(at, name),
                            fmt::format("a cycle of dependencies: {}{}", cycle, resources[next].name));
                    return true;
                }
                if (mark[next] == 0 && visit(next)) return true;
            }
            mark[at] = 2;
            path.pop_back();
            return false;
        };
        for (std::size_t i = 0; i < resources.size(); ++i) {
            if (mark[i] == 0 && visit(i)) return;
        }
    }

    [[nodiscard]] std::uint32_t lineOf(std::size_t from, const std::string& name) const {
        for (const auto& dependency : dependencies_) {
            if (dependency.from == from && dependency.name == name) return dependency.line;
        }
        return 0;
    }

    struct Dependency {
        std::size_t from;
        std::string name;
        std::uint32_t line;
    };

    std::string file_;
    std::filesystem::path folder_;
    ReadConfiguration out_;
    std::optional<Ms> monitorPatience_;
    bool terminateOnEvent_{false};
    std::map<std::string, std::uint32_t> names_;
    std::vector<Dependency> dependencies_;
};

}  // namespace

std::string Problem::toString() const {
    if (where.file.empty()) return text;
    if (where.line == 0) return fmt::format("{}: {}", where.file, text);
    return fmt::format("{}:{}: {}", where.file, where.line, text);
}

ReadConfiguration parseConfiguration(std::string_view text, const std::filesystem::path& file) {
    return Reader{file}.read(text);
}

ReadConfiguration readConfiguration(const std::filesystem::path& file) {
    std::error_code error;
    std::ifstream stream{file, std::ios::binary};
    if (!stream.is_open() || std::filesystem::is_directory(file, error)) {
        ReadConfiguration out;
        out.problems.push_back({{file.string(), 0}, "the file cannot be read"});
        return out;
    }
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    return parseConfiguration(text, file);
}

}  // namespace holdfast::inline v1::monitor
