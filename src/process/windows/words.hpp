// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::process {

/** One command line that CommandLineToArgvW, and the C runtime of every compiler, cut into these words again. UTF-8. */
[[nodiscard]] std::wstring commandLine(std::string_view program, const std::vector<std::string>& arguments);

}  // namespace holdfast::inline v1::process
