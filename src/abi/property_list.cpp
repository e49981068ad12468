// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/property_list.hpp>

#include "text_bytes.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

namespace holdfast::inline v1::abi {
namespace {

/** Where and why reading stopped. */
struct Problem {
    Dword code;
    std::string_view text;
    std::size_t offset;
};

constexpr std::string_view cutShort = "the list ends in the middle of an entry";

template <typename Number>
Number load(std::span<const Byte> data) {
    Number value{};
    std::memcpy(&value, data.data(), sizeof value);  // W-508: nothing is aligned
    return value;
}

class Cursor {
public:
    Cursor(std::span<const Byte> data, std::size_t offset) : data_{data}, offset_{(std::min)(offset, data.size())} {}

    [[nodiscard]] std::size_t offset() const noexcept { return offset_; }
    [[nodiscard]] std::size_t left() const noexcept { return data_.size() - offset_; }

    [[nodiscard]] std::optional<Dword> number() {
        if (left() < sizeof(Dword)) return std::nullopt;
        const auto value = load<Dword>(data_.subspan(offset_));
        offset_ += sizeof(Dword);
        return value;
    }

    /** `length` bytes and their padding; nothing if the buffer ends before. W-507: 8 + roundup4(cbLength). */
    [[nodiscard]] std::optional<std::span<const Byte>> bytes(Dword length) {
        if (length > left()) return std::nullopt;  // before any sum that could overflow
        const auto found = data_.subspan(offset_, length);
        offset_ += (std::min)(left(), (std::size_t{length} + 3) / 4 * 4);
        return found;
    }

private:
    std::span<const Byte> data_;
    std::size_t offset_;
};

/** One entry, or its end mark (syntax 0). */
std::optional<Problem> readEntry(Cursor& cursor, ListEntry& entry) {
    const auto at = cursor.offset();
    const auto syntax = cursor.number();
    if (!syntax) return Problem{code::insufficientBuffer, cutShort, at};
    entry = {*syntax, at, {}};
    if (*syntax == syntax::endMark) return std::nullopt;
    const auto length = cursor.number();
    const auto data = length ? cursor.bytes(*length) : std::nullopt;
    if (!data) return Problem{code::insufficientBuffer, cutShort, at};
    entry.data = *data;
    return std::nullopt;
}

bool allZero(WideView text) {
    return std::all_of(text.begin(), text.end(), [](WideChar unit) { return unit == WideChar{}; });
}

/** The text of a NUL-terminated entry; nothing if it is none, or if something other than NULs follows the first. */
std::optional<std::string> readText(std::span<const Byte> data) {
    if (data.size() % sizeof(WideChar) != 0) return std::nullopt;
    const auto text = wideOf(data);
    const auto end = text.find(WideChar{});
    if (end == WideView::npos || !allZero(WideView{text}.substr(end))) return std::nullopt;
    return toUtf8(WideView{text}.substr(0, end));
}

std::optional<Strings> readTexts(std::span<const Byte> data) {
    if (data.size() % sizeof(WideChar) != 0) return std::nullopt;
    const auto text = wideOf(data);
    if (allZero(text)) return Strings{};  // W-512: 0, 2 or 4 bytes
    const WideChar twoNuls[] = {WideChar{}, WideChar{}};
    const auto end = text.find(twoNuls, 0, 2);
    if (end == WideView::npos || !allZero(WideView{text}.substr(end)) || text.front() == WideChar{})
        return std::nullopt;
    return multiText(text);
}

Bytes copied(std::span<const Byte> data) {
    Bytes out(data.size());
    if (!data.empty()) std::memcpy(out.data(), data.data(), data.size());
    return out;
}

// Lists within lists: deeper ones are somebody's attempt on our stack.
constexpr int deepest = 8;

PropertyList readList(std::span<const Byte> data, int depth);

std::optional<Problem> readValue(const ListEntry& entry, std::vector<PropertyValue>& values, int depth) {
    using Outcome = std::optional<Problem>;
    const auto malformed = [&](std::string_view text) -> Outcome {
        return Problem{code::invalidData, text, entry.offset};
    };
    if ((entry.syntax & 0xFFFF0000) != syntax::listValue) return malformed("a value's type is not LIST_VALUE");
    const auto data = entry.data;
    const auto sized = [&](std::size_t size) { return data.size() == size; };
    const auto add = [&](PropertyValue value) -> Outcome {
        values.push_back(std::move(value));
        return std::nullopt;
    };
    constexpr std::string_view wrongSize = "a number has the wrong size";
    constexpr std::string_view badText = "text is not NUL-terminated UTF-16";
    switch (static_cast<PropertyFormat>(entry.syntax & 0xFFFF)) {
        case PropertyFormat::binary: return add(PropertyValue::binary(copied(data)));
        case PropertyFormat::securityDescriptor: return add(PropertyValue::securityDescriptor(copied(data)));
        case PropertyFormat::dword:
            return sized(4) ? add(PropertyValue::dword(load<std::uint32_t>(data))) : malformed(wrongSize);
        case PropertyFormat::longInteger:
            return sized(4) ? add(PropertyValue::longInteger(load<std::int32_t>(data))) : malformed(wrongSize);
        case PropertyFormat::ulargeInteger:
            return sized(8) ? add(PropertyValue::ulargeInteger(load<std::uint64_t>(data))) : malformed(wrongSize);
        case PropertyFormat::largeInteger:
            return sized(8) ? add(PropertyValue::largeInteger(load<std::int64_t>(data))) : malformed(wrongSize);
        case PropertyFormat::fileTime:
            return sized(8) ? add(PropertyValue::fileTime(load<std::uint64_t>(data))) : malformed(wrongSize);
        case PropertyFormat::word:
            return sized(2) ? add(PropertyValue::word(load<std::uint16_t>(data))) : malformed(wrongSize);
        case PropertyFormat::multiSz: {
            auto texts = readTexts(data);
            return texts ? add(PropertyValue::multiSz(std::move(*texts)))
                         : malformed("a MULTI_SZ does not end as it must");
        }
        case PropertyFormat::sz:
        case PropertyFormat::expandSz:
        case PropertyFormat::expandedSz: {
            // W-512: no bytes at all read as an empty text.
            auto text = data.empty() ? std::string{} : readText(data);
            if (!text) return malformed(badText);
            const auto format = static_cast<PropertyFormat>(entry.syntax & 0xFFFF);
            if (format == PropertyFormat::sz) return add(PropertyValue::sz(std::move(*text)));
            return add(format == PropertyFormat::expandSz ? PropertyValue::expandSz(std::move(*text))
                                                          : PropertyValue::expandedSz(std::move(*text)));
        }
        case PropertyFormat::valueList:
            return readValueList(data).code == code::success ? add(PropertyValue::valueList(copied(data)))
                                                             : malformed("a nested value list is malformed");
        case PropertyFormat::propertyList:
            if (depth >= deepest) return malformed("lists are nested too deeply");
            return readList(data, depth + 1).code == code::success ? add(PropertyValue::propertyList(copied(data)))
                                                                   : malformed("a nested property list is malformed");
        default: {
            constexpr Dword userFormats = 0x8000;  // CLUSPROP_FORMAT_USER and above: bytes that only their vendor reads
            if ((entry.syntax & userFormats) == 0)
                return malformed("a value's format is not one that a property holds");
            return add(PropertyValue::user(static_cast<PropertyFormat>(entry.syntax & 0xFFFF), copied(data)));
        }
    }
}

std::optional<Problem> readName(Cursor& cursor, std::string& name) {
    const auto at = cursor.offset();
    const auto syntax = cursor.number();
    if (!syntax) return Problem{code::insufficientBuffer, "fewer properties than the list's count", at};
    if (*syntax != syntax::name) return Problem{code::invalidData, "a property does not start with its name", at};
    const auto length = cursor.number();
    const auto data = length ? cursor.bytes(*length) : std::nullopt;
    if (!data) return Problem{code::insufficientBuffer, cutShort, at};
    auto text = readText(*data);
    if (!text || text->empty()) return Problem{code::invalidData, "a name is empty or not NUL-terminated UTF-16", at};
    name = std::move(*text);
    return std::nullopt;
}

std::optional<Problem> readProperty(Cursor& cursor, std::vector<ListedProperty>& properties, int depth) {
    const auto at = cursor.offset();
    ListedProperty property;
    if (const auto problem = readName(cursor, property.name)) return problem;
    for (;;) {
        ListEntry entry;
        if (const auto problem = readEntry(cursor, entry)) return problem;
        if (entry.syntax == syntax::endMark) break;
        if (const auto problem = readValue(entry, property.values, depth)) return problem;
    }
    if (property.values.empty()) return Problem{code::invalidData, "a property has no value", at};
    for (const auto& other : properties) {
        // W-509: which of two would win is anybody's guess.
        if (samePropertyName(other.name, property.name))
            return Problem{code::invalidData, "a property is listed twice", at};
    }
    properties.push_back(std::move(property));
    return std::nullopt;
}

PropertyList readList(std::span<const Byte> data, int depth) {
    PropertyList list;
    const auto fail = [&](const Problem& problem) {
        list.code = problem.code, list.problem = problem.text, list.offset = problem.offset;
        list.properties.clear();
        return std::move(list);
    };
    if (data.size() < sizeof(Dword)) return fail({code::invalidData, "no list", 0});
    Cursor cursor{data, 0};
    const Dword count = cursor.number().value_or(0);
    // Nothing is reserved by `count`: it is the sender's word, and the bytes decide.
    for (Dword index = 0; index < count; ++index) {
        if (const auto problem = readProperty(cursor, list.properties, depth)) return fail(*problem);
    }
    list.offset = cursor.offset();
    return list;
}

}  // namespace

PropertyList readPropertyList(const void* data, std::size_t size, std::size_t limit) {
    const auto refused = [](std::string_view problem, std::size_t offset) {
        PropertyList list;
        list.code = code::invalidData, list.problem = problem, list.offset = offset;
        return list;
    };
    if (!data) return refused("no list", 0);
    if (size > limit) return refused("the list is longer than allowed", limit);
    return readList({static_cast<const Byte*>(data), size}, 0);
}

ValueList readValueList(std::span<const Byte> data, std::size_t offset) {
    ValueList list;
    Cursor cursor{data, offset};
    for (;;) {
        ListEntry entry;
        if (const auto problem = readEntry(cursor, entry)) {
            list.code = problem->code, list.problem = problem->text, list.end = problem->offset;
            return list;
        }
        if (entry.syntax == syntax::endMark) break;
        list.entries.push_back(entry);
    }
    list.end = cursor.offset();
    return list;
}

}  // namespace holdfast::inline v1::abi
