// SPDX-License-Identifier: BSL-1.0
#include "timeline/plain_text.hpp"

namespace holdfast::inline v1::timeline {

namespace {

/** Three bytes: U+202A to U+202E, U+2066 to U+2069 (direction), U+FFFE and U+FFFF (no characters). */
bool isRefused(std::string_view character) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
    if (byte(0) == 0xE2 && byte(1) == 0x80) return byte(2) >= 0xAA && byte(2) <= 0xAE;
    if (byte(0) == 0xE2 && byte(1) == 0x81) return byte(2) >= 0xA6 && byte(2) <= 0xA9;
    return byte(0) == 0xEF && byte(1) == 0xBF && byte(2) >= 0xBE;
}

}  // namespace

std::string plainText(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == '\r') continue;
        const bool isC1 = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if ((byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
            out += '?';
        } else if (isC1) {
            out += '?';
            ++i;
        } else if (byte >= 0xE0 && byte < 0xF0 && i + 2 < text.size() && isRefused(text.substr(i, 3))) {
            out += '?';
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

}  // namespace holdfast::inline v1::timeline
