// SPDX-License-Identifier: BSL-1.0
#include "verify/malformed_lists.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>

namespace holdfast::inline v1::verify {
namespace {

using abi::Dword;
namespace code = abi::code;

const std::vector<Dword> onlyCut{code::insufficientBuffer};
const std::vector<Dword> malformed{code::invalidData, code::invalidParameter};  // W-520: pages name both
const std::vector<Dword> anyRefusal{code::invalidData, code::invalidParameter, code::insufficientBuffer};

Dword numberAt(const ListBytes& bytes, std::size_t at) {
    Dword number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}
void setNumber(ListBytes& bytes, std::size_t at, Dword number) {
    std::memcpy(bytes.data() + at, &number, sizeof number);
}
constexpr std::size_t padded(std::size_t size) { return (size + 3) / 4 * 4; }

/** Where the entries of a list with one property of one value are. */
struct Places {
    static constexpr std::size_t name = 4;
    static constexpr std::size_t nameLength = 8;
    static constexpr std::size_t nameText = 12;
    std::size_t value;

    explicit Places(const ListBytes& list) : value{nameText + padded(numberAt(list, nameLength))} {}
    [[nodiscard]] std::size_t valueLength() const { return value + 4; }
    [[nodiscard]] std::size_t data() const { return value + 8; }
};

bool isNumber(PropertyFormat format) { return !extremes(format).empty(); }

template <typename Number>
std::vector<Number> near(Number value) {
    std::vector<Number> all;
    const auto add = [&](Number one) {
        if (one != value && std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
    };
    if (value < std::numeric_limits<Number>::max()) add(static_cast<Number>(value + 1));
    if (value > std::numeric_limits<Number>::min()) add(static_cast<Number>(value - 1));
    add(static_cast<Number>(value / 2));
    // What must be a multiple of something, as many times are.
    if (value < std::numeric_limits<Number>::max() / 4) add(static_cast<Number>(value * 2));
    for (const int one : {1'000, 60'000, 1, 0}) {
        if (static_cast<std::uint64_t>(one) <= static_cast<std::uint64_t>(std::numeric_limits<Number>::max()))
            add(static_cast<Number>(one));
    }
    return all;
}

}  // namespace

std::vector<MalformedList> malformedLists(const abi::ListedProperty& good) {
    const abi::ListedProperty one{good.name, {good.values.front()}};
    const ListBytes list = abi::writePropertyList(std::span{&one, 1});
    const Places at{list};
    std::vector<MalformedList> all;
    const auto add = [&](std::string defect, ListBytes bytes, const std::vector<Dword>& codes) {
        all.push_back({std::move(defect), std::move(bytes), codes});
    };
    const auto changed = [&](std::string defect, std::size_t where, Dword number, const std::vector<Dword>& codes) {
        ListBytes bytes = list;
        setNumber(bytes, where, number);
        add(std::move(defect), std::move(bytes), codes);
    };

    all.push_back({"no buffer", {}, malformed, true});
    add("a buffer of size 0", {}, anyRefusal);
    for (std::size_t size = 1; size < 4; ++size)
        add(fmt::format("a buffer of {} bytes", size), {list.begin(), list.begin() + static_cast<std::ptrdiff_t>(size)},
            anyRefusal);
    changed("a count of 2 for one property", 0, 2, onlyCut);
    changed("a count of 0xffffffff", 0, 0xFFFF'FFFF, onlyCut);
    // Every place where a property can be cut, or those that matter if it is long.
    for (std::size_t size = 4; size < list.size(); ++size) {
        const bool matters = size <= 64 || size + 16 > list.size() || (size >= at.value && size < at.data() + 4);
        if (matters)
            add(fmt::format("one property, cut to {} of {} bytes", size, list.size()),
                {list.begin(), list.begin() + static_cast<std::ptrdiff_t>(size)}, onlyCut);
    }
    for (const Dword length : {Dword{0xFFFF'FFFF}, Dword{0xFFFF'FFFE}, Dword{0xFFFF'FFFD}, Dword{0xFFFF'FFFC},
                               Dword{0xFFFF'FFF4}, Dword{0x7FFF'FFFE}, static_cast<Dword>(list.size())}) {
        changed(fmt::format("a name with cbLength {:#x}", length), Places::nameLength, length, anyRefusal);
        // Who knows the format's size may look at that first.
        changed(fmt::format("a value with cbLength {:#x}", length), at.valueLength(), length, anyRefusal);
    }
    changed("a name with the syntax 0x00050003", Places::name, 0x0005'0003, malformed);
    changed("a value where the name belongs", Places::name, 0x0001'0003, malformed);
    changed("a value of another type than LIST_VALUE", at.value,
            0x000A'0000U | static_cast<Dword>(one.values.front().format()), malformed);
    {
        const std::size_t length = numberAt(list, Places::nameLength);
        ListBytes bytes = list;
        bytes[Places::nameText + length - 2] = abi::Byte{'A'};
        add("a name without its NUL", std::move(bytes), malformed);
        changed("a name with an odd cbLength", Places::nameLength, static_cast<Dword>(length - 1), malformed);
    }
    {
        ListBytes bytes(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(at.value));
        bytes.resize(bytes.size() + sizeof(Dword));
        add("a property without a value", std::move(bytes), malformed);
    }
    if (isNumber(one.values.front().format())) {
        const Dword length = numberAt(list, at.valueLength());
        changed(fmt::format("a number with cbLength {} instead of {}", length - 1, length), at.valueLength(),
                length - 1, malformed);
    }
    return all;
}

std::vector<ListBytes> longerLists(const abi::ListedProperty& good) {
    const abi::ListedProperty one{good.name, {good.values.front()}};
    const ListBytes list = abi::writePropertyList(std::span{&one, 1});
    std::vector<ListBytes> all(2, list);
    all[0].resize(list.size() + sizeof(Dword));                 // an end mark for the list
    all[1].insert(all[1].end(), list.begin() + 4, list.end());  // a second property that the count leaves out
    return all;
}

ListBytes mutated(ListBytes list, std::mt19937_64& random) {
    const auto below = [&](std::size_t limit) { return static_cast<std::size_t>(random() % limit); };
    const std::size_t changes = 1 + below(4);
    for (std::size_t turn = 0; turn < changes && !list.empty(); ++turn) {
        const std::size_t at = below(list.size());
        switch (below(4)) {
            case 0: list[at] = static_cast<abi::Byte>(random()); break;
            case 1: list[at] = abi::Byte{0xFF}; break;
            case 2:
                if (const std::size_t aligned = at / 4 * 4; aligned + 4 <= list.size())
                    setNumber(list, aligned, static_cast<Dword>(random()));
                break;
            default: list[at] = static_cast<abi::Byte>(static_cast<unsigned>(list[at]) ^ (1U << below(8))); break;
        }
    }
    if (below(3) == 0 && !list.empty()) list.resize(below(list.size()));
    return list;
}

PropertyValue valueOfAnotherFormat(PropertyFormat format) {
    const bool text = format == PropertyFormat::sz || format == PropertyFormat::expandSz;
    return text ? PropertyValue::dword(1) : PropertyValue::sz("1");
}

std::vector<PropertyValue> neighbours(const PropertyValue& value) {
    std::vector<PropertyValue> all;
    const auto numbers = [&](auto number, auto make) {
        for (const auto one : near(number)) all.push_back(make(one));
    };
    switch (value.format()) {
        case PropertyFormat::dword: numbers(*value.as<std::uint32_t>(), &PropertyValue::dword); break;
        case PropertyFormat::longInteger: numbers(*value.as<std::int32_t>(), &PropertyValue::longInteger); break;
        case PropertyFormat::ulargeInteger: numbers(*value.as<std::uint64_t>(), &PropertyValue::ulargeInteger); break;
        case PropertyFormat::largeInteger: numbers(*value.as<std::int64_t>(), &PropertyValue::largeInteger); break;
        case PropertyFormat::word:
            numbers(static_cast<std::uint16_t>(*value.as<std::uint32_t>()), &PropertyValue::word);
            break;
        case PropertyFormat::sz:
        case PropertyFormat::expandSz: {
            const bool plain = value.format() == PropertyFormat::sz;
            const auto& text = *value.as<std::string>();
            for (const std::string& other : {text + "verify", std::string{"verify"}, std::string{"/verify"}}) {
                if (other != text) all.push_back(plain ? PropertyValue::sz(other) : PropertyValue::expandSz(other));
            }
            break;
        }
        case PropertyFormat::multiSz: {
            Strings texts = *value.as<Strings>();
            texts.emplace_back("verify");
            all.push_back(PropertyValue::multiSz(std::move(texts)));
            break;
        }
        case PropertyFormat::binary: {
            Bytes bytes = *value.as<Bytes>();
            bytes.push_back(std::byte{1});
            all.push_back(PropertyValue::binary(std::move(bytes)));
            break;
        }
        default: break;
    }
    return all;
}

std::vector<PropertyValue> extremes(PropertyFormat format) {
    using Value = PropertyValue;
    switch (format) {
        case PropertyFormat::dword: return {Value::dword(0), Value::dword(0xFFFF'FFFF)};
        case PropertyFormat::longInteger:
            return {Value::longInteger(std::numeric_limits<std::int32_t>::min()),
                    Value::longInteger(std::numeric_limits<std::int32_t>::max())};
        case PropertyFormat::ulargeInteger:
            return {Value::ulargeInteger(0), Value::ulargeInteger(std::numeric_limits<std::uint64_t>::max())};
        case PropertyFormat::largeInteger:
            return {Value::largeInteger(std::numeric_limits<std::int64_t>::min()),
                    Value::largeInteger(std::numeric_limits<std::int64_t>::max())};
        case PropertyFormat::word: return {Value::word(0), Value::word(0xFFFF)};
        case PropertyFormat::fileTime:
            return {Value::fileTime(0), Value::fileTime(std::numeric_limits<std::uint64_t>::max())};
        default: return {};
    }
}

}  // namespace holdfast::inline v1::verify
