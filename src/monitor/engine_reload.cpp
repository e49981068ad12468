// SPDX-License-Identifier: BSL-1.0
// Resources come, change and go while the monitor runs.
#include "monitor/engine.hpp"

#include "monitor/dependency_check.hpp"
#include "monitor/reason_text.hpp"

#include <holdfast/abi/property_list.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <iterator>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr abi::Dword validatePrivateProperties = 0x0100'0089;  // CLUSCTL_RESOURCE_VALIDATE_PRIVATE_PROPERTIES

bool same(const core::MonitorSettings& a, const core::MonitorSettings& b) {
    return a.looksAlivePollInterval == b.looksAlivePollInterval && a.isAlivePollInterval == b.isAlivePollInterval &&
           a.pendingTimeout == b.pendingTimeout && a.deadlockTimeout == b.deadlockTimeout &&
           a.stopPatience == b.stopPatience && a.terminateOnEvent == b.terminateOnEvent;
}

bool same(const std::vector<PropertySetting>& a, const std::vector<PropertySetting>& b) {
    return std::is_permutation(a.begin(), a.end(), b.begin(), b.end(),
                               [](const auto& x, const auto& y) { return x.name == y.name && x.value == y.value; });
}

/** What cannot change while it lives: another agent is another resource. */
bool isSameResource(const ResourceConfiguration& a, const ResourceConfiguration& b) {
    return a.name == b.name && a.type == b.type && a.agent == b.agent && a.host == b.host &&
           a.separateMonitor == b.separateMonitor;
}

}  // namespace

struct ResourceMonitor::Engine::Changes {
    struct Kept {
        UnitPointer unit;
        std::size_t position;  ///< in the new configuration
        Settings settings;
        const std::vector<PropertySetting>* typeSettings;
        PropertyBag properties{};      ///< of those, what differs
        PropertyBag typeProperties{};  ///< and of its type's
    };
    std::vector<UnitPointer> units;  ///< of the new configuration, in its order; null: new
    std::vector<Kept> kept;
    std::vector<UnitPointer> fresh;
    std::vector<UnitPointer> removed;
};

ResourceMonitor::Engine::UnitPointer ResourceMonitor::Engine::addUnit(const ResourceConfiguration& configured,
                                                                      std::uint32_t rank) {
    const std::size_t number = nextNumber_++;
    const auto all = units();
    const bool taken = std::any_of(all.begin(), all.end(), [&](const UnitPointer& other) {
        return other->configuration.name == configured.name;  // it leaves, and still has its key
    });
    std::string key =
        taken ? fmt::format("Successors\\{}\\{}", number, configured.name) : "Resources\\" + configured.name;
    const auto unit = std::make_shared<Unit>(io_, number, configured, std::move(key));
    auto settings = settingsOf(configured);
    unit->settings = std::move(settings.all);
    forgetOutdated(configured.name, settings.outdated);
    recall(*unit);
    {
        const std::lock_guard lock{views_};
        ResourceSnapshot& snapshot = snapshots_[number];
        snapshot.name = configured.name;
        snapshot.type = configured.type;
        snapshot.group = configured.group;
        snapshot.dependsOn = configured.dependsOn;
        snapshot.external = abi::ResourceState::offline;
        snapshot.wanted = startsWanted(configured);
        snapshot.separateMonitor = unit->configuration.separateMonitor;
    }
    {
        const std::unique_lock lock{roster_};
        units_[number] = unit;
    }
    HostedResource hosted;
    hosted.name = unit->configuration.name;
    hosted.type = unit->configuration.type;
    hosted.library = unit->configuration.agent;
    hosted.registryPath = unit->registryKey;
    hosted.group = unit->configuration.host;
    hosted.separate = unit->separate = unit->configuration.separateMonitor;
    hosted.rank = rank;
    host_->add(unit->number, hosted);
    return unit;
}

std::vector<Problem> ResourceMonitor::Engine::prepareUnits(const std::vector<UnitPointer>& fresh) {
    std::vector<Problem> problems;
    {
        const std::lock_guard lock{views_};
        unprepared_ += fresh.size();
    }
    for (const auto& unit : fresh) boost::asio::post(unit->strand, [this, unit] { prepareUnit(*unit); });
    std::unique_lock lock{views_};
    changed_.wait(lock, [&] { return unprepared_ == 0 || stopping_ || ended_; });
    if (unprepared_ != 0) {
        problems.push_back({{}, "stopped while the agents were being prepared"});
        return problems;
    }
    lock.unlock();
    for (const auto& unit : fresh) {
        std::promise<std::vector<Problem>> found;
        boost::asio::post(unit->strand, [&] { found.set_value(unit->problems); });
        for (auto& problem : found.get_future().get()) problems.push_back(std::move(problem));
    }
    return problems;
}

