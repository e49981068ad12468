// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "host/host_service.hpp"

#include <chrono>

namespace holdfast::inline v1::host {

/** How long a host that lost its monitor gives its resources: Offline, then Terminate, then Close. */
inline constexpr std::chrono::seconds offlinePatience{20};
inline constexpr std::chrono::seconds terminatePatience{15};
inline constexpr std::chrono::seconds closePatience{2};

/**
 * The monitor is gone (W-403): takes every resource offline that the next host cannot take over, dependents first, and closes
 * it. What an agent that declares adopt() runs is left alone: its reaper keeps it for AdoptTimeout (D17).
 *
 * Takes at most the sum of the patiences.
 */
void sayFarewell(HostService& service);

}  // namespace holdfast::inline v1::host
