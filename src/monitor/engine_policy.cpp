// SPDX-License-Identifier: BSL-1.0
// What goes beyond one resource and one run: groups, the programs of people, what is remembered.
#include "monitor/engine.hpp"

#include "monitor/reason_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

core::RestartPolicy::Time now() {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now());
}

std::string utcNow() {
    const auto ms = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now())
                        .time_since_epoch()
                        .count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>(ms / 1'000)), ms % 1'000);
}

/** A group's failovers are counted as a resource's restarts are. */
core::RestartSettings failoverSettings(const GroupConfiguration& group) {
    core::RestartSettings settings;
    settings.action = core::RestartAction::restart;
    settings.threshold = group.failoverThreshold;
    settings.period = group.failoverPeriod;
    settings.retryPeriodOnFailure = core::RestartSettings::never;
    return settings;
}

std::vector<core::RestartPolicy::Slice> slicesOf(const core::RestartPolicy& policy) {
    std::vector<core::RestartPolicy::Slice> slices;
    for (std::size_t i = 0; i < policy.slices(); ++i) slices.push_back(policy.slice(i));
    return slices;
}

bool sameName(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<SettingValue> valueIn(const std::vector<PropertySetting>& settings, std::string_view name) {
    for (const auto& setting : settings) {
        if (sameName(setting.name, name)) return setting.value;
    }
    return std::nullopt;
}

void setIn(std::vector<PropertySetting>& settings, PropertySetting setting) {
    for (auto& old : settings) {
        if (sameName(old.name, setting.name)) {
            old = std::move(setting);
            return;
        }
    }
    settings.push_back(std::move(setting));
}

}  // namespace

// --- groups -------------------------------------------------------------------------------------------------------------

/** With conducting_ held. Who stays keeps its count. */
void ResourceMonitor::Engine::arrangeGroups(const std::vector<GroupConfiguration>& groups) {
    std::map<std::string, Group> next;
    for (const auto& configuration : groups) {
        const auto old = groups_.find(configuration.name);
        Group group;
        if (old != groups_.end()) {
            group = old->second;
        } else if (store_) {
            for (const auto& slice : store_->group(configuration.name).failovers) group.failovers.restore(slice);
        }
        group.configuration = configuration;
        group.failovers.configure(failoverSettings(configuration));
        next.emplace(configuration.name, std::move(group));
    }
    groups_ = std::move(next);
}

bool ResourceMonitor::Engine::failGroup(const Unit& unit) {
    const std::string& name = unit.configuration.group;
    std::string said;
    const bool held = [&] {
        const std::lock_guard lock{conducting_};
        const auto found = groups_.find(name);
        if (found == groups_.end()) return false;
        Group& group = found->second;
        if (conductor_.isHeld(name)) return true;  // it goes down already
        group.resource = unit.configuration.name;
        group.reason = unit.reason;
        const bool within = group.failovers.failed(now()).kind == core::RestartDecision::Kind::restart;
        const auto how = group.configuration.failover;
        const bool holds = within && how != GroupFailover::stay && conductor_.phase() == Conductor::Phase::running;
        if (holds) {
            said = fmt::format(
                "restarts are used up: group '{}' goes offline{}", name,
                how == GroupFailover::restart ? " and comes back here" : ", and stays so until people ask for it");
            settle(conductor_.hold(name, how == GroupFailover::restart));
        } else {
            if (!within) {
                said = fmt::format("group '{}' has used up its failovers: {} in {}", name,
                                   group.configuration.failoverThreshold,
                                   durationText(group.configuration.failoverPeriod));
            }
            runGroupHook(group, within ? "failover" : "given-up", {});
        }
        rememberGroup(group);
        return holds;
    }();
    if (!said.empty()) log(unit.configuration.name, LogLevel::warning, {}, std::move(said));
    return held;
}

/** All of it is offline: whoever wants to start it elsewhere may. */
void ResourceMonitor::Engine::groupFell(const Group& group) {
    const std::string name = group.configuration.name;
    boost::asio::post(io_, [this, name] {  // observers are not called with our locks held
        log({}, LogLevel::information, {}, fmt::format("group '{}' is offline", name));
    });
    std::function<void()> ended;
    if (group.configuration.failover == GroupFailover::restart) ended = [this, name] { returnGroup(name); };
    if (!group.configuration.onFailed.path.empty()) return runGroupHook(group, "failover", std::move(ended));
    if (ended) boost::asio::post(io_, std::move(ended));
}

void ResourceMonitor::Engine::runGroupHook(const Group& group, const std::string& event, std::function<void()> ended) {
    if (group.configuration.onFailed.path.empty()) return;
    ProgramQueues::Run run;
    run.program = group.configuration.onFailed;
    run.environment = {{"HOLDFAST_EVENT", event},
                       {"HOLDFAST_MONITOR", name_},
                       {"HOLDFAST_GROUP", group.configuration.name},
                       {"HOLDFAST_RESOURCE", group.resource},
                       {"HOLDFAST_REASON", group.reason},
                       {"HOLDFAST_TIME", utcNow()}};
    run.resource = group.resource;
    run.what = "onFailed";
    run.ended = std::move(ended);
    programs_->push(std::move(run));
}

void ResourceMonitor::Engine::returnGroup(const std::string& name) {
    for (const auto& unit : units()) {
        boost::asio::post(unit->strand, [this, unit, name] {
            if (unit->configuration.group != name) return;
            unit->policy.moved();  // as on another node
            remember(*unit);
        });
    }
    bool back = false;
    {
        const std::lock_guard lock{conducting_};
        back = conductor_.isHeld(name);
        settle(conductor_.release(name));
    }
    if (back) log({}, LogLevel::information, {}, fmt::format("group '{}' comes back", name));
}

