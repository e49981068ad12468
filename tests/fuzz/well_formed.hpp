// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a reader of our output insists on: UTF-8, and XML whose elements nest.

#include <string>
#include <string_view>
#include <vector>

namespace fuzz {

/** UTF-8 as RFC 3629 has it: shortest forms, no surrogates, at most U+10FFFF. */
[[nodiscard]] inline bool isUtf8(std::string_view text) {
    const auto at = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    for (std::size_t i = 0; i < text.size();) {
        const unsigned lead = at(i);
        std::size_t more = 0;
        unsigned least = 0x80;
        unsigned most = 0xBF;
        if (lead < 0x80) {
            ++i;
            continue;
        }
        if (lead >= 0xC2 && lead <= 0xDF) {
            more = 1;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            more = 2;
            if (lead == 0xE0) least = 0xA0;
            if (lead == 0xED) most = 0x9F;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            more = 3;
            if (lead == 0xF0) least = 0x90;
            if (lead == 0xF4) most = 0x8F;
        } else {
            return false;
        }
        if (text.size() - i <= more || at(i + 1) < least || at(i + 1) > most) return false;
        for (std::size_t k = 2; k <= more; ++k) {
            if (at(i + k) < 0x80 || at(i + k) > 0xBF) return false;
        }
        i += more + 1;
    }
    return true;
}

/** Whether a document without a DTD is well-formed: one element, all nested, references known, no forbidden character. */
class XmlCheck {
public:
    [[nodiscard]] static bool wellFormed(std::string_view text) { return isUtf8(text) && XmlCheck{text}.document(); }

private:
    explicit XmlCheck(std::string_view text) : rest_{text} {}

    bool skip(std::string_view what) {
        if (!rest_.starts_with(what)) return false;
        rest_.remove_prefix(what.size());
        return true;
    }
    bool skipBehind(std::string_view what) {
        const auto at = rest_.find(what);
        if (at == std::string_view::npos) return false;
        rest_.remove_prefix(at + what.size());
        return true;
    }
    std::string_view name() {
        std::size_t size = 0;
        while (size < rest_.size()) {
            const auto c = static_cast<unsigned char>(rest_[size]);
            const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || c >= 0x80;
            const bool later = (c >= '0' && c <= '9') || c == '-' || c == '.';
            if (!letter && !(later && size > 0)) break;
            ++size;
        }
        const auto found = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return found;
    }
    bool spaces() {
        const auto before = rest_.size();
        while (!rest_.empty() && std::string_view{" \t\r\n"}.find(rest_.front()) != std::string_view::npos)
            rest_.remove_prefix(1);
        return rest_.size() != before;
    }
    /** Text or an attribute's value up to one of `ends`, which is left. */
    bool characters(std::string_view ends) {
        while (!rest_.empty() && ends.find(rest_.front()) == std::string_view::npos) {
            const auto c = static_cast<unsigned char>(rest_.front());
            if (c == '<' || (c < 0x20 && c != '\t' && c != '\n' && c != '\r')) return false;
            if (rest_.starts_with("\xEF\xBF\xBE") || rest_.starts_with("\xEF\xBF\xBF")) return false;  // U+FFFE, U+FFFF
            if (c == '&' && !reference()) return false;
            if (c != '&') rest_.remove_prefix(1);
        }
        return true;
    }
    bool reference() {
        for (const std::string_view known : {"&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#39;", "&#34;", "&#10;"}) {
            if (skip(known)) return true;
        }
        return false;
    }
    bool tag() {
        if (skip("/")) {
            const auto closed = name();
            if (open_.empty() || open_.back() != closed) return false;
            open_.pop_back();
            spaces();
            return skip(">");
        }
        const auto opened = name();
        if (opened.empty()) return false;
        std::vector<std::string_view> attributes;
        while (true) {
            const bool space = spaces();
            if (skip("/>")) return true;
            if (skip(">")) {
                open_.push_back(opened);
                return true;
            }
            const auto attribute = name();
            if (!space || attribute.empty() || !skip("=") || rest_.empty()) return false;
            for (const auto& other : attributes) {
                if (other == attribute) return false;
            }
            attributes.push_back(attribute);
            const auto quote = rest_.substr(0, 1);
            if ((quote != "\"" && quote != "'") || !skip(quote) || !characters(quote) || !skip(quote)) return false;
        }
    }
    bool document() {
        if (skip("<?xml") && !skipBehind("?>")) return false;
        spaces();
        bool any = false;
        while (!rest_.empty()) {
            if (skip("<!--")) {
                if (!skipBehind("-->")) return false;
            } else if (skip("<![CDATA[")) {
                if (open_.empty() || !skipBehind("]]>")) return false;
            } else if (skip("<")) {
                if (any && open_.empty()) return false;  // a second root
                any = true;
                if (!tag()) return false;
            } else if (open_.empty()) {
                if (!spaces()) return false;
            } else if (!characters("<")) {
                return false;
            }
        }
        return any && open_.empty();
    }

    std::string_view rest_;
    std::vector<std::string_view> open_;
};

}  // namespace fuzz
