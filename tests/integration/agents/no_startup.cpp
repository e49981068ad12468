// SPDX-License-Identifier: BSL-1.0
// A library, but no agent.
#include "agent_export.hpp"

extern "C" AGENT_EXPORT int answer() { return 42; }
