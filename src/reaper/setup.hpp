// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "process/fd.hpp"
#include "process/names.hpp"

#include <string>
#include <vector>

namespace holdfast::inline v1::reaper {

/** Takes the lock of a resource; empty if another reaper holds it, or with the reason in `complaint`. */
[[nodiscard]] process::Fd takeLock(const std::string& file, std::string& complaint);
/** Whether a living process holds it. */
[[nodiscard]] bool lockHeld(const std::string& file);
/** A listening socket that only its owner may connect to; the reason in `complaint`. */
[[nodiscard]] process::Fd listenAt(const std::string& path, std::string& complaint);
/** Becomes a subreaper with all signals blocked; those that matter arrive at the descriptor. */
[[nodiscard]] process::Fd becomeSubreaper();
/** Standard descriptors from `first` to `last` lead nowhere from now on: what they led to may end without us. */
void leaveStandard(int first, int last);
/** Closes what was inherited but for `kept`. */
void closeOthers(std::vector<int> kept);

}  // namespace holdfast::inline v1::reaper
