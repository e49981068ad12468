// SPDX-License-Identifier: BSL-1.0
#include "property_check.hpp"

#include <holdfast/abi/expand.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/detail/secret_reference.hpp>

// Its own traits class on every system, so that a pattern means the same everywhere.
#define BOOST_REGEX_USE_CPP_LOCALE
#include <boost/regex.hpp>

#include <algorithm>
#include <locale>
#include <stdexcept>
#include <type_traits>

namespace holdfast::inline v1::detail {

// Boost's matcher keeps its state on the heap and gives up on explosive patterns; std::regex recurses on the stack.
class Matcher {
public:
    explicit Matcher(const std::string& expression) {
        expression_.imbue(std::locale::classic());  // whatever locale the host has set (W-1130)
        expression_.assign(expression, boost::regex::ECMAScript);
    }
    [[nodiscard]] bool matches(const std::string& text) const { return boost::regex_match(text, expression_); }

private:
    boost::regex expression_;
};

namespace {

/** Raises the error for one property, without the value of a secret. */
class Refusal {
public:
    Refusal(const PropertyDescription& description, std::string value)
        : description_{description}, value_{description.secret ? "its value" : std::move(value)} {}

    [[noreturn]] void operator()(std::string rule) const {
        throw PropertyError{description_.name, value_, std::move(rule)};
    }
    [[noreturn]] void required() const {
        throw PropertyError{description_.name, {}, "is required and must not be empty"};
    }

private:
    const PropertyDescription& description_;
    std::string value_;
};

std::string foundName(const PropertyValue& value) {
    if (value.format() != PropertyFormat::unknown) return formatName(value.format());
    const auto* raw = value.as<Bytes>();
    return fmt::format("a {} of {} bytes", registryTypeName(value.foreignType()), raw ? raw->size() : 0);
}

Integer integerOf(const PropertyValue& value) {
    return std::visit(
        [](const auto& data) -> Integer {
            if constexpr (std::is_integral_v<std::decay_t<decltype(data)>>) {
                return Integer{data};
            } else {
                return Integer{};
            }
        },
        value.data());
}

void checkInteger(const PropertyRule& rule, Integer value, const Refusal& refuse) {
    const auto* unit = rule.kind == Kind::duration ? " ms" : "";
    if (rule.kind == Kind::boolean && value > rule.highest) refuse("must be 0 or 1");
    if (value < rule.lowest || value > rule.highest) {
        refuse(fmt::format("is out of range: {}{} to {}{}", rule.lowest.text(), unit, rule.highest.text(), unit));
    }
    if (rule.kind == Kind::duration && value.magnitude % rule.step.magnitude != 0) {
        refuse(fmt::format("must be a multiple of {} ms", rule.step.text()));
    }
}

std::string joined(const Strings& texts) {
    std::string out;
    for (const auto& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

void checkText(const PropertyRule& rule, const Matcher* pattern, const std::string& text, const Refusal& refuse) {
    const auto& description = rule.description;
    if (text.find('\0') != std::string::npos) refuse("holds a NUL character");
    if (text.empty() && !description.required) return;
    if (!description.names.empty() &&
        std::find(description.names.begin(), description.names.end(), text) == description.names.end()) {
        refuse("must be one of: " + joined(description.names));
    }
    if (!pattern) return;
    bool matches = false;
    try {
        matches = pattern->matches(text);
    } catch (const std::runtime_error&) {
        refuse("is too complex for the pattern: " + description.pattern);
    }
    if (!matches) refuse("does not match the pattern: " + description.pattern);
}

void checkNative(const PropertyRule& rule, const Matcher* pattern, const Native& native, const Refusal& refuse) {
    const bool required = rule.description.required;
    if (const auto* integer = std::get_if<Integer>(&native)) {
        if (rule.kind != Kind::enumeration) checkInteger(rule, *integer, refuse);
    } else if (const auto* text = std::get_if<std::string>(&native)) {
        if (required && text->empty()) refuse.required();
        checkText(rule, pattern, *text, refuse);
    } else if (const auto* list = std::get_if<Strings>(&native)) {
        if (required && list->empty()) refuse.required();
        for (const auto& element : *list) {
            if (element.empty()) refuse("holds an empty text, which ends a MULTI_SZ");
            checkText(rule, pattern, element, refuse);
        }
    } else if (const auto* bytes = std::get_if<Bytes>(&native)) {
        if (required && bytes->empty()) refuse.required();
    }
}

Native toNative(const PropertyRule& rule, const PropertyValue& value, const Refusal& refuse) {
    if (rule.kind == Kind::enumeration) {
        const auto& text = *value.as<std::string>();
        for (const auto& name : rule.names) {
            if (abi::equalsIgnoringCase(name.text, text)) return name.value;
        }
        if (rule.description.required && text.empty()) refuse.required();
        refuse("must be one of: " + joined(rule.description.names));
    }
    if (const auto* text = value.as<std::string>()) {
        return rule.description.format == PropertyFormat::expandSz ? abi::expandEnvironment(*text) : *text;
    }
    if (const auto* list = value.as<Strings>()) return *list;
    if (const auto* bytes = value.as<Bytes>()) return *bytes;
    return integerOf(value);
}

PropertyValue toValue(PropertyFormat format, const Native& native) {
    const auto integer = [&] { return std::get<Integer>(native); };
    switch (format) {
        case PropertyFormat::dword: return PropertyValue::dword(integer().as<std::uint32_t>());
        case PropertyFormat::longInteger: return PropertyValue::longInteger(integer().as<std::int32_t>());
        case PropertyFormat::ulargeInteger: return PropertyValue::ulargeInteger(integer().as<std::uint64_t>());
        case PropertyFormat::largeInteger: return PropertyValue::largeInteger(integer().as<std::int64_t>());
        case PropertyFormat::sz: return PropertyValue::sz(std::get<std::string>(native));
        case PropertyFormat::expandSz: return PropertyValue::expandSz(std::get<std::string>(native));
        case PropertyFormat::multiSz: return PropertyValue::multiSz(std::get<Strings>(native));
        case PropertyFormat::binary: return PropertyValue::binary(std::get<Bytes>(native));
        default: return {};
    }
}

std::string defaultText(const PropertyRule& rule, const PropertyValue& value) {
    if (rule.kind == Kind::duration) return valueText(value) + " ms";
    if (rule.kind == Kind::boolean) return *value.as<std::uint32_t>() != 0 ? "true" : "false";
    if (const auto* text = value.as<std::string>()) return *text;
    if (const auto* list = value.as<Strings>()) return joined(*list);
    return valueText(value);
}

}  // namespace

std::shared_ptr<const Matcher> compilePattern(std::string_view property, const std::string& expression) {
    try {
        return std::make_shared<const Matcher>(expression);
    } catch (const std::exception& error) {
        authorError(property, fmt::format("its pattern is no regular expression: {}", error.what()));
    }
}

void setDefault(PropertyRule& rule, const Matcher* pattern) {
    auto& description = rule.description;
    // A required property has no default: nobody ever sees what Settings{} holds.
    if (description.required) return;
    auto native = rule.defaultValue;
    if (rule.kind == Kind::enumeration) {
        const auto found = std::find_if(rule.names.begin(), rule.names.end(),
                                        [&](const Name& name) { return name.value == std::get<Integer>(native); });
        if (found == rule.names.end()) authorError(description.name, "its default has no text in names()");
        native = found->text;
    }
    description.defaultValue = toValue(description.format, native);
    const auto text = defaultText(rule, description.defaultValue);
    try {
        if (rule.kind != Kind::enumeration)
            checkNative(rule, pattern, native, Refusal{description, valueText(description.defaultValue)});
    } catch (const PropertyError& error) {
        authorError(description.name, fmt::format("its own default is refused: {}", error.what()));
    }
    if (!description.secret) {
        description.defaultText = text;
    } else {
        description.defaultValue = {};
    }
}

std::optional<Native> checkedValue(const PropertyRule& rule, const Matcher* pattern, const PropertyValue* value) {
    const auto& description = rule.description;
    if (!value) {
        if (description.required) throw PropertyError{description.name, {}, "is required and not set"};
        return std::nullopt;
    }
    const Refusal refuse{description, valueText(*value)};
    // W-539: other tools edit the database too; what they left is named, not read as something else.
    if (value->format() != description.format) {
        throw PropertyError{description.name,
                            {},
                            fmt::format("expected {}, found {}", formatName(description.format), foundName(*value))};
    }
    auto native = toNative(rule, *value, refuse);
    if (auto* const text = std::get_if<std::string>(&native); text != nullptr && description.secret) {
        const SecretText secret = parseSecret(*text);
        if (secret.form != SecretForm::text) {
            // What it refers to is read, and checked, when the object is built.
            if (const auto problem = problemOfReference(secret); !problem.empty()) refuse(std::string{problem});
            return native;
        }
        *text = std::string{secret.rest};
    }
    checkNative(rule, pattern, native, refuse);
    return native;
}

}  // namespace holdfast::inline v1::detail
