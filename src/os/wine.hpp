// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Windows only.

#include <windows.h>

namespace holdfast::inline v1::os {

/**
 * Whether `library` is one that Wine provides. Some of these consist of stubs, which end the process that calls them; so
 * what is optional is better taken for absent.
 */
[[nodiscard]] bool isWineBuiltin(HMODULE library) noexcept;

}  // namespace holdfast::inline v1::os
