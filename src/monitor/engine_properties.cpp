// SPDX-License-Identifier: BSL-1.0
// What may be shown of a resource's private properties: the agent decides, it alone knows its secrets.
#include "monitor/engine.hpp"

#include <holdfast/abi/property_list.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr abi::Dword getPrivateProperties = 0x0100'0081;  // CLUSCTL_RESOURCE_GET_PRIVATE_PROPERTIES
constexpr std::size_t firstCapacity = 4'096;
constexpr std::size_t largestAnswer = 1U << 20U;

}  // namespace

void ResourceMonitor::Engine::visibleProperties(std::string_view name, std::function<void(VisibleProperties)> answer) {
    const auto target = find(name);
    if (!target) return answer({});
    boost::asio::post(target->strand,
                      [this, target, told = std::move(answer)] { askVisible(*target, firstCapacity, told); });
}

void ResourceMonitor::Engine::askVisible(Unit& unit, std::size_t capacity,
                                         const std::function<void(VisibleProperties)>& answer) {
    Unit::Control control;
    control.code = getPrivateProperties;
    control.outputCapacity = capacity;
    control.answer = [this, &unit, capacity, answer](abi::Dword code) {
        if (code == abi::code::moreData && unit.controlNeeded > capacity && unit.controlNeeded <= largestAnswer) {
            return askVisible(unit, unit.controlNeeded, answer);  // W-630
        }
        answer(visibleOf(unit, code));
    };
    queueControl(unit, std::move(control));
}

VisibleProperties ResourceMonitor::Engine::visibleOf(const Unit& unit, abi::Dword code) const {
    VisibleProperties out;
    out.found = true;
    out.code = code;
    const PropertyBag stored = registry_.values(fmt::format("Resources\\{}\\Parameters", unit.configuration.name));
    PropertyBag shown;
    if (code == abi::code::success) {
        const auto list = abi::readPropertyList(unit.controlOutput.data(), unit.controlOutput.size(), largestAnswer);
        out.code = list.code;
        for (const auto& property : list.properties) {
            if (list.code != abi::code::success || property.values.empty()) continue;
            shown.set(property.name, property.values.front());
            out.entries.push_back({property.name, property.values.front(), stored.contains(property.name)});
        }
    }
    for (const auto& [name, value] : stored) {
        if (!shown.contains(name)) out.entries.push_back({name, {}, true});
    }
    return out;
}

}  // namespace holdfast::inline v1::monitor
