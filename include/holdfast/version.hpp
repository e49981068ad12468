// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

#define HOLDFAST_VERSION_MAJOR 0
#define HOLDFAST_VERSION_MINOR 1
#define HOLDFAST_VERSION_PATCH 0

namespace holdfast::inline v1 {

/**
 * The version of the holdfast library that this program is linked with, as "major.minor.patch".
 *
 * The HOLDFAST_VERSION_ macros say which headers the program was compiled with.
 */
std::string_view version() noexcept;

}  // namespace holdfast::inline v1
