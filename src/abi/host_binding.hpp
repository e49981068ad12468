// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/host.hpp>

namespace holdfast::inline v1::abi {

/** What this process's program exports as HoldfastHost, or null: then it is no host of holdfast's monitor. */
[[nodiscard]] const HostFunctions* hostExport() noexcept;

/** The functions of this process's host, or null. One implementation per system. */
[[nodiscard]] const HostFunctions* bindHost() noexcept;

/** The system's own last error, where it has one. */
void setSystemLastError(Dword code) noexcept;

}  // namespace holdfast::inline v1::abi
