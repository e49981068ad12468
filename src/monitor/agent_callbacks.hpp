// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/callback_table.hpp>

namespace holdfast::inline v1::monitor {

/** What this monitor hands to StartupEx: every entry up to V4's, each of which checks its handle (W-117). */
[[nodiscard]] const abi::CallbackTable& agentCallbacks() noexcept;

/** SetResourceStatus of Startup; LogEvent is `agentCallbacks().logEvent`. */
[[nodiscard]] abi::SetResourceStatusRoutine setResourceStatusRoutine() noexcept;

}  // namespace holdfast::inline v1::monitor
