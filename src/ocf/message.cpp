// SPDX-License-Identifier: BSL-1.0

#include "message.hpp"

#include <charconv>
#include <cstring>

namespace holdfast::inline v1::ocf {

std::optional<std::int64_t> wholeNumber(std::string_view text) noexcept {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

Message& Message::set(std::string_view key, std::string_view value) {
    // From a NUL on it would be another entry.
    const std::string clean{value.substr(0, value.find('\0'))};
    for (auto& [name, text] : entries_) {
        if (name == key) {
            text = clean;
            return *this;
        }
    }
    entries_.emplace_back(std::string{key}, clean);
    return *this;
}

const std::string* Message::find(std::string_view key) const noexcept {
    for (const auto& [name, text] : entries_) {
        if (name == key) return &text;
    }
    return nullptr;
}

std::string Message::get(std::string_view key) const {
    const std::string* const text = find(key);
    return text == nullptr ? std::string{} : *text;
}

std::int64_t Message::number(std::string_view key, std::int64_t otherwise) const {
    return wholeNumber(get(key)).value_or(otherwise);
}

std::vector<std::pair<std::string, std::string>> Message::all(std::string_view prefix) const {
    std::vector<std::pair<std::string, std::string>> result;
    for (const auto& [name, text] : entries_) {
        if (name.compare(0, prefix.size(), prefix) == 0) result.emplace_back(name.substr(prefix.size()), text);
    }
    return result;
}

std::string Message::frame() const {
    std::string bytes(sizeof(std::uint32_t), '\0');
    for (const auto& [name, text] : entries_) {
        bytes += name;
        bytes += '=';
        bytes += text;
        bytes += '\0';
    }
    const auto size = static_cast<std::uint32_t>(bytes.size() - sizeof(std::uint32_t));
    std::memcpy(bytes.data(), &size, sizeof size);
    return bytes;
}

std::optional<Message> Message::parse(std::string_view body) {
    Message message;
    message.entries_.clear();
    while (!body.empty()) {
        const std::size_t end = body.find('\0');
        const std::size_t equals = body.find('=');
        if (end == std::string_view::npos || equals == 0 || equals > end) return std::nullopt;
        message.entries_.emplace_back(std::string{body.substr(0, equals)},
                                      std::string{body.substr(equals + 1, end - equals - 1)});
        body.remove_prefix(end + 1);
    }
    return message;
}

}  // namespace holdfast::inline v1::ocf
