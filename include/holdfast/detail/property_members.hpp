// SPDX-License-Identifier: BSL-1.0
#pragma once

/// How a member of an author's Settings becomes a property: the table of docs/properties.md, as templates.

#include <holdfast/detail/property_table.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <ratio>
#include <type_traits>
#include <utility>

namespace holdfast::inline v1 {

struct Required {};
struct Secret {};
struct ReadOnly {};
struct Expand {};
struct Pattern {
    std::string_view expression;
};
struct OneOf {
    std::vector<std::string> texts;
};
template <typename Low, typename High>
struct Range {
    Low low;
    High high;
};

/** One enum value and its text; made by the braces inside `names({{Mode::wal, "wal"}, ...})`. */
struct EnumName {
    template <typename Enum>
    requires std::is_enum_v<Enum> EnumName(Enum enumerator, std::string_view itsText)
        : value{static_cast<std::underlying_type_t<Enum>>(enumerator)}, text{itsText}, tag{&detail::enumTag<Enum>} {}

    detail::Integer value;
    std::string_view text;
    const void* tag;
};
struct Names {
    std::vector<EnumName> list;
};

/** The property must be set, and text, lists and bytes must not be empty. */
inline constexpr Required required{};
/** The value is never logged, listed or returned to the engine. */
inline constexpr Secret secret{};
/** People cannot set it: the agent's installation writes it, and the engine shows it among the read-only properties. */
inline constexpr ReadOnly readOnly{};
/** Text or path may hold %NAME% of the environment: EXPAND_SZ in place of SZ (W-511); the member gets the expanded form. */
inline constexpr Expand expand{};

/** Smallest and largest value allowed: integers, or durations of whole milliseconds. */
template <typename Low, typename High>
[[nodiscard]] constexpr Range<Low, High> range(Low low, High high) {
    return {low, high};
}
/** The whole text (each text of a list) must match; an empty text that is not required is exempt. ECMAScript syntax. */
[[nodiscard]] constexpr Pattern pattern(std::string_view expression) { return {expression}; }
/** The texts allowed, compared exactly. */
[[nodiscard]] inline OneOf oneOf(std::initializer_list<std::string_view> texts) {
    return {{texts.begin(), texts.end()}};
}
/** The texts of an enum's values, compared without case. */
[[nodiscard]] inline Names names(std::initializer_list<EnumName> list) { return {{list.begin(), list.end()}}; }

namespace detail {

template <typename Type>
struct IsDuration : std::false_type {};
template <typename Rep, typename Period>
struct IsDuration<std::chrono::duration<Rep, Period>> : std::bool_constant<std::integral<Rep>> {};
template <typename Type>
concept Duration = IsDuration<Type>::value;

template <typename Type>
concept PlainInteger =
    std::integral<Type> && !std::same_as<Type, bool> && !std::same_as<Type, char> && !std::same_as<Type, wchar_t> &&
    !std::same_as<Type, char8_t> && !std::same_as<Type, char16_t> && !std::same_as<Type, char32_t>;

template <typename>
inline constexpr bool unsupported = false;

/** How many milliseconds one tick is, or how many ticks make one. */
template <Duration Type>
struct Ticks {
    using Ratio = std::ratio_divide<typename Type::period, std::milli>;
    static_assert(Ratio::num == 1 || Ratio::den == 1, "a tick must be a whole number of milliseconds, or divide one");
    static constexpr std::uint64_t millisecondsPerTick = static_cast<std::uint64_t>(Ratio::num);
    static constexpr std::uint64_t ticksPerMillisecond = static_cast<std::uint64_t>(Ratio::den);

