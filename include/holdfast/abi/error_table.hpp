// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One table from holdfast's error codes to what each engine and system calls them.

#include <holdfast/abi/resapi.hpp>
#include <holdfast/error.hpp>

#include <span>
#include <string>
#include <string_view>

namespace holdfast::inline v1::abi {

struct ErrorRow {
    ErrorCode code;
    std::string_view name;  ///< as in the enum
    Dword win32;            ///< what Online and Open answer or set as last error
    int errnum;             ///< errno
    int ocf;  ///< OCF exit code: 1 generic, 3 unimplemented, 4 permissions, 5 not installed, 6 not configured
};

/** One row per ErrorCode, in its order. */
[[nodiscard]] std::span<const ErrorRow> errorTable() noexcept;
/** The row of `code`; of `failed` for a number outside the enum. */
[[nodiscard]] const ErrorRow& errorRow(ErrorCode code) noexcept;

/** The Win32 code that stands for `code` at the C boundary. Never 0, 997 or 1: those mean something else there. */
[[nodiscard]] Dword win32Of(ErrorCode code) noexcept;
/** What a Win32 code received from the engine means; `failed` for one that the table does not know. */
[[nodiscard]] ErrorCode errorCodeOf(Dword win32) noexcept;
/** "access denied (5)"; "error 4711" for a code that has no name here. */
[[nodiscard]] std::string win32Text(Dword win32);

}  // namespace holdfast::inline v1::abi
