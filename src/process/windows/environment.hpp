// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/process.hpp>

#include <map>
#include <string>
#include <string_view>

namespace holdfast::inline v1::process {

/** Names of variables without case, as the system compares and sorts them. */
struct NameLess {
    bool operator()(const std::wstring& left, const std::wstring& right) const noexcept;
};

using Variables = std::map<std::wstring, std::wstring, NameLess>;

/** What the program will find; throws `Error` (`configuration`) for a name that cannot be one. */
[[nodiscard]] Variables variablesFor(const ProcessSettings& settings);

/** As CreateProcessW takes it. */
[[nodiscard]] std::wstring environmentBlock(const Variables& variables);

/**
 * The full path of `program`: a path as it is, a name from the PATH among `variables`, with .exe if it has no extension.
 *
 * @par Errors `notInstalled` if there is none, `configuration` for a batch file: its interpreter reads the command line by rules
 *      of its own, so that no quoting is safe.
 */
[[nodiscard]] std::wstring findProgram(std::string_view program, const Variables& variables);

}  // namespace holdfast::inline v1::process
