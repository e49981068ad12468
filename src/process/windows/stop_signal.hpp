// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <windows.h>

namespace holdfast::inline v1::process {

/**
 * Asks a program to end in every way that it may know: its stop event is set, each of its windows is told to close, and if it
 * shares our console its group gets CTRL_BREAK. `stop` may be null.
 */
void askToEnd(DWORD pid, HANDLE stop) noexcept;

}  // namespace holdfast::inline v1::process
