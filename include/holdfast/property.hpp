// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The values an administrator sets on a resource, and the description of what may be set.

#include <holdfast/abi/host.hpp>
#include <holdfast/error.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace holdfast::inline v1 {

/** CLUSPROP_FORMAT_* (W-510). */
enum class PropertyFormat : std::uint16_t {
    unknown = 0,
    binary = 1,
    dword = 2,
    sz = 3,
    expandSz = 4,
    multiSz = 5,
    ulargeInteger = 6,
    longInteger = 7,
    expandedSz = 8,  ///< what the server made of an expandSz; output only (W-511)
    securityDescriptor = 9,
    largeInteger = 10,
    word = 11,
    fileTime = 12,
    valueList = 13,
    propertyList = 14,
    user = 32768,
};

/** "DWORD", "MULTI_SZ", ... as administrators know them; "format 99" for a number that has no name. */
[[nodiscard]] std::string formatName(PropertyFormat format);
/** The registry type in which values of `format` are stored; `none` if they never are. */
[[nodiscard]] abi::RegistryType registryTypeOf(PropertyFormat format) noexcept;
/** "REG_DWORD", ...; "registry type 99" for a number that has no name. */
[[nodiscard]] std::string registryTypeName(abi::RegistryType type);

using Bytes = std::vector<std::byte>;
using Strings = std::vector<std::string>;

/**
 * One value in one of the formats, or nothing ("absent"). Text is UTF-8 without a terminating NUL.
 *
 * @par Thread safety A value; distinct objects are independent.
 */
class PropertyValue {
public:
    using Data = std::variant<std::monostate, std::uint32_t, std::int32_t, std::uint64_t, std::int64_t, std::string,
                              Strings, Bytes>;

    PropertyValue() = default;

    [[nodiscard]] static PropertyValue dword(std::uint32_t value) { return {PropertyFormat::dword, value}; }
    [[nodiscard]] static PropertyValue longInteger(std::int32_t value) { return {PropertyFormat::longInteger, value}; }
    [[nodiscard]] static PropertyValue ulargeInteger(std::uint64_t value) {
        return {PropertyFormat::ulargeInteger, value};
    }
    [[nodiscard]] static PropertyValue largeInteger(std::int64_t value) {
        return {PropertyFormat::largeInteger, value};
    }
    [[nodiscard]] static PropertyValue word(std::uint16_t value) {
        return {PropertyFormat::word, std::uint32_t{value}};
    }
    [[nodiscard]] static PropertyValue fileTime(std::uint64_t value) { return {PropertyFormat::fileTime, value}; }
    [[nodiscard]] static PropertyValue sz(std::string value) { return {PropertyFormat::sz, std::move(value)}; }
    [[nodiscard]] static PropertyValue expandSz(std::string value) {
        return {PropertyFormat::expandSz, std::move(value)};
    }
    [[nodiscard]] static PropertyValue expandedSz(std::string value) {
        return {PropertyFormat::expandedSz, std::move(value)};
    }
    [[nodiscard]] static PropertyValue multiSz(Strings value) { return {PropertyFormat::multiSz, std::move(value)}; }
    [[nodiscard]] static PropertyValue binary(Bytes value) { return {PropertyFormat::binary, std::move(value)}; }
    [[nodiscard]] static PropertyValue securityDescriptor(Bytes value) {
        return {PropertyFormat::securityDescriptor, std::move(value)};
    }
    /** Nested lists and vendors' own formats (W-510) keep their bytes; a nested list that was read is well-formed. */
    [[nodiscard]] static PropertyValue valueList(Bytes entries) {
        return {PropertyFormat::valueList, std::move(entries)};
    }
    [[nodiscard]] static PropertyValue propertyList(Bytes list) {
        return {PropertyFormat::propertyList, std::move(list)};
    }
    /** `format` is PropertyFormat::user or above. */
    [[nodiscard]] static PropertyValue user(PropertyFormat format, Bytes value) { return {format, std::move(value)}; }
    /** What was found under a registry type, or with a size, that no format has: kept so that a message can name it (W-539). */
    [[nodiscard]] static PropertyValue foreign(abi::RegistryType type, Bytes raw) {
        PropertyValue value{PropertyFormat::unknown, std::move(raw)};
        value.foreignType_ = type;
        return value;
    }

