// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/verifier.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace holdfast::inline v1::verify {

/** For people; `quiet`: what is wrong, and the summary. */
[[nodiscard]] std::string toText(const Report& report, bool quiet);
[[nodiscard]] std::string toJson(const Report& report);
[[nodiscard]] std::string toJunit(const Report& report);
/** Every rule with its clause. */
[[nodiscard]] std::string ruleList();

/** The types of a library made with holdfast, asked in a process of its own (`program describe`); empty if it does not say. */
[[nodiscard]] std::vector<std::string> typesOf(const std::filesystem::path& program,
                                               const std::filesystem::path& library);

}  // namespace holdfast::inline v1::verify
