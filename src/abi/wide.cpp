// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/wide.hpp>

#include <cstddef>

namespace holdfast::inline v1::abi {
namespace {

constexpr char32_t replacement = 0xFFFD;

bool isHighSurrogate(char32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool isLowSurrogate(char32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/** Takes the next code point off the front of `text`, which is not empty. */
char32_t next(WideView& text) noexcept {
    const auto first = static_cast<char32_t>(text.front());
    text.remove_prefix(1);
    if (isHighSurrogate(first) && !text.empty()) {
        const auto second = static_cast<char32_t>(text.front());
        if (isLowSurrogate(second)) {
            text.remove_prefix(1);
            return 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        }
    }
    return isHighSurrogate(first) || isLowSurrogate(first) ? replacement : first;
}

char32_t next(std::string_view& text) noexcept {
    const auto at = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const auto take = [&](std::size_t count, char32_t codePoint) {
        text.remove_prefix(count);
        return codePoint;
    };
    const char32_t first = at(0);
    if (first < 0x80) return take(1, first);
    const std::size_t length = first >= 0xF0 && first <= 0xF4 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return take(1, replacement);
    char32_t codePoint = first & (0x7Fu >> length);
    for (std::size_t index = 1; index < length; ++index) {
        if ((at(index) & 0xC0) != 0x80) return take(1, replacement);
        codePoint = (codePoint << 6) | (at(index) & 0x3Fu);
    }
    constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool bad =
        codePoint < smallest[length] || codePoint > 0x10FFFF || (codePoint >= 0xD800 && codePoint <= 0xDFFF);
    return bad ? take(1, replacement) : take(length, codePoint);
}

void append(std::string& out, char32_t c) {
    const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xC0 | (c >> 6)), put(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        put(0xE0 | (c >> 12)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
    } else {
        put(0xF0 | (c >> 18)), put(0x80 | ((c >> 12) & 0x3F)), put(0x80 | ((c >> 6) & 0x3F)), put(0x80 | (c & 0x3F));
    }
}

void append(WideString& out, char32_t c) {
    if (c < 0x10000) {
        out.push_back(static_cast<WideChar>(c));
    } else {
        out.push_back(static_cast<WideChar>(0xD800 + ((c - 0x10000) >> 10)));
        out.push_back(static_cast<WideChar>(0xDC00 + ((c - 0x10000) & 0x3FF)));
    }
}

bool within(char32_t c, char32_t low, char32_t high) { return c >= low && c <= high; }

template <typename View>
bool equal(View left, View right) noexcept {
    while (!left.empty() && !right.empty()) {
        if (upperCase(next(left)) != upperCase(next(right))) return false;
    }
    return left.empty() && right.empty();
}

}  // namespace

std::string toUtf8(WideView text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) append(out, next(text));
    return out;
}

std::string toUtf8(const WideChar* text) { return text ? toUtf8(WideView{text}) : std::string{}; }

WideString toWide(std::string_view text) {
    WideString out;
    out.reserve(text.size());
    while (!text.empty()) append(out, next(text));
    return out;
}

char32_t upperCase(char32_t c) noexcept {
    if (c < 0x80) return within(c, 'a', 'z') ? c - 32 : c;
    if (c < 0x180) {
        if (within(c, 0xE0, 0xFE)) return c == 0xF7 ? c : c - 32;
        if (c == 0xFF) return 0x178;
        if (within(c, 0x100, 0x130) || within(c, 0x132, 0x137) || within(c, 0x14A, 0x177)) return c & ~char32_t{1};
        if (within(c, 0x139, 0x148) || within(c, 0x179, 0x17E)) return (c & 1U) != 0 ? c : c - 1;
        return c;
    }
    if (within(c, 0x3AC, 0x3CE)) {
        if (c == 0x3AC) return 0x386;
        if (within(c, 0x3AD, 0x3AF)) return c - 37;
        if (c == 0x3B0 || c == 0x3C2) return c == 0x3C2 ? 0x3A3 : c;
        if (within(c, 0x3B1, 0x3CB)) return c - 32;
        return c == 0x3CC ? 0x38C : c - 63;
    }
    if (within(c, 0x430, 0x44F)) return c - 32;
    if (within(c, 0x450, 0x45F)) return c - 80;
    if (within(c, 0x460, 0x481) || within(c, 0x48A, 0x4BF) || within(c, 0x4D0, 0x52F)) return c & ~char32_t{1};
    if (within(c, 0x4C1, 0x4CE)) return (c & 1U) != 0 ? c : c - 1;
    if (c == 0x4CF) return 0x4C0;
    if (within(c, 0x561, 0x586)) return c - 48;
    if (within(c, 0x1E00, 0x1E95) || within(c, 0x1EA0, 0x1EFF)) return c & ~char32_t{1};
    if (within(c, 0xFF41, 0xFF5A)) return c - 32;
    return c;
}

bool equalsIgnoringCase(WideView left, WideView right) noexcept { return equal(left, right); }
bool equalsIgnoringCase(std::string_view left, std::string_view right) noexcept { return equal(left, right); }

}  // namespace holdfast::inline v1::abi