Conductor::Places ResourceMonitor::Engine::placesOf(const std::vector<UnitPointer>& units,
                                                    const MonitorConfiguration& configuration) const {
    Conductor::Places places;
    std::map<std::string_view, std::size_t> numbers;
    for (std::size_t i = 0; i < units.size(); ++i)
        numbers.try_emplace(configuration.resources[i].name, units[i]->index);
    for (std::size_t i = 0; i < units.size(); ++i) {
        const auto& resource = configuration.resources[i];
        auto& place = places[units[i]->index];
        place.group = resource.group;
        place.wanted = startsWanted(resource);
        for (const auto& name : resource.dependsOn) {
            if (const auto found = numbers.find(name); found != numbers.end()) place.providers.push_back(found->second);
        }
    }
    return places;
}

std::vector<Problem> ResourceMonitor::Engine::reload(MonitorConfiguration configuration) {
    const std::lock_guard reloading{reloading_};
    auto problems = checkResources(configuration);
    {
        const std::lock_guard lock{conducting_};
        if (conductor_.phase() != Conductor::Phase::running)
            problems.push_back({{}, "the monitor does not run now: nothing can be changed"});
    }
    if (!problems.empty()) return problems;
    auto changes = compare(configuration);
    problems = prepareUnits(changes.fresh);
    auto wrong = check(changes);
    std::move(wrong.begin(), wrong.end(), std::back_inserter(problems));
    if (!problems.empty()) {
        closeUnits(changes.fresh);
        for (const auto& kept : changes.kept)
            boost::asio::post(kept.unit->strand, [this, unit = kept.unit] { restoreTypeProperties(*unit); });
        return problems;
    }
    commit(std::move(configuration), changes);
    return {};
}

ResourceMonitor::Engine::Changes ResourceMonitor::Engine::compare(const MonitorConfiguration& next) {
    Changes changes;
    std::vector<UnitPointer> current;
    for (const auto& resource : configuration_.resources) current.push_back(find(resource.name));
    std::vector<bool> stays(current.size(), false);
    auto ranks = ranksOf(next);
    for (std::size_t position = 0; position < next.resources.size(); ++position) {
        const auto& resource = next.resources[position];
        UnitPointer kept;
        for (std::size_t i = 0; i < current.size(); ++i) {
            // The file's own words are compared: isolation may have given it a host of its own since.
            if (!current[i] || !isSameResource(configuration_.resources[i], resource)) continue;
            kept = current[i];
            stays[i] = true;
        }
        if (kept) {
            changes.kept.push_back({kept, position, settingsOf(resource), &resource.typeProperties});
        } else {
            kept = addUnit(resource, ranks[resource.name]);
            changes.fresh.push_back(kept);
        }
        changes.units.push_back(std::move(kept));
    }
    for (std::size_t i = 0; i < current.size(); ++i) {
        if (current[i] && !stays[i]) changes.removed.push_back(current[i]);
    }
    return changes;
}

/** Has the agents of who stays validate what is new of their properties; nothing is stored. */
std::vector<Problem> ResourceMonitor::Engine::check(Changes& changes) {
    std::vector<Problem> problems;
    std::vector<std::future<PropertyCheck>> answers;
    for (const auto& kept : changes.kept) {
        const auto answer = std::make_shared<std::promise<PropertyCheck>>();
        answers.push_back(answer->get_future());
        boost::asio::post(kept.unit->strand,
                          [this, unit = kept.unit, settings = kept.settings.all, ofType = *kept.typeSettings, answer] {
                              checkProperties(*unit, settings, ofType, answer);
                          });
    }
    for (std::size_t i = 0; i < answers.size(); ++i) {
        while (answers[i].wait_for(std::chrono::milliseconds{50}) != std::future_status::ready) {
            const std::lock_guard lock{views_};
            if (!stopping_ && !ended_) continue;
            problems.push_back({{}, "stopped while the properties were being validated"});
            return problems;
        }
        auto answer = answers[i].get();
        std::move(answer.problems.begin(), answer.problems.end(), std::back_inserter(problems));
        changes.kept[i].properties = std::move(answer.changes);
        changes.kept[i].typeProperties = std::move(answer.typeChanges);
    }
    return problems;
}

