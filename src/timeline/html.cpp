// SPDX-License-Identifier: BSL-1.0
#include "timeline/html.hpp"

#include "timeline/page_parts.hpp"
#include "timeline/perfetto.hpp"
#include "timeline/xml_text.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <map>

namespace holdfast::inline v1::timeline {

namespace {

/** What a policy calls a hash: the 64 hexadecimal digits in base 64. */
std::string base64(std::string_view hex) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const auto nibble = [](char c) { return static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
    std::string out;
    std::uint32_t bits = 0;
    int have = 0;
    for (const char c : hex) {
        bits = bits << 4U | nibble(c);
        have += 4;
        if (have < 6) continue;
        have -= 6;
        out += digits[bits >> have & 63U];
        bits &= (1U << have) - 1;
    }
    if (have > 0) out += digits[bits << (6 - have) & 63U];
    while (out.size() % 4 != 0) out += '=';
    return out;
}

/** What stands for a place of the frame; nothing that is filled in is looked at again. */
std::string filled(std::string_view frame, const std::map<std::string_view, std::string>& values) {
    std::string out;
    for (;;) {
        const auto begin = frame.find("{{");
        const auto end = frame.find("}}", begin == std::string_view::npos ? 0 : begin);
        if (begin == std::string_view::npos || end == std::string_view::npos) return out.append(frame);
        out += frame.substr(0, begin);
        out += values.at(frame.substr(begin + 2, end - begin - 2));
        frame.remove_prefix(end + 2);
    }
}

}  // namespace

std::string toHtml(const Model& model, std::string_view title) {
    return filled(pageFrame.text, {{"generator", std::string{generator}},
                                   {"title", xmlText(title)},
                                   {"style hash", base64(pageStyle.sha256)},
                                   {"script hash", base64(pageScript.sha256)},
                                   {"style", std::string{pageStyle.text}},
                                   {"script", std::string{pageScript.text}},
                                   {"data", toPageJson(model, title)}});
}

}  // namespace holdfast::inline v1::timeline