    /** The largest value that both the member and a DWORD of milliseconds hold. */
    static constexpr std::uint64_t highest() {
        constexpr std::uint64_t dword = std::numeric_limits<std::uint32_t>::max();
        constexpr auto ticks =
            static_cast<std::uint64_t>(std::numeric_limits<typename Type::rep>::max()) / ticksPerMillisecond;
        return ticks > dword / millisecondsPerTick ? dword / millisecondsPerTick * millisecondsPerTick
                                                   : ticks * millisecondsPerTick;
    }
};

template <Duration Type>
constexpr Integer milliseconds(Type value) {
    using Tick = Ticks<Type>;
    Integer result{value.count()};
    result.magnitude = result.magnitude / Tick::ticksPerMillisecond * Tick::millisecondsPerTick;
    return result;
}
template <Duration Type>
constexpr bool wholeMilliseconds(Type value) {
    return Integer{value.count()}.magnitude % Ticks<Type>::ticksPerMillisecond == 0;
}

template <typename Member>
void setShape(PropertyRule& rule) {
    using enum PropertyFormat;
    auto& format = rule.description.format;
    // D15: this is the one table; a change here breaks every configured cluster.
    if constexpr (std::same_as<Member, std::string>) {
        rule.kind = Kind::text, format = sz;
    } else if constexpr (std::same_as<Member, std::filesystem::path>) {
        rule.kind = Kind::path, format = sz;
    } else if constexpr (std::same_as<Member, bool>) {
        rule.kind = Kind::boolean, format = dword, rule.highest = 1;
    } else if constexpr (PlainInteger<Member>) {
        rule.kind = Kind::integer;
        rule.lowest = std::numeric_limits<Member>::min(), rule.highest = std::numeric_limits<Member>::max();
        if constexpr (sizeof(Member) == 8) {
            format = std::is_signed_v<Member> ? largeInteger : ulargeInteger;
        } else {
            format = std::is_signed_v<Member> ? longInteger : dword;
        }
    } else if constexpr (Duration<Member>) {
        rule.kind = Kind::duration, format = dword;
        rule.highest = Ticks<Member>::highest(), rule.step = Ticks<Member>::millisecondsPerTick;
    } else if constexpr (std::is_enum_v<Member>) {
        rule.kind = Kind::enumeration, format = sz;
    } else if constexpr (std::same_as<Member, Strings>) {
        rule.kind = Kind::list, format = multiSz;
    } else if constexpr (std::same_as<Member, Bytes>) {
        rule.kind = Kind::binary, format = binary;
    } else {
        static_assert(unsupported<Member>,
                      "holdfast: a property's member must be std::string, std::filesystem::path, bool, an integer, a "
                      "std::chrono duration of integers, an enum, std::vector<std::string> or std::vector<std::byte>");
    }
}

template <typename Member>
Native toNative(const Member& value) {
    if constexpr (std::same_as<Member, std::filesystem::path>) {
        const auto text = value.u8string();
        return std::string{text.begin(), text.end()};
    } else if constexpr (std::integral<Member>) {
        return Integer{value};
    } else if constexpr (Duration<Member>) {
        return milliseconds(value);
    } else if constexpr (std::is_enum_v<Member>) {
        return Integer{static_cast<std::underlying_type_t<Member>>(value)};
    } else {
        return value;
    }
}

/** `value` was checked against the member's rule. */
template <typename Member>
Member fromNative(const Native& value) {
    if constexpr (std::same_as<Member, std::filesystem::path>) {
        const auto& text = std::get<std::string>(value);
        return std::filesystem::path{std::u8string{text.begin(), text.end()}};
    } else if constexpr (std::same_as<Member, bool>) {
        return std::get<Integer>(value) == Integer{1};
    } else if constexpr (std::integral<Member>) {
        return std::get<Integer>(value).template as<Member>();
    } else if constexpr (Duration<Member>) {
        using Tick = Ticks<Member>;
        const auto count = std::get<Integer>(value).magnitude / Tick::millisecondsPerTick * Tick::ticksPerMillisecond;
        return Member{static_cast<typename Member::rep>(count)};
    } else if constexpr (std::is_enum_v<Member>) {
        return static_cast<Member>(std::get<Integer>(value).template as<std::underlying_type_t<Member>>());
    } else {
        return std::get<Member>(value);
    }
}

template <typename Member>
inline constexpr bool isText = std::same_as<Member, std::string> || std::same_as<Member, std::filesystem::path>;

template <typename Member, typename Trait>
void applyTrait(PropertyRule& rule, const Trait& trait) {
    auto& description = rule.description;
    if constexpr (std::same_as<Trait, Required>) {
        description.required = true;
    } else if constexpr (std::same_as<Trait, Secret>) {
        description.secret = true;
    } else if constexpr (std::same_as<Trait, ReadOnly>) {
        description.readOnly = true;
    } else if constexpr (std::same_as<Trait, Expand>) {
        static_assert(isText<Member>, "holdfast: expand is for text and paths");
        description.format = PropertyFormat::expandSz;
    } else if constexpr (std::same_as<Trait, Pattern>) {
        static_assert(isText<Member> || std::same_as<Member, Strings>,
                      "holdfast: pattern is for text, paths and lists");
        description.pattern = std::string{trait.expression};
    } else if constexpr (std::same_as<Trait, OneOf>) {
        static_assert(isText<Member> || std::same_as<Member, Strings>, "holdfast: oneOf is for text, paths and lists");
        description.names = trait.texts;
    } else if constexpr (std::same_as<Trait, Names>) {
        static_assert(std::is_enum_v<Member>, "holdfast: names is for enums; text has oneOf");
        for (const auto& name : trait.list) {
            if (name.tag != &enumTag<Member>) authorError(description.name, "names() lists values of another enum");
            rule.names.push_back({name.value, std::string{name.text}});
        }
    } else if constexpr (std::convertible_to<const Trait&, std::string_view>) {
        description.description = std::string{std::string_view{trait}};
    } else {
        static_assert(unsupported<Trait>, "holdfast: not a trait of a property, nor its description");
    }
}

template <typename Member, typename Low, typename High>
void applyTrait(PropertyRule& rule, const Range<Low, High>& trait) {
    rule.ranged = true;
    if constexpr (Duration<Member>) {
        static_assert(Duration<Low> && Duration<High>, "holdfast: the range of a duration is two durations");
        if (!wholeMilliseconds(trait.low) || !wholeMilliseconds(trait.high)) {
            authorError(rule.description.name, "its range must be whole milliseconds");
        }
        rule.lowest = (std::max)(rule.lowest, milliseconds(trait.low));
        rule.highest = (std::min)(rule.highest, milliseconds(trait.high));
    } else {
        static_assert(PlainInteger<Member> && PlainInteger<Low> && PlainInteger<High>,
                      "holdfast: range is for integers and durations");
        rule.lowest = (std::max)(rule.lowest, Integer{trait.low});
        rule.highest = (std::min)(rule.highest, Integer{trait.high});
    }
}

template <typename Member, typename Owner, typename Target, typename... Traits>
PropertyRule makeRule(std::string_view name, Member Owner::*member, const Target& defaults, const Traits&... traits) {
    PropertyRule rule;
    rule.description.name = std::string{name};
    setShape<Member>(rule);
    (applyTrait<Member>(rule, traits), ...);
    rule.defaultValue = toNative<Member>(defaults.*member);
    if constexpr (Duration<Member>) rule.defaultIsExact = wholeMilliseconds(defaults.*member);
    rule.store = [member](void* target, const Native& value) {
        static_cast<Target*>(target)->*member = fromNative<Member>(value);
    };
    return rule;
}

}  // namespace detail
}  // namespace holdfast::inline v1
