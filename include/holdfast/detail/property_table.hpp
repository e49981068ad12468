// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What ResourceType's templates compile down to: rules with the C++ types erased, checked in one compiled place.

#include <holdfast/control.hpp>
#include <holdfast/core/policy.hpp>
#include <holdfast/property.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::inline v1::detail {

/** Any value of any integer type up to 64 bits, so that one comparison serves them all. */
struct Integer {
    std::uint64_t magnitude{0};
    bool negative{false};

    constexpr Integer() = default;
    template <std::integral Type>
    constexpr Integer(Type value) noexcept
        : magnitude{value < Type{} ? std::uint64_t{0} - static_cast<std::uint64_t>(value)
                                   : static_cast<std::uint64_t>(value)},
          negative{value < Type{}} {}

    friend constexpr bool operator==(const Integer&, const Integer&) = default;
    friend constexpr std::strong_ordering operator<=>(const Integer& left, const Integer& right) noexcept {
        if (left.negative != right.negative)
            return left.negative ? std::strong_ordering::less : std::strong_ordering::greater;
        return left.negative ? right.magnitude <=> left.magnitude : left.magnitude <=> right.magnitude;
    }

    /** Exact only if the value was checked to fit. */
    template <std::integral Type>
    [[nodiscard]] constexpr Type as() const noexcept {
        return static_cast<Type>(negative ? std::uint64_t{0} - magnitude : magnitude);
    }
    [[nodiscard]] std::string text() const;
};

/** Durations are their milliseconds, enums their underlying value, booleans 0 or 1, paths their text. */
using Native = std::variant<std::monostate, Integer, std::string, Strings, Bytes>;

enum class Kind : std::uint8_t { text, path, boolean, integer, duration, enumeration, list, binary };

/** One address per enum type: tells whose names a `names()` trait lists. Not const, so that no linker folds two into one. */
template <typename Enum>
inline char enumTag{};

struct Name {
    Integer value;
    std::string text;
};

/** One row of a type's table. */
struct PropertyRule {
    PropertyDescription description;
    Kind kind{Kind::text};
    bool ranged{false};  ///< the author (not only the type) limits it
    Integer lowest, highest;
    Integer step{1};            ///< of a duration: the member's unit in milliseconds
    std::vector<Name> names;    ///< of an enumeration
    bool defaultIsExact{true};  ///< false for a duration default that is no whole number of milliseconds
    Native defaultValue;
    std::function<void(void* target, const Native& value)> store;
};

class Matcher;

/**
 * The rules of one resource type: the author's, then the framework's own.
 *
 * @par Errors `add` and `finish` throw std::logic_error for what only the author can have got wrong; `fill` throws
 *      `PropertyError` for what the administrator got wrong.
 */
class PropertyTable {
public:
    PropertyTable();
    PropertyTable(const PropertyTable&);
    PropertyTable(PropertyTable&&) noexcept;
    PropertyTable& operator=(const PropertyTable&) = delete;
    PropertyTable& operator=(PropertyTable&&) = delete;
    ~PropertyTable();

    void add(PropertyRule rule);
    /** Appends the framework's properties with `policy` as their defaults. Once, after the last `add`. */
    void finish(const std::string& typeName, const core::Policy& policy);

    [[nodiscard]] const std::vector<PropertyDescription>& descriptions() const noexcept { return descriptions_; }
    /** Checks the author's properties and stores those that are set into `settings`. */
    void fill(void* settings, const PropertyBag& values) const;
    /** Checks what is set, by itself; nothing is required. */
    void checkEach(const PropertyBag& values) const;
    /** Checks the framework's properties and stores those that are set into `policy`. */
    void fill(core::Policy& policy, const PropertyBag& values) const;

private:
    struct Row {
        PropertyRule rule;
        std::shared_ptr<const Matcher> pattern;
    };
    static Row complete(PropertyRule rule);

    std::vector<Row> author_;
    std::vector<Row> framework_;
    std::vector<PropertyDescription> descriptions_;
};

/** Throws std::logic_error unless `name` can be a resource type's name on every engine. */
void checkTypeName(std::string_view name);
/** Throws std::logic_error unless Online can wait that long within its budget (D2). */
void checkSyncGrace(std::string_view type, core::Milliseconds value);
/** Throws std::logic_error unless the user function can be added to `known` (W-613). */
void checkControl(std::string_view type, const std::vector<AuthorControl>& known, abi::ControlObject object,
                  std::uint32_t function, ControlAccess access);
/** Throws std::logic_error with the type's name in front. */
[[noreturn]] void authorError(std::string_view subject, std::string_view what);
/** Translates what an author's validator threw; call it inside a handler. */
[[noreturn]] void rethrowAsConfiguration();

}  // namespace holdfast::inline v1::detail
