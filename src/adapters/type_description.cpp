// SPDX-License-Identifier: BSL-1.0

#include <holdfast/adapters/library_description.hpp>

#include <holdfast/abi/wide.hpp>
#include <holdfast/version.hpp>

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <type_traits>

namespace holdfast::inline v1::adapters {
namespace {

/** Just enough of JSON: the agent library brings no parser for what it only writes once. */
class JsonWriter {
public:
    void begin(char bracket) {
        separate();
        text_ += bracket;
        first_ = true;
    }
    void end(char bracket) {
        text_ += bracket;
        first_ = false;
    }
    void key(std::string_view name) {
        separate();
        quote(name);
        text_ += ':';
        first_ = true;
    }
    void text(std::string_view value) {
        separate();
        // An author's literal may hold any bytes; JSON is UTF-8.
        quote(abi::toUtf8(abi::toWide(value)));
    }
    void flag(bool value) {
        separate();
        text_ += value ? "true" : "false";
    }
    template <typename Number>
    void number(Number value) {
        separate();
        fmt::format_to(std::back_inserter(text_), "{}", value);
    }
    template <typename Value>
    void field(std::string_view name, const Value& value) {
        key(name);
        if constexpr (std::is_same_v<Value, bool>) {
            flag(value);
        } else if constexpr (std::is_integral_v<Value>) {
            number(value);
        } else {
            text(value);
        }
    }
    /** Left out if empty. */
    void optionalText(std::string_view name, std::string_view value) {
        if (!value.empty()) field(name, value);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    void separate() {
        if (!first_) text_ += ',';
        first_ = false;
    }
    void quote(std::string_view value) {
        text_ += '"';
        for (const char c : value) {
            const auto byte = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\') {
                text_ += '\\';
                text_ += c;
            } else if (byte < 0x20 || byte == 0x7F) {
                fmt::format_to(std::back_inserter(text_), "\\u{:04x}", byte);
            } else {
                text_ += c;
            }
        }
        text_ += '"';
    }

    std::string text_;
    bool first_{true};
};

void write(JsonWriter& json, const Strings& texts) {
    json.begin('[');
    for (const auto& text : texts) json.text(text);
    json.end(']');
}

void writeValue(JsonWriter& json, const PropertyValue& value) {
    std::visit(
        [&](const auto& data) {
            using Data = std::decay_t<decltype(data)>;
            if constexpr (std::is_same_v<Data, std::monostate>) {
                json.text({});
            } else if constexpr (std::is_same_v<Data, Strings>) {
                write(json, data);
            } else if constexpr (std::is_same_v<Data, Bytes>) {
                std::string hex;
                for (const auto byte : data)
                    fmt::format_to(std::back_inserter(hex), "{:02x}", std::to_integer<int>(byte));
                json.text(hex);
            } else if constexpr (std::is_same_v<Data, std::string>) {
                json.text(data);
            } else {
                json.number(data);
            }
        },
        value.data());
}

struct Bounds {
    std::string_view lowest;
    std::string_view highest;
};

/** The numbers of a range as the table words it: "0 ms to 3600000 ms", "-10 to 10". */
Bounds boundsOf(std::string_view range) {
    constexpr std::string_view between = " to ";
    const auto middle = range.find(between);
    if (middle == std::string_view::npos) return {};
    const auto number = [](std::string_view text) { return text.substr(0, text.find(' ')); };
    return {number(range.substr(0, middle)), number(range.substr(middle + between.size()))};
}

void writeProperty(JsonWriter& json, const PropertyDescription& property) {
    json.begin('{');
    json.field("name", std::string_view{property.name});
    json.optionalText("description", property.description);
    json.field("format", static_cast<std::uint32_t>(property.format));
    json.field("kind", std::string_view{property.kind});
    json.field("required", property.required);
    json.field("secret", property.secret);
    json.field("readOnly", property.readOnly);
    json.field("framework", property.framework);
    if (!property.secret && !property.defaultValue.absent()) {  // D15: what a secret is by default is a secret, too
        json.key("default");
        writeValue(json, property.defaultValue);
        json.optionalText("defaultText", property.defaultText);
    }
    json.optionalText("range", property.range);
    const auto bounds = boundsOf(property.range);
    json.optionalText("lowest", bounds.lowest);
    json.optionalText("highest", bounds.highest);
    json.optionalText("pattern", property.pattern);
    if (!property.names.empty()) {
        json.key("names");
        write(json, property.names);
    }
    json.end('}');
}

}  // namespace

std::string describeTypes(const AgentTypes& types) {
    JsonWriter json;
    json.begin('{');
    json.field("holdfast", std::string_view{version()});
    json.field("format", descriptionFormat);
    json.key("types");
    json.begin('[');
    for (const auto& type : types) {
        json.begin('{');
        json.field("name", std::string_view{type->name()});
        json.optionalText("description", type->description());
        json.field("adopts", type->adopts());
        json.field("residentHost", type->residentHost());
        json.key("properties");
        json.begin('[');
        for (const auto& property : type->properties()) writeProperty(json, property);
        json.end(']');
        json.end('}');
    }
    json.end(']');
    json.end('}');
    return json.take();
}

}  // namespace holdfast::inline v1::adapters