// --- programs -----------------------------------------------------------------------------------------------------------

void ResourceMonitor::Engine::notify(const Unit& unit, abi::ResourceState from) {
    ProgramQueues::Run run;
    run.program = unit.configuration.notify;
    if (run.program.path.empty()) {
        const std::lock_guard lock{views_};
        run.program = notify_;
    }
    if (run.program.path.empty()) return;
    const auto to = unit.machine.externalState();
    const std::string reason = to != abi::ResourceState::failed ? std::string{}
                               : unit.failWhy.empty()           ? unit.said
                                                                : "declared failed: " + unit.failWhy;
    run.environment = {{"HOLDFAST_EVENT", "state"},
                       {"HOLDFAST_MONITOR", name_},
                       {"HOLDFAST_RESOURCE", unit.configuration.name},
                       {"HOLDFAST_GROUP", unit.configuration.group},
                       {"HOLDFAST_STATE", std::string{stateName(to)}},
                       {"HOLDFAST_PREVIOUS", std::string{stateName(from)}},
                       {"HOLDFAST_REASON", reason},
                       {"HOLDFAST_TIME", utcNow()}};
    run.resource = unit.configuration.name;
    run.what = "notify";
    programs_->push(std::move(run));
}

// --- what is remembered -------------------------------------------------------------------------------------------------

void ResourceMonitor::Engine::openStore() {
    if (configuration_.state.empty()) return;
    auto opened = StateStore::open(configuration_.state, [this](bool warning, std::string text) {
        log({}, warning ? LogLevel::warning : LogLevel::information, {}, std::move(text));
    });
    store_ = std::move(opened.store);
    if (opened.problem) storeProblems_.push_back(std::move(*opened.problem));
}

/** Before anything runs on its strand. */
void ResourceMonitor::Engine::recall(Unit& unit) {
    if (!store_) return;
    const auto stored = store_->resource(unit.configuration.name);
    for (const auto& slice : stored.restarts) unit.policy.restore(slice);
    unit.configuration.separateMonitor = unit.configuration.separateMonitor || stored.separate;
    if (!stored.failed) return;
    unit.reason = stored.reason;
    log(unit.configuration.name, LogLevel::information, {},
        fmt::format("it was failed when the monitor ended: {}", stored.reason));
}

void ResourceMonitor::Engine::remember(const Unit& unit) {
    if (!store_) return;
    const auto state = unit.machine.externalState();
    store_->change(unit.configuration.name, [&](StoredResource& stored) {
        stored.failed = state == abi::ResourceState::failed;
        stored.reason = stored.failed ? unit.reason : std::string{};
        stored.restarts = slicesOf(unit.policy);
    });
}

/** With conducting_ held. */
void ResourceMonitor::Engine::rememberGroup(const Group& group) {
    if (!store_) return;
    const auto& name = group.configuration.name;
    store_->changeGroup(name, [&](StoredGroup& stored) {
        stored.held = group.configuration.failover == GroupFailover::offline && conductor_.isHeld(name);
        stored.failovers = slicesOf(group.failovers);
    });
}

/** W-465: one that is persistent starts as people wished last, every other one starts. */
bool ResourceMonitor::Engine::startsWanted(const ResourceConfiguration& configured) const {
    if (!store_ || !configured.persistentState) return true;
    return store_->resource(configured.name).wanted.value_or(true);
}

ResourceMonitor::Engine::Settings ResourceMonitor::Engine::settingsOf(const ResourceConfiguration& configured) const {
    Settings settings{configured.properties, {}};
    if (!store_) return settings;
    for (const auto& [name, property] : store_->resource(configured.name).properties) {
        if (valueIn(configured.properties, name) == property.inFile) {
            setIn(settings.all, {name, property.value, {(configuration_.state / "state.json").string(), 0}});
        } else {
            settings.outdated.push_back(name);
        }
    }
    return settings;
}

void ResourceMonitor::Engine::forgetOutdated(const std::string& name, const std::vector<std::string>& outdated) {
    for (const auto& property : outdated) {
        log(name, LogLevel::information, {},
            fmt::format("property '{}' is again what the file says: its value there changed", property));
    }
    if (outdated.empty() || !store_) return;
    store_->change(name, [&](StoredResource& stored) {
        for (const auto& property : outdated) stored.properties.erase(property);
    });
}

void ResourceMonitor::Engine::rememberProperties(Unit& unit, const std::vector<PropertySetting>& settings) {
    for (const auto& setting : settings) setIn(unit.settings, setting);
    if (!store_) return;
    store_->change(unit.configuration.name, [&](StoredResource& stored) {
        for (const auto& setting : settings) {
            std::erase_if(stored.properties, [&](const auto& old) { return sameName(old.first, setting.name); });
            stored.properties[setting.name] = {setting.value, valueIn(unit.configuration.properties, setting.name)};
        }
    });
}

bool ResourceMonitor::Engine::forgetProperty(Unit& unit, const std::string& name) {
    std::erase_if(unit.settings, [&](const auto& old) { return sameName(old.name, name); });
    if (store_) {
        store_->change(unit.configuration.name, [&](StoredResource& stored) {
            std::erase_if(stored.properties, [&](const auto& old) { return sameName(old.first, name); });
        });
    }
    return valueIn(unit.configuration.properties, name).has_value();
}

}  // namespace holdfast::inline v1::monitor
