// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

namespace holdfast::inline v1::verify {

/** Where a resource library may call a function of the cluster's libraries (W-800). */
enum class Allowed { everywhere, notInWorkingEntries, onWorkersOnly, never };
[[nodiscard]] Allowed whereAllowed(std::string_view function) noexcept;

/** Whether a call of `function` is a breach; `entry`: the entry point on the same thread's stack, empty on a worker. */
[[nodiscard]] bool isForbidden(std::string_view function, std::string_view entry) noexcept;

}  // namespace holdfast::inline v1::verify
