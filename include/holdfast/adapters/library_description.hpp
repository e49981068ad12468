// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a library says about itself to tools: its types and their property tables, of which the cluster's own control
/// codes can tell only the formats.

#include <holdfast/abi/control_codes.hpp>
#include <holdfast/abi/resapi.hpp>
#include <holdfast/agent_type.hpp>

#include <string>

namespace holdfast::inline v1::adapters {

/**
 * The name under which Startup answers for the whole library. A resource type is a key of the cluster's registry (W-500), so
 * none can have a backslash in its name and no engine ever asks for this one.
 */
inline constexpr abi::WideChar libraryTypeName[] = {'h', 'o', 'l', 'd', 'f', 'a', 's', 't', '\\',
                                                    'l', 'i', 'b', 'r', 'a', 'r', 'y', '\0'};

/** The number of the JSON's form: raised when a reader of the old one would misread it. */
inline constexpr int descriptionFormat = 1;

/** The JSON of these types. @par Thread safety Pure; only tables are read, nothing of the author's runs. */
[[nodiscard]] std::string describeTypes(const AgentTypes& types);

[[nodiscard]] bool isLibraryTypeName(const abi::WideChar* resourceType) noexcept;

/**
 * What Startup does for `libraryTypeName`: a V1 table whose Open refuses and whose ResourceTypeControl answers
 * `typeGetDescription` alone.
 *
 * @par Errors 1306 if V1 is not within [minVersion, maxVersion] (W-015).
 */
[[nodiscard]] abi::Dword describeLibrary(const AgentTypes& types, abi::Dword minVersion, abi::Dword maxVersion,
                                         abi::FunctionTable** table) noexcept;

}  // namespace holdfast::inline v1::adapters