void ResourceMonitor::Engine::checkProperties(Unit& unit, const std::vector<PropertySetting>& settings,
                                              const std::vector<PropertySetting>& typeSettings,
                                              const std::shared_ptr<std::promise<PropertyCheck>>& answer) {
    if (same(unit.settings, settings) && same(unit.configuration.typeProperties, typeSettings))
        return answer->set_value({});
    auto encoded = encodeProperties(settings, unit.formats);
    auto ofType = encodeProperties(typeSettings, unit.formats);
    std::move(ofType.problems.begin(), ofType.problems.end(), std::back_inserter(encoded.problems));
    if (!encoded.problems.empty()) return answer->set_value({{}, {}, std::move(encoded.problems)});
    PropertyCheck check;
    const auto compare = [](const PropertyBag& old, const PropertyBag& next, PropertyBag& differences) {
        for (const auto& [name, value] : next) {
            const auto* before = old.find(name);
            if (before == nullptr || *before != value) differences.set(name, value);
        }
        for (const auto& [name, value] : old) {
            if (!next.contains(name)) differences.set(name, PropertyValue{});  // the agent's default holds again
        }
    };
    compare(unit.properties, encoded.bag, check.changes);
    compare(unit.typeProperties, ofType.bag, check.typeChanges);
    Unit::Control control;
    control.code = validatePrivateProperties;
    control.input = abi::writePropertyList(effectiveProperties(encoded.bag, ofType.bag), abi::ListUse::send);
    control.answer = [&unit, settings, typeSettings, answer, check = std::move(check)](abi::Dword code) mutable {
        // One that is not loaded now reads and validates them when it is.
        const bool good =
            code == abi::code::success || code == abi::code::invalidFunction || code == abi::code::invalidState;
        if (good) return answer->set_value(std::move(check));
        std::string text;
        for (const auto& line : unit.controlLog) text += (text.empty() ? "" : "; ") + line;
        if (text.empty()) text = fmt::format("the agent refuses its properties: {}", codeText(code));
        SourceLine where = unit.configuration.where;
        for (const auto& setting : settings) {
            if (text.find(setting.name) != std::string::npos) where = setting.where;
        }
        for (const auto& setting : typeSettings) {
            if (text.find(setting.name) != std::string::npos) where = setting.where;
        }
        answer->set_value({{}, {}, {{where, fmt::format("resource '{}': {}", unit.configuration.name, text)}}});
    };
    queueControl(unit, std::move(control));
}

void ResourceMonitor::Engine::closeUnits(const std::vector<UnitPointer>& fresh) {
    for (const auto& unit : fresh) {
        boost::asio::post(unit->strand, [this, unit] {
            unit->leaving = true;
            feed(*unit, core::MonitorEvent::of(core::MonitorEvent::Kind::shutdown));
        });
    }
}

void ResourceMonitor::Engine::commit(MonitorConfiguration next, Changes& changes) {
    const auto begin = std::chrono::steady_clock::now();
    std::size_t changed = 0;
    std::vector<std::future<void>> configured;
    for (auto& kept : changes.kept) {
        const auto& resource = next.resources[kept.position];
        forgetOutdated(resource.name, kept.settings.outdated);
        const auto done = std::make_shared<std::promise<void>>();
        configured.push_back(done->get_future());
        boost::asio::post(kept.unit->strand,
                          [this, unit = kept.unit, resource, settings = std::move(kept.settings.all),
                           properties = kept.properties, ofType = kept.typeProperties, done]() mutable {
                              configure(*unit, resource, std::move(settings), properties, ofType);
                              done->set_value();
                          });
        changed += kept.properties.empty() && kept.typeProperties.empty() ? 0 : 1;
    }
    auto places = placesOf(changes.units, next);
    for (const auto& fresh : changes.fresh) {
        for (const auto& other : units()) {  // also one that an earlier reload removed and that is still going
            if (other != fresh && other->configuration.name == fresh->configuration.name)
                places[fresh->index].after.push_back(other->index);
        }
    }
    for (const auto& unit : changes.removed) {
        boost::asio::post(unit->strand, [unit] { unit->leaving = true; });
    }
    {
        const std::lock_guard lock{conducting_};
        {
            const std::lock_guard guard{views_};
            order_.clear();
            for (const auto& unit : changes.units) order_.push_back(unit->index);
            notify_ = next.notify;
            fence_ = next.fence;
        }
        programs_->timeout(next.hookTimeout);
        arrangeGroups(next.groups);
        settle(conductor_.arrange(std::move(places)));
    }
    for (const auto& unit : changes.fresh) boost::asio::post(unit->strand, [this, unit] { publishView(*unit); });
    for (const auto& unit : changes.removed) boost::asio::post(unit->strand, [this, unit] { publishView(*unit); });
    if (next.name != configuration_.name || next.trace != configuration_.trace || next.state != configuration_.state ||
        next.runDirectory != configuration_.runDirectory || next.control != configuration_.control ||
        next.adoptTimeout != configuration_.adoptTimeout) {
        log({}, LogLevel::warning, {},
            "name, trace, state, runDirectory, control and adoptTimeout hold from the next start of the monitor on");
        next.name = configuration_.name;
        next.trace = configuration_.trace;
        next.state = configuration_.state;
        next.runDirectory = configuration_.runDirectory;
        next.control = configuration_.control;
        next.adoptTimeout = configuration_.adoptTimeout;
    }
    log({}, LogLevel::information, {},
        fmt::format("reloaded in {}: {} new, {} removed, {} with other properties",
                    durationText(std::chrono::duration_cast<std::chrono::milliseconds>(
                        std::chrono::steady_clock::now() - begin)),
                    changes.fresh.size(), changes.removed.size(), changed));
    configuration_ = std::move(next);
    for (const auto& done : configured) {  // who comes back from a reload finds it done; no strand waits for an agent
        while (done.wait_for(std::chrono::milliseconds{50}) != std::future_status::ready) {
            if (ended_) return;
        }
    }
}

