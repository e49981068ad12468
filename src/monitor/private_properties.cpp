// SPDX-License-Identifier: BSL-1.0
#include "monitor/private_properties.hpp"

#include <holdfast/abi/property_list.hpp>
#include <holdfast/abi/registry_value.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <charconv>
#include <limits>

namespace holdfast::inline v1::monitor {

namespace {

/** A value in the format, or why it has none. */
struct Converted {
    PropertyValue value;
    std::string problem;
};

std::string_view kindOf(const SettingValue& value) {
    static constexpr std::string_view names[] = {"a boolean", "an integer", "a number with a fraction", "a string",
                                                 "an array"};
    return names[value.index()];
}

Converted wrongKind(const SettingValue& value, std::string_view wanted) {
    return {{}, fmt::format("must be {}, not {}", wanted, kindOf(value))};
}

/** An integer in [minimum, maximum]; booleans are 0 and 1, and a string with a unit is a time in milliseconds. */
std::optional<std::int64_t> integer(const SettingValue& value, std::int64_t minimum, std::int64_t maximum,
                                    std::string& problem) {
    std::int64_t number = 0;
    if (const auto* plain = std::get_if<std::int64_t>(&value)) {
        number = *plain;
    } else if (const auto* flag = std::get_if<bool>(&value)) {
        number = *flag ? 1 : 0;
    } else if (const auto* text = std::get_if<std::string>(&value)) {
        number = parseDuration(*text);
        if (number < 0) {
            problem = "must be an integer, a boolean or a time such as \"5s\" or \"250 ms\"; this string is none";
            return std::nullopt;
        }
    } else {
        problem = fmt::format("must be an integer, a boolean or a time, not {}", kindOf(value));
        return std::nullopt;
    }
    if (number < minimum || number > maximum) {
        problem = fmt::format("is out of range: {} to {}", minimum, maximum);
        return std::nullopt;
    }
    return number;
}

Bytes fromHex(const std::string& text, bool& good) {
    Bytes bytes;
    int high = -1;
    good = true;
    for (const char c : text) {
        if (c == ' ') continue;
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) good = false;
        if (high < 0) {
            high = digit;
        } else {
            bytes.push_back(static_cast<std::byte>(high * 16 + digit));
            high = -1;
        }
    }
    good = good && high < 0;
    return bytes;
}

Converted convert(const SettingValue& value, PropertyFormat format) {
    std::string problem;
    const auto whole = [&](std::int64_t minimum, std::int64_t maximum) {
        return integer(value, minimum, maximum, problem);
    };
    const auto* text = std::get_if<std::string>(&value);
    switch (format) {
        case PropertyFormat::dword:
            if (const auto n = whole(0, 0xFFFF'FFFF)) return {PropertyValue::dword(static_cast<std::uint32_t>(*n)), {}};
            return {{}, problem};
        case PropertyFormat::word:
            if (const auto n = whole(0, 0xFFFF)) return {PropertyValue::word(static_cast<std::uint16_t>(*n)), {}};
            return {{}, problem};
        case PropertyFormat::longInteger:
            if (const auto n =
                    whole(std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max())) {
                return {PropertyValue::longInteger(static_cast<std::int32_t>(*n)), {}};
            }
            return {{}, problem};
        case PropertyFormat::ulargeInteger:
        case PropertyFormat::fileTime:
            if (const auto n = whole(0, std::numeric_limits<std::int64_t>::max())) {
                const auto u = static_cast<std::uint64_t>(*n);
                return {
                    format == PropertyFormat::fileTime ? PropertyValue::fileTime(u) : PropertyValue::ulargeInteger(u),
                    {}};
            }
            return {{}, problem};
        case PropertyFormat::largeInteger:
            if (const auto n =
                    whole(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max())) {
                return {PropertyValue::largeInteger(*n), {}};
            }
            return {{}, problem};
        case PropertyFormat::sz:
            if (text != nullptr) return {PropertyValue::sz(*text), {}};
            return wrongKind(value, "a string");
        case PropertyFormat::expandSz:
            if (text != nullptr) return {PropertyValue::expandSz(*text), {}};
            return wrongKind(value, "a string");
        case PropertyFormat::multiSz:
            if (text != nullptr) return {PropertyValue::multiSz({*text}), {}};
            if (const auto* list = std::get_if<std::vector<std::string>>(&value))
                return {PropertyValue::multiSz(*list), {}};
            return wrongKind(value, "an array of strings");
        case PropertyFormat::binary: {
            if (text == nullptr) return wrongKind(value, "a string of hexadecimal digits");
            bool good = false;
            Bytes bytes = fromHex(*text, good);
            if (!good) return {{}, "must be a string of hexadecimal digits, two for each byte"};
            return {PropertyValue::binary(std::move(bytes)), {}};
        }
        default: return {{}, fmt::format("has the format {}, which a file cannot give", formatName(format))};
    }
}

bool isWhole(const std::string& text, std::int64_t& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

/** What a person typed, as the file would have spelt it for that format. */
SettingValue spelt(const std::string& text, PropertyFormat format) {
    std::int64_t number = 0;
    switch (format) {
        case PropertyFormat::sz:
        case PropertyFormat::expandSz:
        case PropertyFormat::binary: return text;
        case PropertyFormat::multiSz: {
            if (!text.starts_with('[')) return text;
            boost::system::error_code error;
            const auto list = boost::json::parse(text, error);
            std::vector<std::string> items;
            if (error || !list.is_array()) return text;
            for (const auto& item : list.get_array()) {
                if (!item.is_string()) return text;
                items.emplace_back(item.get_string());
            }
            return items;
        }
        default: break;
    }
    if (text == "true" || text == "false") return text == "true";
    if (isWhole(text, number)) return number;
    return text;  // a time with its unit, or wrong
}

/** As a file spells it; whether its format is the one that is meant shows when it is read again. */
std::optional<SettingValue> spellingOf(const PropertyValue& value) {
    if (const auto* text = value.as<std::string>()) return *text;
    if (const auto* list = value.as<Strings>()) return *list;
    if (const auto* number = value.as<std::uint32_t>()) return std::int64_t{*number};
    if (const auto* number = value.as<std::int32_t>()) return std::int64_t{*number};
    if (const auto* number = value.as<std::int64_t>()) return *number;
    if (const auto* number = value.as<std::uint64_t>()) {
        if (*number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
        return static_cast<std::int64_t>(*number);
    }
    if (const auto* bytes = value.as<Bytes>()) {
        std::string hex;
        for (const auto byte : *bytes) hex += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
        return hex;
    }
    return std::nullopt;
}

PropertyFormat natural(const SettingValue& value) {
    if (std::holds_alternative<std::string>(value)) return PropertyFormat::sz;
    if (std::holds_alternative<std::vector<std::string>>(value)) return PropertyFormat::multiSz;
    return PropertyFormat::dword;
}

}  // namespace

std::optional<PropertyFormats> readFormats(const std::vector<abi::Byte>& list) {
    const auto read = abi::readPropertyList(list.data(), list.size());
    if (read.code != abi::code::success) return std::nullopt;
    PropertyFormats formats;
    for (const auto& property : read.properties) {
        if (property.values.empty()) return std::nullopt;
        const auto* number = property.values.front().as<std::uint32_t>();
        if (property.values.front().format() != PropertyFormat::word || number == nullptr) return std::nullopt;
        formats.emplace_back(property.name, static_cast<PropertyFormat>(*number));
    }
    return formats;
}

EncodedProperties encodeProperties(const std::vector<PropertySetting>& settings,
                                   const std::optional<PropertyFormats>& formats) {
    EncodedProperties out;
    for (const PropertySetting& setting : settings) {
        const auto refuse = [&](const std::string& text) { out.problems.push_back({setting.where, text}); };
        const auto* typed = setting.typed ? std::get_if<std::string>(&setting.value) : nullptr;
        SettingValue wanted = typed != nullptr ? spelt(*typed, PropertyFormat::unknown) : setting.value;
        PropertyFormat format = natural(wanted);
        std::string name = setting.name;
        if (formats) {
            const std::pair<std::string, PropertyFormat>* known = nullptr;
            for (const auto& candidate : *formats) {
                if (samePropertyName(candidate.first, setting.name)) known = &candidate;
            }
            if (known == nullptr) {
                std::vector<std::string_view> names;
                for (const auto& candidate : *formats) names.push_back(candidate.first);
                const auto near = suggestion(setting.name, names);
                refuse(fmt::format("the agent has no property '{}'{}", setting.name,
                                   near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
                continue;
            }
            format = known->second;
            name = known->first;
            if (typed != nullptr) wanted = spelt(*typed, format);
        }
        auto converted = convert(wanted, format);
        if (!converted.problem.empty()) {
            refuse(fmt::format("property '{}' {}", setting.name, converted.problem));
            continue;
        }
        if (out.bag.contains(name)) {
            refuse(fmt::format("property '{}' is set twice: names differ in case only", setting.name));
            continue;
        }
        out.bag.set(name, std::move(converted.value));
    }
    return out;
}

PropertyFormat formatOf(std::string_view name, const std::optional<PropertyFormats>& formats) {
    if (formats) {
        for (const auto& [known, format] : *formats) {
            if (samePropertyName(known, name)) return format;
        }
    }
    return PropertyFormat::unknown;
}

bool sameStored(const PropertyValue& left, const PropertyValue& right) {
    if (left.absent() || right.absent()) return left.absent() == right.absent();
    const abi::RegistryValue a = abi::toRegistry(left);
    const abi::RegistryValue b = abi::toRegistry(right);
    return a.type == b.type && a.data == b.data;
}

std::optional<PropertySetting> settingOf(const std::string& name, const PropertyValue& value,
                                         const std::optional<PropertyFormats>& formats) {
    auto spelling = spellingOf(value);
    if (!spelling) return std::nullopt;
    PropertySetting setting{name, std::move(*spelling), {}};
    const auto read = encodeProperties({setting}, formats);
    const auto* again = read.problems.empty() ? read.bag.find(name) : nullptr;
    if (again == nullptr || !sameStored(*again, value)) return std::nullopt;
    return setting;
}

PropertyBag effectiveProperties(const PropertyBag& own, const PropertyBag& ofType) {
    PropertyBag all = own;
    for (const auto& [name, value] : ofType) {
        if (!own.contains(name)) all.set(name, value);
    }
    return all;
}

}  // namespace holdfast::inline v1::monitor
