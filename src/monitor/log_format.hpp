// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>

#include <cstdarg>
#include <string>

namespace holdfast::inline v1::monitor {

/** W-905: what is kept of one log line, in characters. */
inline constexpr std::size_t logLineLimit = 500;

/**
 * Formats a LogEvent line: FormatMessage inserts (`%1!u!`, `%2!ws!`, `%1`), `%%`, `%n`, `%0`; longer lines are cut.
 *
 * What an insert brings is never a format itself (W-906). An insert the format never types is read as a string, as
 * FormatMessage does. `arguments` is consumed.
 */
[[nodiscard]] std::string formatLogLine(const abi::WideChar* format, std::va_list arguments);

}  // namespace holdfast::inline v1::monitor
