// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What is measured of one library, each in a process of its own: what one leaves behind is not another's burden.

#include "../rows.hpp"
#include "options.hpp"

#include <string>
#include <vector>

namespace bench {

/** Carries out `options.scenario` and says what came of it. Throws std::runtime_error. */
void runScenario(const Options& options, Rows& rows);

// Each of them.
void measureMany(const Options& options, Rows& rows);     ///< entry points, memory, processor at `count` resources
void measureTaking(const Options& options, Rows& rows);   ///< threads and wake-ups while `count` checks take 5 ms each
void measureHung(const Options& options, Rows& rows);     ///< IsAlive while checks hang
void measureBlocked(const Options& options, Rows& rows);  ///< Online while others' online() blocks
void measureBurst(const Options& options, Rows& rows);    ///< IsAlive while many come online
void measureTerminate(const Options& options, Rows& rows);  ///< what the library adds to terminate()
void measureDeath(const Options& options, Rows& rows);      ///< from kill -9 to the failure event

}  // namespace bench
