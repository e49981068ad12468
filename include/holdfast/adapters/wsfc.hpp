// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The resource-DLL side of an agent library: Startup and the V1 function table (W-010..W-027).

#include <holdfast/abi/resapi.hpp>
#include <holdfast/agent_type.hpp>

namespace holdfast::inline v1::adapters {

/** Types one library may hold: V1's Open does not say the type, so each has an Open of its own. */
inline constexpr std::size_t mostTypes = 32;

/**
 * What the exported Startup does: finds the type (W-014), agrees on a version (W-015, W-016), keeps the callbacks (W-018).
 *
 * @par Errors 5080 unknown type; 1306 no common version; 87 a null pointer; 13 the library's own table is wrong (logged).
 * @par Thread safety From any thread; the table it hands out is never changed afterwards (W-027).
 */
abi::Dword startup(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                   abi::Dword maxVersion, abi::SetResourceStatusRoutine setStatus, abi::LogEventRoutine logEvent,
                   abi::FunctionTable** table) noexcept;

}  // namespace holdfast::inline v1::adapters
