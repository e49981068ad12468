// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/adapters/property_controls.hpp>

#include <memory>

namespace holdfast::inline v1::adapters {

/**
 * Answers a resource type's control code: at once where its table says it all, otherwise on a worker with buffers of its
 * own, and ERROR_TIMEOUT if that is not in time (D16). The runtime is started for it if no resource is open (D8).
 *
 * @par Thread safety From any thread. @par Errors Throws std::bad_alloc or std::system_error; then nothing was done.
 */
[[nodiscard]] abi::Dword controlType(const std::shared_ptr<const AgentType>& type, abi::LogEventRoutine logEvent,
                                     const ControlCall& call);

}  // namespace holdfast::inline v1::adapters
