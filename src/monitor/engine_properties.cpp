// SPDX-License-Identifier: BSL-1.0
// A resource's private properties while it runs: set by people, written by its agent, shown as far as the agent, which alone
// knows its secrets, shows them.
#include "monitor/engine.hpp"

#include "monitor/reason_text.hpp"

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/property_list.hpp>
#include <holdfast/abi/registry_value.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

namespace control = abi::control;

constexpr std::size_t firstCapacity = 4'096;
constexpr std::size_t largestAnswer = 1U << 20U;

void add(std::string& names, std::string_view name) {
    if (!names.empty()) names += ", ";
    names += name;
}

}  // namespace

// --- set by people ------------------------------------------------------------------------------------------------------

PropertyAnswer ResourceMonitor::Engine::refusalOf(Unit& unit, abi::Dword code) {
    PropertyAnswer refused{code, std::move(unit.controlLog)};
    if (code == abi::code::invalidState) refused.problems = {"its agent is not loaded now"};
    if (refused.problems.empty()) refused.problems = {"the agent refuses it: " + codeText(code)};
    return refused;
}

/** W-640: the agent validates and stores; where it leaves that to its engine, the monitor does both. */
void ResourceMonitor::Engine::changeProperties(Unit& unit, const std::vector<PropertySetting>& settings,
                                               const std::function<void(PropertyAnswer)>& answer) {
    auto encoded = encodeProperties(settings, unit.formats);
    if (!encoded.problems.empty()) {
        PropertyAnswer refused{abi::code::invalidParameter, {}};
        for (auto& problem : encoded.problems) refused.problems.push_back(std::move(problem.text));
        return answer(std::move(refused));
    }
    Unit::Control set;
    set.code = control::resourceSetPrivateProperties;
    set.input = abi::writePropertyList(encoded.bag, abi::ListUse::send);
    set.answer = [this, &unit, answer, settings, changes = std::move(encoded.bag)](abi::Dword code) {
        if (code == abi::code::invalidFunction) return storeItself(unit, settings, changes, answer);
        if (code != abi::code::success && code != abi::code::resourcePropertiesStored)
            return answer(refusalOf(unit, code));
        // What the agent stored came before its answer. It need not be what was asked: then it is remembered as it is.
        const PropertyBag stored = registry_.values(unit.registryKey + "\\Parameters");
        std::vector<PropertySetting> asAsked;
        for (const auto& setting : settings) {
            const auto* wanted = changes.find(setting.name);
            const auto* found = stored.find(setting.name);
            if (wanted == nullptr || found == nullptr || !sameStored(*wanted, *found)) continue;
            unit.properties.set(setting.name, *wanted);
            asAsked.push_back(setting);
        }
        rememberProperties(unit, asAsked);
        answer({code, {}});
    };
    queueControl(unit, std::move(set));
}

void ResourceMonitor::Engine::storeItself(Unit& unit, const std::vector<PropertySetting>& settings, PropertyBag changes,
                                          const std::function<void(PropertyAnswer)>& answer) {
    Unit::Control validate;
    validate.code = control::resourceValidatePrivateProperties;
    validate.input = abi::writePropertyList(changes, abi::ListUse::send);
    validate.answer = [this, &unit, answer, settings, changes = std::move(changes)](abi::Dword code) {
        if (code != abi::code::success && code != abi::code::invalidFunction) return answer(refusalOf(unit, code));
        for (const auto& [name, value] : changes) unit.properties.set(name, value);
        storeProperties(unit, changes);
        rememberProperties(unit, settings);
        const auto state = unit.machine.externalState();
        const bool works = state != abi::ResourceState::offline && state != abi::ResourceState::failed;
        answer({works ? abi::code::resourcePropertiesStored : abi::code::success, {}});
    };
    queueControl(unit, std::move(validate));
}

// --- written by the agent -----------------------------------------------------------------------------------------------

void ResourceMonitor::Engine::propertiesChanged(ResourceNumber resource, PropertyBag changes,
                                                StoreNumber after) noexcept {
    const auto target = unit(resource);
    if (!target) return;
    boost::asio::post(target->strand, [this, target, changes = std::move(changes), after] {
        if (!target->retired) takeChanges(*target, changes, after);
    });
}

