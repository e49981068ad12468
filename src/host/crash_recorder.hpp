// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/call_board.hpp"

namespace holdfast::inline v1::host {

/**
 * From now on a signal that ends the process, exit() and _exit() leave on the board which thread did it and how. Only for
 * the host program: a library installs no signal handler (D9).
 */
void recordCrashes(monitor::CallBoard& board) noexcept;

/** The end that is coming is nobody's fault. */
void expectExit() noexcept;

}  // namespace holdfast::inline v1::host