/** On its strand. Nothing is called: times and restarts are the monitor's, properties are read at the next Online. */
void ResourceMonitor::Engine::configure(Unit& unit, const ResourceConfiguration& next,
                                        std::vector<PropertySetting> settings, const PropertyBag& changes,
                                        const PropertyBag& typeChanges) {
    auto& own = unit.configuration;
    const bool otherTimes = !same(own.times, next.times);
    own.dependsOn = next.dependsOn;
    own.times = next.times;
    own.restart = next.restart;
    own.properties = next.properties;
    own.typeProperties = next.typeProperties;
    own.group = next.group;
    own.persistentState = next.persistentState;
    own.notify = next.notify;
    own.where = next.where;
    unit.policy.configure(next.restart);
    unit.settings = std::move(settings);
    if (otherTimes) {
        for (const auto& action : unit.machine.configure(next.times)) apply(unit, action);
    }
    {
        const std::lock_guard lock{views_};
        if (const auto found = snapshots_.find(unit.index); found != snapshots_.end()) {
            found->second.dependsOn = next.dependsOn;
            found->second.group = next.group;
        }
    }
    if (changes.empty() && typeChanges.empty()) return;
    const auto take = [](const PropertyBag& news, PropertyBag& known) {
        for (const auto& [name, value] : news) {
            if (value.absent())
                known.erase(name);
            else
                known.set(name, value);
        }
    };
    take(changes, unit.properties);
    take(typeChanges, unit.typeProperties);
    storeProperties(unit, changes);
    storeTypeProperties(unit, typeChanges);
    std::string names;
    for (const auto* news : {&changes, &typeChanges}) {
        for (const auto& [name, value] : *news) names += (names.empty() ? "" : ", ") + name;
    }
    log(own.name, LogLevel::information, {}, fmt::format("new properties are used from the next Online on: {}", names));
}

/** On its strand: a new resource of its type, which a refused reload takes back, may have stored what it wanted. */
void ResourceMonitor::Engine::restoreTypeProperties(Unit& unit) {
    PropertyBag changes = unit.typeProperties;
    for (const auto& [name, value] : registry_.values(typeParametersPath(unit.configuration.type))) {
        if (!unit.typeProperties.contains(name)) changes.set(name, PropertyValue{});
    }
    storeTypeProperties(unit, changes);
}

/** On its strand: it is closed, or given up. What is still posted to it keeps it until it is done. */
void ResourceMonitor::Engine::retire(Unit& unit) {
    if (std::exchange(unit.retired, true)) return;
    for (auto& timer : unit.timers) timer.cancel();
    host_->remove(unit.number);
    {
        const std::lock_guard lock{views_};
        snapshots_.erase(unit.index);
    }
    registry_.erase(unit.registryKey);
    {
        const std::unique_lock lock{roster_};  // from here on its name and its key are free
        units_.erase(unit.index);
    }
    const bool replaced = find(unit.configuration.name) != nullptr;
    if (store_ && !replaced) store_->forget(unit.configuration.name);
    log(unit.configuration.name, LogLevel::information, {}, "removed");
}

}  // namespace holdfast::inline v1::monitor
