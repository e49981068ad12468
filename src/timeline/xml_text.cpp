// SPDX-License-Identifier: BSL-1.0
#include "timeline/xml_text.hpp"

namespace holdfast::inline v1::timeline {

std::string xmlText(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

}  // namespace holdfast::inline v1::timeline
