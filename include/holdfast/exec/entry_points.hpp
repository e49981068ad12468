// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/instance.hpp>

namespace holdfast::inline v1::exec {

/** Makes an instance and its id (W-110); throws when threads, handles or memory are short. Starts no user code. */
[[nodiscard]] abi::ResourceId openInstance(Instance::Setup setup);

/** The instance of a live id; null for a stale or forged one (W-108). */
[[nodiscard]] std::shared_ptr<Instance> findInstance(abi::ResourceId id) noexcept;

enum class Closed {
    clean,   ///< nothing of the resource is left
    wedged,  ///< a call still runs; the library stays loaded for it (D8)
    stale,   ///< no such id
};

/** Ends the id, and with the last one the runtime (D8). Answers within 300 ms. */
Closed closeInstance(abi::ResourceId id) noexcept;

/** Whether a resource of `type` is online or pending in this process. */
[[nodiscard]] bool anyActive(const AgentType& type) noexcept;

/** The runtime runs on for what outlives its caller, and the library stays loaded (D8). */
void keepRuntime(std::unique_ptr<Runtime::Lease> lease) noexcept;

/**
 * LooksAlive or IsAlive, as `asked` says: the last verdict and its age, nothing else (D10). The flight recorder gets what
 * changed, and a count of the rest.
 *
 * @par Budget Tens of nanoseconds; no lock, no wait, no system call beyond the coarse clock.
 */
[[nodiscard]] bool isHealthy(abi::ResourceId id, FlightSubject asked = FlightSubject::isAlive) noexcept;

}  // namespace holdfast::inline v1::exec
