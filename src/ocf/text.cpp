// SPDX-License-Identifier: BSL-1.0

#include "text.hpp"

namespace holdfast::inline v1::ocf {

std::string asciiLine(std::string_view text, std::size_t most) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
    std::string line;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte == '\n') {
            line += "; ";
        } else if (byte == '\t') {
            line += ' ';
        } else if (byte >= 0x20 && byte < 0x7f) {
            line += c;
        } else if (byte != '\r' && (byte & 0xc0U) != 0x80U) {  // not inside of a character
            line += '?';
        }
        if (line.size() > most) {
            line.resize(most - 3);
            return line + "...";
        }
    }
    return line;
}

}  // namespace holdfast::inline v1::ocf