    [[nodiscard]] bool absent() const noexcept { return std::holds_alternative<std::monostate>(data_); }
    [[nodiscard]] PropertyFormat format() const noexcept { return format_; }
    [[nodiscard]] const Data& data() const noexcept { return data_; }
    /** Only of a foreign value. */
    [[nodiscard]] abi::RegistryType foreignType() const noexcept { return foreignType_; }

    /** The value as `Type`, or null if it holds another. */
    template <typename Type>
    [[nodiscard]] const Type* as() const noexcept {
        return std::get_if<Type>(&data_);
    }

    friend bool operator==(const PropertyValue&, const PropertyValue&) = default;

private:
    // In place: GCC 12 takes a moved variant's other alternatives for uninitialised ones, and warns.
    template <typename Type>
    PropertyValue(PropertyFormat format, Type value)
        : format_{format}, data_{std::in_place_type<Type>, std::move(value)} {}

    PropertyFormat format_{PropertyFormat::unknown};
    abi::RegistryType foreignType_{abi::RegistryType::none};
    Data data_;
};

/** The value for a message: `8080`, `"text"`, `["a", "b"]`, `5 bytes`; long text is cut. */
[[nodiscard]] std::string valueText(const PropertyValue& value);

/** Whether two property names are one (W-509): case-insensitive over the full string. */
[[nodiscard]] bool samePropertyName(std::string_view left, std::string_view right) noexcept;

/**
 * Values by name, in the order they were set; names compare case-insensitively (W-509). A bag may hold properties that
 * no table knows: those are kept.
 *
 * @par Thread safety A value; distinct objects are independent.
 */
class PropertyBag {
public:
    using Entry = std::pair<std::string, PropertyValue>;

    PropertyBag() = default;
    PropertyBag(std::initializer_list<Entry> entries) {
        for (const auto& entry : entries) set(entry.first, entry.second);
    }

    /** Adds or replaces; the spelling of the name that came first stays. */
    void set(std::string_view name, PropertyValue value);
    bool erase(std::string_view name) noexcept;
    /** Null if the name is not there or its value is absent. */
    [[nodiscard]] const PropertyValue* find(std::string_view name) const noexcept;
    [[nodiscard]] bool contains(std::string_view name) const noexcept { return find(name) != nullptr; }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
    [[nodiscard]] auto end() const noexcept { return entries_.end(); }

    friend bool operator==(const PropertyBag&, const PropertyBag&) = default;

private:
    std::vector<Entry> entries_;
};

/** What tools and engines may know of one property. */
struct PropertyDescription {
    std::string name;
    std::string description;
    PropertyFormat format{PropertyFormat::unknown};
    abi::RegistryType registryType{abi::RegistryType::none};
    std::string kind;  ///< "string", "path", "bool", "integer", "duration ms", "enum", "list", "binary"
    bool required{false};
    bool secret{false};     ///< never logged, listed or returned
    bool readOnly{false};   ///< people cannot set it (W-520)
    bool framework{false};  ///< holdfast's own (CheckInterval, ...), not the author's
    PropertyValue defaultValue;
    std::string defaultText;  ///< empty for a secret
    std::string range;        ///< "0 ms to 3600000 ms"; empty if the format is the only limit
    std::string pattern;      ///< ECMAScript regular expression for the whole text; empty if none
    Strings names;            ///< the texts allowed; empty if any is
};

/**
 * A property that is missing, malformed or against its rule.
 *
 * The message names the property, the value (never a secret's) and the rule:
 * `property "BusyTimeout": 7200000 is out of range: 0 ms to 3600000 ms`.
 */
class PropertyError : public Error {
public:
    /** `value` may be empty (missing, or a secret); `rule` completes the sentence "<value> ...". */
    PropertyError(std::string property, std::string value, std::string rule);

    [[nodiscard]] const std::string& property() const noexcept { return property_; }
    [[nodiscard]] const std::string& value() const noexcept { return value_; }
    [[nodiscard]] const std::string& rule() const noexcept { return rule_; }

private:
    std::string property_;
    std::string value_;
    std::string rule_;
};

}  // namespace holdfast::inline v1
