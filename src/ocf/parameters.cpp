// SPDX-License-Identifier: BSL-1.0

#include "parameters.hpp"

#include <holdfast/abi/expand.hpp>
#include <holdfast/process.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace holdfast::inline v1::ocf {
namespace {

[[noreturn]] void refuse(const PropertyDescription& property, const std::string& text, const std::string& rule) {
    throw PropertyError{property.name, property.secret ? std::string{} : "\"" + text + "\"", rule};
}

bool toBool(const PropertyDescription& property, const std::string& text) {
    for (const std::string_view word : {"true", "yes", "on", "1"}) {
        if (samePropertyName(text, word)) return true;
    }
    for (const std::string_view word : {"false", "no", "off", "0"}) {
        if (samePropertyName(text, word)) return false;
    }
    refuse(property, text, "is neither true nor false");
}

/** A duration's number is in milliseconds unless it has a unit. */
std::int64_t unitOf(const PropertyDescription& property, std::string_view unit, const std::string& text) {
    struct Unit {
        std::string_view name;
        std::int64_t factor;
    };
    constexpr std::array<Unit, 8> units{{{"ms", 1},
                                         {"msec", 1},
                                         {"s", 1'000},
                                         {"sec", 1'000},
                                         {"m", 60'000},
                                         {"min", 60'000},
                                         {"h", 3'600'000},
                                         {"hr", 3'600'000}}};
    for (const auto& known : units) {
        if (unit == known.name) return known.factor;
    }
    refuse(property, text, "is no duration: a whole number of milliseconds, or one with the unit ms, s, min or h");
}

template <typename Number>
Number toNumber(const PropertyDescription& property, const std::string& text) {
    Number value{};
    const char* const begin = text.data();
    const char* const end = begin + text.size();
    const auto [stop, error] = std::from_chars(begin, end, value);
    if (error == std::errc::result_out_of_range)
        refuse(property, text, "is too large for " + formatName(property.format));
    if (error != std::errc{} || stop == begin) refuse(property, text, "is no whole number");
    if (stop == end) return value;
    if (property.kind != "duration ms") refuse(property, text, "is no whole number");
    const auto factor = unitOf(property, std::string_view{stop, static_cast<std::size_t>(end - stop)}, text);
    if constexpr (std::numeric_limits<Number>::max() < std::numeric_limits<std::int64_t>::max()) {
        const std::int64_t product = static_cast<std::int64_t>(value) * factor;
        if (product > static_cast<std::int64_t>(std::numeric_limits<Number>::max())) {
            refuse(property, text, "is too large for " + formatName(property.format));
        }
        return static_cast<Number>(product);
    } else {
        refuse(property, text, "is no whole number");
    }
}

PropertyValue toValue(const PropertyDescription& property, const std::string& text) {
    switch (property.format) {
        case PropertyFormat::sz: return PropertyValue::sz(text);
        case PropertyFormat::expandSz: return PropertyValue::expandSz(abi::expandEnvironment(text));
        case PropertyFormat::multiSz: try { return PropertyValue::multiSz(splitCommandLine(text));
            } catch (const Error& error) {
                refuse(property, text, std::string{"is no list of words: "} + error.what());
            }
        case PropertyFormat::dword:
            if (property.kind == "bool") return PropertyValue::dword(toBool(property, text) ? 1 : 0);
            return PropertyValue::dword(toNumber<std::uint32_t>(property, text));
        case PropertyFormat::longInteger: return PropertyValue::longInteger(toNumber<std::int32_t>(property, text));
        case PropertyFormat::ulargeInteger:
            return PropertyValue::ulargeInteger(toNumber<std::uint64_t>(property, text));
        case PropertyFormat::largeInteger: return PropertyValue::largeInteger(toNumber<std::int64_t>(property, text));
        default: refuse(property, text, "cannot be set here: it is of the format " + formatName(property.format));
    }
}

}  // namespace

ReadParameters readParameters(const AgentType& type, const Parameters& parameters) {
    ReadParameters result;
    for (const auto& [name, text] : parameters) {
        if (name == instantFailureName) {
            if (text == "monitor") {
                result.instantFailure = InstantFailure::monitor;
            } else if (text == "notify") {
                result.instantFailure = InstantFailure::notify;
            } else if (text == "off") {
                result.instantFailure = InstantFailure::off;
            } else {
                throw PropertyError{name, "\"" + text + "\"", "is not allowed; use one of: monitor, notify, off"};
            }
            continue;
        }
        const PropertyDescription* found = nullptr;
        const PropertyDescription* similar = nullptr;
        for (const auto& property : type.properties()) {
            if (property.name == name) found = &property;
            if (samePropertyName(property.name, name)) similar = &property;
        }
        if (found != nullptr && found->readOnly) {
            throw PropertyError{name, {}, "is read-only; people cannot set it"};
        }
        if (found != nullptr) {
            result.values.set(name, toValue(*found, text));
        } else if (similar != nullptr) {
            // L-021: here case counts. What looks set and is not would be worse than a refusal.
            throw PropertyError{name, {}, "is not known; did you mean \"" + similar->name + "\"?"};
        } else {
            result.warnings.push_back("parameter \"" + name + "\" is not known and has no effect");
        }
    }
    return result;
}

}  // namespace holdfast::inline v1::ocf
