// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The resource-DLL side of an agent library: Startup, StartupEx and the function tables V1 to V4 (W-010..W-031).

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/agent_type.hpp>

namespace holdfast::inline v1::adapters {

/** Types one library may hold: Open does not say the type, so each has an Open of its own. */
inline constexpr std::size_t mostTypes = 32;

/** The highest version that is inside [min, max] and not above `highest` (W-015, W-016); 0 if there is none. */
[[nodiscard]] abi::Dword agreedVersion(abi::Dword min, abi::Dword max, TableVersion highest) noexcept;

/**
 * What the exported Startup does: finds the type (W-014), agrees on a version (W-015, W-016), keeps the callbacks (W-018).
 * It offers V1 only: its two callbacks are V1's.
 *
 * @par Errors 5080 unknown type; 1306 no common version; 87 a null pointer; 13 the library's own table is wrong (logged).
 * @par Thread safety From any thread; the table it hands out is never changed afterwards (W-027).
 */
// NOLINTNEXTLINE(readability-redundant-declaration): resource_type.hpp has it, too, for agents without this header
abi::Dword startup(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                   abi::Dword maxVersion, abi::SetResourceStatusRoutine setStatus, abi::LogEventRoutine logEvent,
                   abi::FunctionTable** table) noexcept;

/**
 * What the exported StartupEx does: the same with every version up to the type's `tableVersion()` (D20). Of `callbacks` it
 * reads what `maxVersion` guarantees and not a byte more (W-031), now, so that the table need not outlive the call.
 */
// NOLINTNEXTLINE(readability-redundant-declaration): resource_type.hpp has it, too, for agents without this header
abi::Dword startupEx(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                     abi::Dword maxVersion, const abi::CallbackTable* callbacks, abi::FunctionTable** table) noexcept;

}  // namespace holdfast::inline v1::adapters
