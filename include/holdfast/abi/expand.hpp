// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>

namespace holdfast::inline v1::abi {

/** Replaces each %NAME% that the process's environment knows; all else stays as it is, as on Windows. UTF-8. */
[[nodiscard]] std::string expandEnvironment(std::string_view text);

}  // namespace holdfast::inline v1::abi
