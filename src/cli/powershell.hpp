// SPDX-License-Identifier: BSL-1.0
#pragma once

/// PowerShell text that means what it should, whatever an author named his types and properties.

#include <string>
#include <string_view>

namespace holdfast::inline v1::cli::powershell {

/**
 * A string literal. Between single quotes PowerShell expands neither `$` nor the backtick; but it takes the typographic
 * quotation marks for single quotes, too, so those are doubled like the plain one.
 */
[[nodiscard]] std::string quoted(std::string_view text);

/** One line that can stand in any comment: no line ends, and nothing that closes a block comment. */
[[nodiscard]] std::string comment(std::string_view text);

/** A number of up to 64 bits as a literal; `widest` is the one it shares an attribute with, as both need one type. */
[[nodiscard]] std::string number(std::string_view decimal, std::string_view widest);

/** The noun of a command from any name: "SQLite Database" gives "SQLiteDatabase"; "Type" if nothing of it can stay. */
[[nodiscard]] std::string noun(std::string_view name);

/**
 * The name of a parameter for a property: itself where that can be. Common parameters, variables that PowerShell owns and
 * those the generated function has already get "Property" behind them.
 */
[[nodiscard]] std::string parameter(std::string_view property);

}  // namespace holdfast::inline v1::cli::powershell
