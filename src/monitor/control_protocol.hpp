// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The lines of the control socket: what a peer may ask, and what it is answered (docs/control.md). Nothing here does I/O.

#include <holdfast/monitor/configuration.hpp>

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace holdfast::inline v1::monitor {

inline constexpr std::int64_t controlProtocol = 1;
/** The longest line a peer may send, without its end. */
inline constexpr std::size_t controlLineLimit = 64U * 1'024U;
/** Arrays and objects within each other. No request needs more than three. */
inline constexpr std::size_t controlDepthLimit = 8;

enum class ControlVerb : std::uint8_t {
    ping,
    list,
    show,
    online,
    offline,
    fail,
    set,
    properties,
    events,
    metrics,
    reload,
    stop,
};
[[nodiscard]] std::string_view nameOf(ControlVerb verb) noexcept;

struct ControlRequest {
    boost::json::value id;  ///< null: the peer gave none
    ControlVerb verb{ControlVerb::ping};
    std::string resource;
    std::string reason;                     ///< of `fail`
    std::vector<PropertySetting> settings;  ///< of `set`
    std::size_t history{0};                 ///< of `events`: so many records from before
    bool calls{false};                      ///< of `events`: calls and reports too
};

/** Why a request was not carried out. `code` is for programs and a promise, `text` is for people. */
struct ControlRefusal {
    boost::json::value id;
    std::string code;
    std::string text;
    std::string suggestion;  ///< the name that was perhaps meant
    std::uint32_t win32{0};  ///< of a `refused` property
};

/** Reads one line. @par Errors Whatever the bytes are, the answer is a request or a refusal. */
[[nodiscard]] std::variant<ControlRequest, ControlRefusal> parseRequest(std::string_view line);

/** Each with its line end. */
[[nodiscard]] std::string greetingLine(std::string_view program, std::int64_t process);
[[nodiscard]] std::string answerLine(const boost::json::value& id, boost::json::value result);
[[nodiscard]] std::string refusalLine(const ControlRefusal& refusal);
/** `record` is a record as `toJson` spells it. */
[[nodiscard]] std::string eventLine(std::string_view record);

}  // namespace holdfast::inline v1::monitor