/** As if people had set them: in the registry, for a host that comes later, and in the state, for a monitor that does. */
void ResourceMonitor::Engine::takeChanges(Unit& unit, const PropertyBag& changes, StoreNumber after) {
    PropertyBag news;
    for (const auto& [name, value] : changes) {
        // What the monitor stored since reaches the host after this was written, and takes its place there.
        const bool overtaken =
            std::any_of(unit.storedAt.begin(), unit.storedAt.end(), [&, &of = name](const auto& stored) {
                return stored.second > after && samePropertyName(stored.first, of);
            });
        if (!overtaken) news.set(name, value);
    }
    if (news.empty()) return;
    if (host_->hasOwnKeys()) registry_.set(unit.registryKey + "\\Parameters", news);
    std::string written;
    std::string ofTheFile;
    std::string lost;
    std::vector<PropertySetting> settings;
    for (const auto& [name, value] : news) {
        const auto* known = unit.properties.find(name);
        if (known != nullptr && sameStored(*known, value)) continue;
        add(written, name);
        if (value.absent()) {
            unit.properties.erase(name);
            if (forgetProperty(unit, name)) add(ofTheFile, name);
            continue;
        }
        const abi::RegistryValue raw = abi::toRegistry(value);
        const PropertyValue typed = abi::fromRegistry(raw.type, raw.data, formatOf(name, unit.formats));
        auto setting = settingOf(name, typed, unit.formats);
        if (!setting) {  // nor does a reload touch it, which knows only what a file can say
            add(lost, name);
            continue;
        }
        unit.properties.set(name, typed);
        settings.push_back(std::move(*setting));
    }
    if (written.empty()) return;
    rememberProperties(unit, settings);
    std::string text = "the agent wrote its properties: " + written;
    if (!ofTheFile.empty()) text += "; at the next start of the monitor the file sets again: " + ofTheFile;
    if (!lost.empty()) text += "; not kept beyond this run of the monitor, as no file can say it: " + lost;
    log(unit.configuration.name, LogLevel::information, {}, std::move(text));
}

// --- shown --------------------------------------------------------------------------------------------------------------

void ResourceMonitor::Engine::visibleProperties(std::string_view name, std::function<void(VisibleProperties)> answer) {
    const auto target = find(name);
    if (!target) return answer({});
    boost::asio::post(target->strand, [this, target, told = std::move(answer)] { askVisible(*target, told); });
}

/** A control code without input; `answer` finds its output in `unit.controlOutput`. */
void ResourceMonitor::Engine::ask(Unit& unit, abi::Dword code, std::size_t capacity,
                                  const std::function<void(abi::Dword)>& answer) {
    Unit::Control question;
    question.code = code;
    question.outputCapacity = capacity;
    question.answer = [this, &unit, code, capacity, answer](abi::Dword result) {
        if (result == abi::code::moreData && unit.controlNeeded > capacity && unit.controlNeeded <= largestAnswer)
            return ask(unit, code, unit.controlNeeded, answer);  // W-630
        answer(result);
    };
    queueControl(unit, std::move(question));
}

void ResourceMonitor::Engine::askVisible(Unit& unit, const std::function<void(VisibleProperties)>& answer) {
    const auto out = std::make_shared<VisibleProperties>();
    out->found = true;
    // What is stored, by its name: also what the agent does not list.
    const auto finish = [this, &unit, out, answer] {
        for (const auto& [name, value] : registry_.values(unit.registryKey + "\\Parameters")) {
            const auto shown = std::find_if(out->entries.begin(), out->entries.end(), [&of = name](const auto& entry) {
                return samePropertyName(entry.name, of);
            });
            if (shown != out->entries.end())
                shown->stored = true;
            else
                out->entries.push_back({name, {}, true, false});
        }
        answer(*out);
    };
    const auto take = [&unit, out](bool readOnly) {
        const auto list = abi::readPropertyList(unit.controlOutput.data(), unit.controlOutput.size(), largestAnswer);
        if (list.code != abi::code::success) return list.code;
        for (const auto& property : list.properties) {
            if (!property.values.empty())
                out->entries.push_back({property.name, property.values.front(), false, readOnly});
        }
        return list.code;
    };
    ask(unit, control::resourceGetPrivateProperties, firstCapacity, [this, &unit, out, take, finish](abi::Dword code) {
        out->code = code == abi::code::success ? take(false) : code;
        if (out->code != abi::code::success) return finish();
        // W-520: those that nobody can set are in a list of their own; an agent without it has none.
        ask(unit, control::resourceGetReadOnlyPrivateProperties, firstCapacity, [take, finish](abi::Dword answered) {
            if (answered == abi::code::success) static_cast<void>(take(true));
            finish();
        });
    });
}

}  // namespace holdfast::inline v1::monitor
