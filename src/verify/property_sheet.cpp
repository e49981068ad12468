// SPDX-License-Identifier: BSL-1.0
#include "verify/property_sheet.hpp"

#include "verify/malformed_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <span>

namespace holdfast::inline v1::verify {

using abi::Dword;
namespace control = abi::control;
namespace code = abi::code;

ListBytes listOf(const std::string& name, const PropertyValue& value) {
    const abi::ListedProperty one{name, {value}};
    return abi::writePropertyList(std::span{&one, 1});
}

ListBytes PropertySheet::Change::list() const { return listOf(name, after); }
ListBytes PropertySheet::Change::back() const { return listOf(name, before); }
std::string PropertySheet::Change::text() const {
    return fmt::format("property \"{}\" ({})", name, formatName(after.format()));
}

bool PropertySheet::ready(const std::vector<std::string_view>& rules) {
    const auto all = [&](auto tell) {
        for (const auto rule : rules) tell(rule);
        return false;
    };
    if (!stage_.hasResourceControl())
        return all([&](auto rule) { stage_.isNotFor(rule, "it has no ResourceControl (W-025)"); });
    const ListBytes nothing(4);
    if (set(nothing) == code::invalidFunction)
        return all([&](auto rule) {
            stage_.isNotFor(rule, "it does not handle SET_PRIVATE_PROPERTIES, see control.validated");
        });
    validates_ = validate(nothing) != code::invalidFunction;
    if (!read())
        return all([&](auto rule) {
            stage_.leavesOpen(rule,
                              "GET_PRIVATE_PROPERTIES gives no list to work with, see control.required and "
                              "property.list");
        });
    return true;
}

std::optional<std::vector<abi::ListedProperty>> PropertySheet::read() {
    const auto answer = resource_.ask(control::resourceGetPrivateProperties);
    if (answer.code != code::success) return std::nullopt;
    auto list = abi::readPropertyList(answer.out.data(), answer.out.size(), answer.out.size());
    if (list.code != code::success) return std::nullopt;
    for (auto& property : list.properties) property.values.erase(property.values.begin() + 1, property.values.end());
    return std::move(list.properties);
}

std::optional<PropertyValue> PropertySheet::shown(std::string_view name) {
    const auto properties = read();
    if (!properties) return std::nullopt;
    for (const auto& property : *properties) {
        if (samePropertyName(property.name, name)) return property.values.front();
    }
    return std::nullopt;
}

PropertySheet::State PropertySheet::state() {
    State now{stage_.stored(subject_.name()), {}};
    if (const auto properties = read()) {
        for (const auto& property : *properties) now.shown.emplace_back(property.name, property.values.front());
    }
    return now;
}

std::vector<abi::ListedProperty> PropertySheet::settable() {
    std::vector<abi::ListedProperty> good;
    std::set<PropertyFormat> formats;
    for (auto& property : read().value_or(std::vector<abi::ListedProperty>{})) {
        const auto format = property.values.front().format();
        if (formats.contains(format) || !wasTaken(check(listOf(property.name, property.values.front())))) continue;
        formats.insert(format);
        good.push_back(std::move(property));
    }
    return good;
}

std::vector<PropertySheet::Change> PropertySheet::changes(std::size_t most) {
    std::vector<Change> found;
    std::set<PropertyFormat> formats;
    for (const auto& property : read().value_or(std::vector<abi::ListedProperty>{})) {
        const auto& value = property.values.front();
        if (found.size() == most) break;
        if (formats.contains(value.format())) continue;
        for (auto& other : neighbours(value)) {
            Change change{property.name, value, other};
            if (!wasTaken(check(change.list()))) continue;
            if (!validates_ && !wasTaken(set(change.back()))) continue;
            formats.insert(value.format());
            found.push_back(std::move(change));
            break;
        }
    }
    return found;
}

}  // namespace holdfast::inline v1::verify
