// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::cli {

/** The control socket's name in a run directory. */
inline constexpr std::string_view controlName = "control";

/** Control sockets that monitors of this user may listen at, sorted; they need not be alive. */
[[nodiscard]] std::vector<std::filesystem::path> controlCandidates();

}  // namespace holdfast::inline v1::cli
