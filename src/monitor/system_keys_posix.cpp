// SPDX-License-Identifier: BSL-1.0
#include "monitor/system_functions.hpp"

#include <holdfast/monitor/resource_keys.hpp>

namespace holdfast::inline v1::monitor {

std::unique_ptr<ResourceKeys> systemKeys() { return nullptr; }
const abi::HostFunctions* systemFunctions() noexcept { return nullptr; }

}  // namespace holdfast::inline v1::monitor
