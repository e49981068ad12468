// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/property_list.hpp>

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::verify {

using ListBytes = std::vector<abi::Byte>;

/** The names of a multi-string (W-537); nothing if it is malformed. */
[[nodiscard]] std::optional<Strings> readNameList(const ListBytes& bytes);
[[nodiscard]] bool containsName(const Strings& names, std::string_view name) noexcept;

/** What a writer must not do, although readers bear it: the first such thing of a property list, or nothing (W-502 to W-512). */
[[nodiscard]] std::optional<std::string> problemOfList(const ListBytes& bytes);
/** The same of a value list with the required dependencies (W-660). */
[[nodiscard]] std::optional<std::string> problemOfDependencies(const ListBytes& bytes);

}  // namespace holdfast::inline v1::verify
