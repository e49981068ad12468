// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "plan.hpp"

namespace chaos {

/** Ends the program for --help (0) and what makes no sense (2). */
[[nodiscard]] Options readOptions(int argc, char** argv);
/** Makes the directory of the run, which must be new or empty. */
void prepareDirectory(Options& options);

}  // namespace chaos
