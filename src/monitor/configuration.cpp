// SPDX-License-Identifier: BSL-1.0
#include <holdfast/core/policy.hpp>
#include <holdfast/monitor/configuration.hpp>
#include <holdfast/property.hpp>

#include "monitor/dependency_check.hpp"
#include "monitor/toml_reader.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>

namespace holdfast::inline v1::monitor {

namespace {

/** A common property (4.1, 5.4): its range and where its value goes. */
struct CommonProperty {
    std::string_view name;
    TomlReader::Range range;
    void (*set)(ResourceConfiguration&, std::int64_t);
};

using Ms = std::chrono::milliseconds;

const std::vector<CommonProperty>& commonProperties() {
    using Rc = ResourceConfiguration;
    static const std::vector<CommonProperty> table{
        // W-310: 0xFFFFFFFF means "what the type says", which for a monitor without type properties is the default.
        {"LooksAlivePollInterval",
         {10, unlimited, true},
         [](Rc& r, std::int64_t v) {
             if (v != unlimited) r.times.looksAlivePollInterval = Ms{v};
         }},
        {"IsAlivePollInterval",
         {10, unlimited, true, "IsAlive cannot be turned off"},
         [](Rc& r, std::int64_t v) {
             if (v != unlimited) r.times.isAlivePollInterval = Ms{v};
         }},
        {"PendingTimeout", {10, unlimited, true}, [](Rc& r, std::int64_t v) { r.times.pendingTimeout = Ms{v}; }},
        {"DeadlockTimeout", {1'000, unlimited, true}, [](Rc& r, std::int64_t v) { r.times.deadlockTimeout = Ms{v}; }},
        {"RestartAction",
         {0, 2, false},
         [](Rc& r, std::int64_t v) { r.restart.action = static_cast<core::RestartAction>(v); }},
        {"RestartThreshold",
         {0, unlimited, false},
         [](Rc& r, std::int64_t v) { r.restart.threshold = static_cast<std::uint32_t>(v); }},
        {"RestartPeriod", {0, unlimited, true}, [](Rc& r, std::int64_t v) { r.restart.period = Ms{v}; }},
        {"RestartDelay", {0, unlimited, true}, [](Rc& r, std::int64_t v) { r.restart.delay = Ms{v}; }},
        {"RetryPeriodOnFailure",
         {0, unlimited, true},
         [](Rc& r, std::int64_t v) { r.restart.retryPeriodOnFailure = Ms{v}; }},
        {"SeparateMonitor", {0, 1, false}, [](Rc& r, std::int64_t v) { r.separateMonitor = v == 1; }},
        {"PersistentState", {0, 1, false}, [](Rc& r, std::int64_t v) { r.persistentState = v == 1; }},
    };
    return table;
}

/** Names are keys of a registry that compares without case. */
std::string folded(std::string_view name) {
    std::string out{name};
    std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
    return out;
}

class Reader : private TomlReader {
public:
    explicit Reader(const std::filesystem::path& file) : TomlReader{file} {
        out_.configuration.name = file.stem().string();
    }

    ReadConfiguration read(std::string_view text) {
        try {
            const toml::table root = toml::parse(text, file());
            readRoot(root);
        } catch (const toml::parse_error& error) {
            problem(error.source().begin.line, std::string{error.description()});
        }
        out_.problems = std::move(problems());
        std::stable_sort(out_.problems.begin(), out_.problems.end(),
                         [](const Problem& a, const Problem& b) { return a.where.line < b.where.line; });
        return std::move(out_);
    }

private:
    void readRoot(const toml::table& root) {
        std::vector<const toml::table*> resources;
        std::vector<const toml::table*> groups;
        const toml::node* types = nullptr;
        for (const auto& [key, node] : root) {
            if (key == "monitor") {
                readMonitor(node);
            } else if (key == "resource") {
                collect(node, "resources are written as [[resource]]", resources);
            } else if (key == "group") {
                collect(node, "groups are written as [[group]]", groups);
            } else if (key == "types") {
                types = &node;
            } else {
                unknownKey(key, "at top level", {"monitor", "group", "resource", "types"});
            }
        }
        for (const auto* table : groups) readGroup(*table);
        for (const auto* table : resources) readResource(*table);
        if (types != nullptr) readTypes(*types);
        if (resources.empty() && problems().empty()) problem(0, "no [[resource]] to run");
        checkGroups();
        auto wrong = checkDependencies(out_.configuration.resources, dependencies_);
        std::move(wrong.begin(), wrong.end(), std::back_inserter(problems()));
    }

    void collect(const toml::node& node, std::string_view how, std::vector<const toml::table*>& tables) {
        const auto* array = node.as_array();
        if (array == nullptr || !array->is_array_of_tables()) return problem(node, std::string{how});
        for (const auto& element : *array) tables.push_back(element.as_table());
    }

    void readMonitor(const toml::node& node) {
        const auto* table = node.as_table();
        if (table == nullptr) return problem(node, "'monitor' must be a table");
        auto& c = out_.configuration;
        for (const auto& [key, value] : *table) {
            const std::string_view k = key.str();
            if (k == "name") {
                if (const auto name = string(value, k)) c.name = *name;
                if (c.name.find('/') != std::string::npos || c.name == "." || c.name == "..")
                    problem(value, fmt::format("the name '{}' is no file name", c.name));
            } else if (k == "trace" || k == "runDirectory" || k == "control" || k == "state") {
                auto& target = k == "trace"          ? c.trace
                               : k == "runDirectory" ? c.runDirectory
                               : k == "control"      ? c.control
                                                     : c.state;
                if (const auto where = path(value, k)) target = *where;
            } else if (k == "stopPatience") {
                if (const auto ms = integer(value, k, {0, unlimited, true})) monitorPatience_ = Ms{*ms};
            } else if (k == "adoptTimeout") {
                if (const auto ms = integer(value, k, {0, 3'600'000, true})) c.adoptTimeout = Ms{*ms};
            } else if (k == "hookTimeout") {
                if (const auto ms = integer(value, k, {100, 3'600'000, true})) c.hookTimeout = Ms{*ms};
            } else if (k == "notify" || k == "fence") {
                if (auto hook = program(value, k)) (k == "notify" ? c.notify : c.fence) = std::move(*hook);
            } else if (k == "terminateOnEvent") {
                if (const auto yes = flag(value, k)) terminateOnEvent_ = *yes;
            } else {
                unknownKey(key, "in [monitor]",
                           {"name", "trace", "runDirectory", "control", "state", "adoptTimeout", "hookTimeout",
                            "notify", "fence", "stopPatience", "terminateOnEvent"});
            }
        }
    }

    /** [types."SQLite Database".properties]: what holds for each of its resources that does not say otherwise (D15). */
    void readTypes(const toml::node& node) {
        const auto* table = node.as_table();
        if (table == nullptr) return problem(node, "types are written as [types.\"Type Name\".properties]");
        std::map<std::string, std::uint32_t> seen;
        for (const auto& [name, type] : *table) {
            const auto* entries = type.as_table();
            if (entries == nullptr) {
                problem(type, fmt::format("type '{}' must be a table, not {}", name.str(), kindOf(type)));
                continue;
            }
            const auto [first, isNew] = seen.try_emplace(folded(name.str()), name.source().begin.line);
            if (!isNew)
                problem(name.source().begin.line,
                        fmt::format("type '{}' is already on line {}", name.str(), first->second));
            std::vector<PropertySetting> settings;
            for (const auto& [key, value] : *entries) {
                if (key == "properties") {
                    readProperties(value, settings);
                } else {
                    unknownKey(key, "in [types]", {"properties"});
                }
            }
            bool used = false;
            for (auto& resource : out_.configuration.resources) {
                if (!samePropertyName(resource.type, name.str())) continue;
                resource.typeProperties = settings;
                used = true;
            }
            if (!used) out_.notes.push_back({at(name), fmt::format("no resource is of type '{}'", name.str())});
        }
    }

    void readGroup(const toml::table& table) {
        GroupConfiguration group;
        group.where = at(table);
        bool named = false;
        for (const auto& [key, node] : table) {
            const std::string_view k = key.str();
            if (k == "name") {
                named = true;
                if (const auto name = string(node, k)) {
                    group.name = *name;
                    const auto [first, isNew] = groupNames_.try_emplace(*name, node.source().begin.line);
                    if (!isNew)
                        problem(node, fmt::format("a group named '{}' is already on line {}", *name, first->second));
                }
            } else if (k == "FailoverThreshold") {
                // The documented default 0xFFFFFFFF stands for "nodes minus 1", and there is always one to come back to.
                if (const auto value = integer(node, k, {0, unlimited, false}))
                    group.failoverThreshold = *value == unlimited ? 1U : static_cast<std::uint32_t>(*value);
            } else if (k == "FailoverPeriod") {
                readFailoverPeriod(node, group);
            } else if (k == "failover") {
                readFailover(node, group);
            } else if (k == "onFailed") {
                if (auto hook = program(node, k)) group.onFailed = std::move(*hook);
            } else {
                unknownKey(key, "in [[group]]",
                           {"name", "FailoverThreshold", "FailoverPeriod", "failover", "onFailed"});
            }
        }
        if (!named) problem(table, "the group has no 'name'");
        out_.configuration.groups.push_back(std::move(group));
    }

    /** Whole hours, as documented; a string with a unit is a time as everywhere. */
    void readFailoverPeriod(const toml::node& node, GroupConfiguration& group) {
        constexpr std::int64_t hours = 1193;
        constexpr std::int64_t hour = 3'600'000;
        if (node.is_string()) {
            if (const auto ms = integer(node, "FailoverPeriod", {0, hours * hour, true}))
                group.failoverPeriod = Ms{*ms};
        } else if (const auto value = integer(node, "FailoverPeriod", {0, hours, false})) {
            group.failoverPeriod = Ms{*value * hour};
        }
    }

    void readFailover(const toml::node& node, GroupConfiguration& group) {
        const auto text = string(node, "failover");
        if (!text) return;
        if (*text == "stay") {
            group.failover = GroupFailover::stay;
        } else if (*text == "offline") {
            group.failover = GroupFailover::offline;
        } else if (*text == "restart") {
            group.failover = GroupFailover::restart;
        } else {
            const auto near = suggestion(*text, {"stay", "offline", "restart"});
            problem(node, fmt::format("'failover' is \"stay\", \"offline\" or \"restart\", not \"{}\"{}", *text,
                                      near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
        }
    }

    void checkGroups() {
        std::vector<std::string_view> known;
        for (const auto& group : out_.configuration.groups) known.push_back(group.name);
        std::map<std::string_view, bool> used;
        for (const auto& [name, where] : memberships_) {
            used[name] = true;
            if (groupNames_.contains(name)) continue;
            const auto near = suggestion(name, known);
            problem(where.line, fmt::format("there is no [[group]] named '{}'{}", name,
                                            near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
        }
        for (const auto& group : out_.configuration.groups) {
            if (group.name.empty() || used.contains(group.name)) continue;
            out_.notes.push_back({group.where, fmt::format("no resource is in group '{}'", group.name)});
        }
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
                readProperties(node, resource.properties);
            } else if (k == "group") {
                if (const auto group = string(node, k)) {
                    resource.group = *group;
                    memberships_.push_back({*group, at(node)});
                }
            } else if (k == "host") {
                if (const auto host = string(node, k)) resource.host = *host;
            } else if (k == "notify") {
                if (auto hook = program(node, k)) resource.notify = std::move(*hook);
            } else if (const auto* common = findCommon(k)) {
                const auto value = integer(node, common->name, common->range);
                if (value) common->set(resource, *value);
                if (k == "RetryPeriodOnFailure" && value) retry = &node;
            } else {
                std::vector<std::string_view> known{"name",       "type",  "agent", "dependsOn",
                                                    "properties", "group", "host",  "notify"};
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
        if (resource.times.pendingTimeout <= core::Policy{}.heartbeat) {  // W-220
            out_.notes.push_back(
                {resource.where,
                 fmt::format(
                     "{}: PendingTimeout is not above {} s: an online or offline that says nothing for so long may "
                     "fail before a heartbeat speaks for it",
                     who, core::Policy{}.heartbeat.count() / 1'000)});
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
        if (name.find('\\') != std::string::npos) {
            problem(node, fmt::format("the name '{}' contains a backslash", name));
        }
        if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return std::iscntrl(c) != 0; })) {
            problem(node, fmt::format("the name '{}' contains a control character", name));
        }
        const auto [first, isNew] = names_.try_emplace(folded(name), node.source().begin.line);
        if (!isNew) problem(node, fmt::format("a resource named '{}' is already on line {}", name, first->second));
    }

    void readAgent(const toml::node& node, const std::string& agent, ResourceConfiguration& resource) {
        resource.agent = folder() / agent;
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
                dependencies_.push_back({out_.configuration.resources.size(), *name, at(element)});
            }
        };
        if (const auto* array = node.as_array()) {
            for (const auto& element : *array) add(element);
        } else {
            add(node);
        }
    }

    void readProperties(const toml::node& node, std::vector<PropertySetting>& settings) {
        const auto* table = node.as_table();
        if (table == nullptr) return problem(node, fmt::format("'properties' must be a table, not {}", kindOf(node)));
        for (const auto& [key, value] : *table) {
            PropertySetting setting{std::string{key.str()}, {}, at(key)};
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
            settings.push_back(std::move(setting));
        }
    }

    ReadConfiguration out_;
    std::optional<Ms> monitorPatience_;
    bool terminateOnEvent_{false};
    std::map<std::string, std::uint32_t> names_;
    std::map<std::string, std::uint32_t> groupNames_;
    std::vector<std::pair<std::string, SourceLine>> memberships_;
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
