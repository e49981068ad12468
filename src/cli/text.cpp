// SPDX-License-Identifier: BSL-1.0
#include "cli/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace holdfast::inline v1::cli {

namespace {

struct Character {
    char32_t code{0};
    std::size_t size{1};  ///< bytes
    bool good{false};
};

/** The character at the front of `text`, which is not empty; one byte if it is none. */
Character decode(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return {first, 1, true};
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < size) return {};
    char32_t code = first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0U) != 0x80U) return {};
        code = (code << 6U) | (byte(i) & 0x3FU);
    }
    const bool tooLong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    if (tooLong || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
    return {code, size, true};
}

struct Range {
    char32_t first;
    char32_t last;
};

template <std::size_t Count>
bool within(char32_t code, const std::array<Range, Count>& ranges) {
    return std::any_of(ranges.begin(), ranges.end(),
                       [&](const Range& range) { return code >= range.first && code <= range.last; });
}

/** What changes how the text around it is shown. */
constexpr std::array<Range, 9> harmful{{{0x00, 0x1F},
                                        {0x7F, 0x9F},
                                        {0x061C, 0x061C},
                                        {0x200E, 0x200F},
                                        {0x2028, 0x202E},
                                        {0x2060, 0x206F},
                                        {0xFEFF, 0xFEFF},
                                        {0xFFF9, 0xFFFB},
                                        {0xE0000, 0xE0FFF}}};
constexpr std::array<Range, 6> combining{
    {{0x0300, 0x036F}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x200B, 0x200D}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}}};
constexpr std::array<Range, 9> wide{{{0x1100, 0x115F},
                                     {0x2E80, 0xA4CF},
                                     {0xAC00, 0xD7A3},
                                     {0xF900, 0xFAFF},
                                     {0xFE30, 0xFE6F},
                                     {0xFF00, 0xFF60},
                                     {0xFFE0, 0xFFE6},
                                     {0x1F300, 0x1FAFF},
                                     {0x20000, 0x3FFFD}}};

std::size_t cellsOf(char32_t code) {
    if (within(code, combining)) return 0;
    return within(code, wide) ? 2 : 1;
}

}  // namespace

std::string sanitised(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const Character c = decode(text);
        if (c.code == '\t' || c.code == '\n' || c.code == '\r')
            out.push_back(' ');
        else if (!c.good || within(c.code, harmful))
            out.push_back('?');
        else
            out.append(text.substr(0, c.size));
        text.remove_prefix(c.size);
    }
    return out;
}

std::size_t cells(std::string_view text) {
    std::size_t sum = 0;
    while (!text.empty()) {
        const Character c = decode(text);
        sum += cellsOf(c.code);
        text.remove_prefix(c.size);
    }
    return sum;
}

std::string fitted(std::string_view text, std::size_t width, bool utf8) {
    if (cells(text) <= width) return std::string{text};
    if (width == 0) return {};
    std::string out;
    std::size_t used = 0;
    while (!text.empty()) {
        const Character c = decode(text);
        if (used + cellsOf(c.code) > width - 1) break;
        used += cellsOf(c.code);
        out.append(text.substr(0, c.size));
        text.remove_prefix(c.size);
    }
    return out + (utf8 ? "…" : "~");
}

std::string padded(std::string_view text, std::size_t width, bool utf8) {
    std::string out = fitted(text, width, utf8);
    out.append(width - cells(out), ' ');
    return out;
}

std::string paddedLeft(std::string_view text, std::size_t width, bool utf8) {
    const std::string out = fitted(text, width, utf8);
    return std::string(width - cells(out), ' ') + out;
}

std::string shortAge(std::chrono::milliseconds age) {
    const auto ms = std::max<std::int64_t>(age.count(), 0);
    if (ms < 10'000) return fmt::format("{}.{}s", ms / 1'000, ms % 1'000 / 100);
    if (ms < 100'000) return fmt::format("{}s", ms / 1'000);
    if (ms < 100 * 60'000) return fmt::format("{}m", ms / 60'000);
    if (ms < 48 * 3'600'000LL) return fmt::format("{}h", ms / 3'600'000);
    return fmt::format("{}d", ms / 86'400'000);
}

std::string shortSpan(std::chrono::nanoseconds span) {
    const auto ns = std::max<std::int64_t>(span.count(), 0);
    const auto scaled = [](std::int64_t whole, std::int64_t tenth, std::string_view unit) {
        return whole < 10 && tenth != 0 ? fmt::format("{}.{}{}", whole, tenth, unit) : fmt::format("{}{}", whole, unit);
    };
    if (ns < 1'000) return fmt::format("{}ns", ns);
    if (ns < 1'000'000) return scaled(ns / 1'000, ns % 1'000 / 100, "us");
    if (ns < 1'000'000'000) return scaled(ns / 1'000'000, ns % 1'000'000 / 100'000, "ms");
    return scaled(ns / 1'000'000'000, ns % 1'000'000'000 / 100'000'000, "s");
}

}  // namespace holdfast::inline v1::cli
