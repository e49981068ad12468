// SPDX-License-Identifier: BSL-1.0
// An agent that was linked without something it needs.
#include "agent_export.hpp"

extern "C" int holdfastTestNobodyProvidesThis();
extern "C" AGENT_EXPORT unsigned Startup() { return static_cast<unsigned>(holdfastTestNobodyProvidesThis()); }
