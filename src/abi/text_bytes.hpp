// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Strings as the bytes that property lists and registry values hold: UTF-16LE, NUL-terminated, at any alignment.

#include <holdfast/abi/wide.hpp>

#include <bit>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace holdfast::inline v1::abi {

// W-502 is little-endian by definition, and so is every system that has a cluster to run on.
static_assert(std::endian::native == std::endian::little);

/** The code units in `data`, whose size is even; copied, since nothing says they are aligned (W-508). */
inline WideString wideOf(std::span<const Byte> data) {
    WideString text(data.size() / sizeof(WideChar), WideChar{});
    if (!text.empty()) std::memcpy(text.data(), data.data(), text.size() * sizeof(WideChar));
    return text;
}

/** Up to the first NUL, as every C reader sees it. */
inline std::string firstText(WideView text) { return toUtf8(text.substr(0, text.find(WideChar{}))); }

/** The strings before the first empty one (W-512: zero, one or two NULs alone are an empty list). */
inline std::vector<std::string> multiText(WideView text) {
    std::vector<std::string> out;
    while (!text.empty() && text.front() != WideChar{}) {
        const auto end = text.find(WideChar{});
        out.push_back(toUtf8(text.substr(0, end)));
        if (end == WideView::npos) break;
        text.remove_prefix(end + 1);
    }
    return out;
}

inline void appendText(std::vector<Byte>& out, std::string_view utf8) {
    const auto text = toWide(utf8);
    const auto at = out.size();
    out.resize(at + (text.size() + 1) * sizeof(WideChar));
    std::memcpy(out.data() + at, text.c_str(), (text.size() + 1) * sizeof(WideChar));
}

inline std::vector<Byte> textBytes(std::string_view utf8) {
    std::vector<Byte> out;
    appendText(out, utf8);
    return out;
}

/** Each string with its NUL, then one more (W-510); an empty list is one NUL (W-512). */
inline std::vector<Byte> multiTextBytes(const std::vector<std::string>& texts) {
    std::vector<Byte> out;
    for (const auto& text : texts) {
        // An empty string would end the list for every reader.
        if (!text.empty()) appendText(out, text);
    }
    out.insert(out.end(), sizeof(WideChar), Byte{});
    return out;
}

}  // namespace holdfast::inline v1::abi
