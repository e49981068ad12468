// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What an OCF action and the resident host of its resource say to each other over a UNIX stream socket.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1::ocf {

/** Said in every message. Orders `monitor` and `stop` and the answer's `code` and `reason` never change, so that any agent can end any host. */
inline constexpr std::int64_t protocolVersion = 1;
inline constexpr std::size_t mostMessage = std::size_t{8} * 1024 * 1024;

/**
 * Texts by key. Who does not know a key ignores it, and what is missing reads as empty: so both ends may be of different versions.
 *
 * Texts have no NUL, as nothing in an environment has. As a frame: the length of the rest (32 bits, this machine's byte order), then
 * key, '=', value, NUL, …
 */
class Message {
public:
    Message() { set("protocol", protocolVersion); }

    Message& set(std::string_view key, std::string_view value);
    Message& set(std::string_view key, std::int64_t value) { return set(key, std::to_string(value)); }
    [[nodiscard]] bool has(std::string_view key) const noexcept { return find(key) != nullptr; }
    /** Empty if it is not there. */
    [[nodiscard]] std::string get(std::string_view key) const;
    /** `otherwise` if it is not there or no number. */
    [[nodiscard]] std::int64_t number(std::string_view key, std::int64_t otherwise = 0) const;
    /** Those whose key begins with `prefix`, without it. */
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> all(std::string_view prefix) const;

    [[nodiscard]] std::string frame() const;
    /** Of a frame's rest; empty if it is malformed. */
    [[nodiscard]] static std::optional<Message> parse(std::string_view body);

private:
    [[nodiscard]] const std::string* find(std::string_view key) const noexcept;
    std::vector<std::pair<std::string, std::string>> entries_;
};

/** A whole decimal number with an optional sign; empty for anything else. */
[[nodiscard]] std::optional<std::int64_t> wholeNumber(std::string_view text) noexcept;

}  // namespace holdfast::inline v1::ocf
