// SPDX-License-Identifier: BSL-1.0
#include "cli/described_library.hpp"

#include <holdfast/adapters/library_description.hpp>

#include <boost/json.hpp>

#include <stdexcept>

namespace holdfast::inline v1::cli {
namespace {

namespace json = boost::json;

std::string text(const json::object& object, std::string_view key) {
    const auto* const value = object.if_contains(key);
    return value == nullptr ? std::string{} : std::string{value->as_string()};
}

bool flag(const json::object& object, std::string_view key) {
    const auto* const value = object.if_contains(key);
    return value != nullptr && value->as_bool();
}

/** Bytes stay absent: nobody writes them as text. */
PropertyValue readValue(PropertyFormat format, const json::value& value) {
    switch (format) {
        case PropertyFormat::sz: return PropertyValue::sz(json::value_to<std::string>(value));
        case PropertyFormat::expandSz: return PropertyValue::expandSz(json::value_to<std::string>(value));
        case PropertyFormat::multiSz: return PropertyValue::multiSz(json::value_to<Strings>(value));
        case PropertyFormat::dword: return PropertyValue::dword(json::value_to<std::uint32_t>(value));
        case PropertyFormat::longInteger: return PropertyValue::longInteger(json::value_to<std::int32_t>(value));
        case PropertyFormat::ulargeInteger: return PropertyValue::ulargeInteger(json::value_to<std::uint64_t>(value));
        case PropertyFormat::largeInteger: return PropertyValue::largeInteger(json::value_to<std::int64_t>(value));
        default: return {};
    }
}

DescribedProperty readProperty(const json::object& object) {
    DescribedProperty property;
    property.name = text(object, "name");
    property.description = text(object, "description");
    property.format = static_cast<PropertyFormat>(json::value_to<std::uint16_t>(object.at("format")));
    property.kind = text(object, "kind");
    property.required = flag(object, "required");
    property.secret = flag(object, "secret");
    property.readOnly = flag(object, "readOnly");
    property.framework = flag(object, "framework");
    if (const auto* const value = object.if_contains("default")) {
        property.defaultValue = readValue(property.format, *value);
        property.defaultText = text(object, "defaultText");
    }
    property.range = text(object, "range");
    property.lowest = text(object, "lowest");
    property.highest = text(object, "highest");
    property.pattern = text(object, "pattern");
    if (const auto* const names = object.if_contains("names")) property.names = json::value_to<Strings>(*names);
    return property;
}

json::object write(const DescribedProperty& property) {
    json::object out{{"name", property.name},         {"format", formatName(property.format)},
                     {"required", property.required}, {"secret", property.secret},
                     {"readOnly", property.readOnly}, {"framework", property.framework}};
    const auto optional = [&](const char* key, const std::string& value) {
        if (!value.empty()) out[key] = value;
    };
    optional("kind", property.kind);
    optional("description", property.description);
    if (property.defaultText) out["default"] = *property.defaultText;
    optional("range", property.range);
    optional("lowest", property.lowest);
    optional("highest", property.highest);
    optional("pattern", property.pattern);
    if (!property.names.empty()) out["names"] = json::value_from(property.names);
    return out;
}

json::object write(const DescribedType& type) {
    json::object out{{"name", type.name},
                     {"description", type.description},
                     {"adopts", type.adopts},
                     {"residentHost", type.residentHost}};
    if (type.resourceClass) out["class"] = *type.resourceClass;
    if (type.characteristics) out["characteristics"] = *type.characteristics;
    json::array needs;
    for (const auto& dependency : type.dependencies) {
        needs.push_back(dependency.type.empty() ? json::object{{"class", dependency.resourceClass}}
                                                : json::object{{"type", dependency.type}});
    }
    out["requiredDependencies"] = std::move(needs);
    json::array properties;
    for (const auto& property : type.properties) properties.push_back(write(property));
    out["properties"] = std::move(properties);
    return out;
}

}  // namespace

DescribedLibrary readDescription(std::string_view document) try {
    const auto parsed = json::parse(document);
    const auto& object = parsed.as_object();
    if (const auto form = json::value_to<int>(object.at("format")); form != adapters::descriptionFormat) {
        throw std::runtime_error{"its description has form " + std::to_string(form) + ", this program reads form " +
                                 std::to_string(adapters::descriptionFormat) + "; use the program it was built with"};
    }
    DescribedLibrary library;
    library.holdfast = text(object, "holdfast");
    for (const auto& entry : object.at("types").as_array()) {
        const auto& described = entry.as_object();
        DescribedType type;
        type.name = text(described, "name");
        type.description = text(described, "description");
        type.adopts = flag(described, "adopts");
        type.residentHost = !described.contains("residentHost") || flag(described, "residentHost");
        for (const auto& property : described.at("properties").as_array()) {
            type.properties.push_back(readProperty(property.as_object()));
        }
        library.types.push_back(std::move(type));
    }
    return library;
} catch (const boost::system::system_error& error) {
    throw std::runtime_error{std::string{"its description is malformed: "} + error.what()};
} catch (const std::logic_error& error) {  // Boost.JSON 1.81 throws these for a missing key
    throw std::runtime_error{std::string{"its description is malformed: "} + error.what()};
}

std::string describeAsJson(const DescribedLibrary& library) {
    json::object out{{"file", library.file.filename().string()}};
    if (!library.holdfast.empty()) out["holdfast"] = library.holdfast;
    json::array types;
    for (const auto& type : library.types) types.push_back(write(type));
    out["types"] = std::move(types);
    out["notes"] = json::value_from(library.notes);
    return json::serialize(out) + '\n';
}

}  // namespace holdfast::inline v1::cli
