// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/host.hpp>

namespace holdfast::inline v1::monitor {

/** The same functions over the system's own registry and last error; null on systems that have none. */
[[nodiscard]] const abi::HostFunctions* systemFunctions() noexcept;

}  // namespace holdfast::inline v1::monitor
