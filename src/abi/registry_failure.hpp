// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>

#include <string_view>

namespace holdfast::inline v1::abi::detail {

/** "cannot <action> <what> in the cluster registry: <code in words>", as an `Error`. */
[[noreturn]] void fail(std::string_view action, std::string_view what, Dword code);

}  // namespace holdfast::inline v1::abi::detail
