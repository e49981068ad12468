// SPDX-License-Identifier: BSL-1.0
#include "monitor/log_format.hpp"

#include <holdfast/abi/wide.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace holdfast::inline v1::monitor {

namespace {

using abi::WideChar;
constexpr std::size_t insertLimit = 99;  // FormatMessage's own

enum class Type : std::uint8_t { unused, wide, narrow, number32, number64, character, unknown };

struct Insert {
    Type type{Type::unused};
    bool isSigned{false};
    bool hex{false};
    bool upper{false};
    bool zeros{false};
    std::size_t width{0};
};

struct Parsed {
    std::size_t number{0};
    Insert insert;
};

bool isDigit(WideChar c) { return c >= u'0' && c <= u'9'; }

/** Parses what follows `%`; moves `at` behind it. */
Parsed parseInsert(const WideChar* text, std::size_t& at) {
    Parsed parsed;
    for (int digits = 0; digits < 2 && isDigit(text[at]); ++digits) {
        parsed.number = parsed.number * 10 + static_cast<std::size_t>(text[at++] - u'0');
    }
    parsed.insert.type = Type::wide;
    if (text[at] != u'!') return parsed;
    std::size_t end = at + 1;
    while (text[end] != 0 && text[end] != u'!' && end - at < 16) ++end;
    if (text[end] != u'!') return parsed;
    const std::basic_string_view<WideChar> spec{text + at + 1, end - at - 1};
    at = end + 1;
    std::size_t i = 0;
    while (i < spec.size() && (spec[i] == u'-' || spec[i] == u'+' || spec[i] == u'#' || spec[i] == u' ')) ++i;
    parsed.insert.zeros = i < spec.size() && spec[i] == u'0';
    for (; i < spec.size() && isDigit(spec[i]); ++i) {
        parsed.insert.width =
            std::min<std::size_t>(parsed.insert.width * 10 + static_cast<std::size_t>(spec[i] - u'0'), 64);
    }
    while (i < spec.size() && (spec[i] == u'.' || isDigit(spec[i]))) ++i;
    std::string tail;
    for (; i < spec.size(); ++i) tail.push_back(spec[i] < 128 ? static_cast<char>(spec[i]) : '?');
    const bool is64 =
        tail.rfind("I64", 0) == 0 || tail.rfind("ll", 0) == 0 || (tail.starts_with('I') && sizeof(void*) == 8);
    const char last = tail.empty() ? 's' : tail.back();
    Insert& insert = parsed.insert;
    switch (last) {
        case 's':
        case 'S': {
            const bool narrow = tail == "S" || tail == "hs";
            insert.type = narrow ? Type::narrow : Type::wide;
            break;
        }
        case 'c':
        case 'C': insert.type = Type::character; break;
        case 'd':
        case 'i': insert.isSigned = true; [[fallthrough]];
        case 'u': insert.type = is64 ? Type::number64 : Type::number32; break;
        case 'X': insert.upper = true; [[fallthrough]];
        case 'x':
            insert.hex = true;
            insert.type = is64 ? Type::number64 : Type::number32;
            break;
        case 'p':
            insert.hex = true;
            insert.type = sizeof(void*) == 8 ? Type::number64 : Type::number32;
            break;
        default: insert.type = Type::unknown; break;
    }
    return parsed;
}

std::string number(const Insert& insert, std::uint64_t value) {
    if (insert.type == Type::number32) value &= 0xFFFF'FFFFU;
    bool negative = false;
    if (insert.isSigned) {
        const auto wide = insert.type == Type::number32 ? std::int64_t{static_cast<std::int32_t>(value)}
                                                        : static_cast<std::int64_t>(value);
        negative = wide < 0;
        value = negative ? 0 - static_cast<std::uint64_t>(wide) : static_cast<std::uint64_t>(wide);
    }
    const std::uint64_t base = insert.hex ? 16 : 10;
    const char* digits = insert.upper ? "0123456789ABCDEF" : "0123456789abcdef";
    std::string text;
    do {
        text.push_back(digits[value % base]);
        value /= base;
    } while (value != 0);
    while (insert.zeros && text.size() < insert.width) text.push_back('0');
    if (negative) text.push_back('-');
    while (text.size() < insert.width) text.push_back(' ');
    std::reverse(text.begin(), text.end());
    return text;
}

std::string wideText(const WideChar* text) {
    if (text == nullptr) return "(null)";
    std::size_t length = 0;
    while (length < logLineLimit && text[length] != 0) ++length;
    return abi::toUtf8(abi::WideView{text, length});
}

std::string narrowText(const char* text) {
    if (text == nullptr) return "(null)";
    std::size_t length = 0;
    while (length < logLineLimit && text[length] != 0) ++length;
    return std::string{text, length};
}

/** Cuts after the limit without splitting a character. */
void cut(std::string& text) {
    if (text.size() <= logLineLimit) return;
    std::size_t end = logLineLimit;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
}

}  // namespace

std::string formatLogLine(const WideChar* format, std::va_list arguments) {
    if (format == nullptr) return {};
    // First the types, because the arguments can only be taken in their order.
    std::array<Insert, insertLimit + 1> inserts{};
    std::size_t highest = 0;
    for (std::size_t at = 0; format[at] != 0;) {
        if (format[at++] != u'%') continue;
        if (!isDigit(format[at]) || format[at] == u'0') {
            if (format[at] != 0) ++at;
            continue;
        }
        const Parsed parsed = parseInsert(format, at);
        if (inserts[parsed.number].type == Type::unused) inserts[parsed.number] = parsed.insert;
        highest = std::max(highest, parsed.number);
    }
    std::array<std::string, insertLimit + 1> texts;
    bool readable = true;  // behind an insert of unknown size nothing can be found
    for (std::size_t i = 1; i <= highest; ++i) {
        if (!readable) {
            texts[i] = "?";
            continue;
        }
        switch (inserts[i].type) {
            case Type::unused: static_cast<void>(va_arg(arguments, const void*)); break;
            case Type::wide: texts[i] = wideText(va_arg(arguments, const WideChar*)); break;
            case Type::narrow: texts[i] = narrowText(va_arg(arguments, const char*)); break;
            case Type::number32: texts[i] = number(inserts[i], va_arg(arguments, unsigned)); break;
            case Type::number64: texts[i] = number(inserts[i], va_arg(arguments, std::uint64_t)); break;
            case Type::character: {
                const auto c = static_cast<WideChar>(va_arg(arguments, int));
                texts[i] = abi::toUtf8(abi::WideView{&c, 1});
                break;
            }
            case Type::unknown:
                texts[i] = "?";
                readable = false;
                break;
        }
    }
    std::string line;
    abi::WideString plain;
    const auto flush = [&] {
        line += abi::toUtf8(abi::WideView{plain});
        plain.clear();
    };
    for (std::size_t at = 0; format[at] != 0 && line.size() + plain.size() < 4 * logLineLimit;) {
        const WideChar c = format[at++];
        if (c != u'%') {
            plain.push_back(c);
            continue;
        }
        if (isDigit(format[at]) && format[at] != u'0') {
            const Parsed parsed = parseInsert(format, at);
            flush();
            line += texts[parsed.number];
            continue;
        }
        const WideChar escape = format[at];
        if (escape == 0) break;
        ++at;
        if (escape == u'0') break;  // ends the line
        plain.push_back(escape == u'n' || escape == u'r' || escape == u't' || escape == u'b' ? WideChar{u' '} : escape);
    }
    flush();
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ')) line.pop_back();
    cut(line);
    return line;
}

}  // namespace holdfast::inline v1::monitor
