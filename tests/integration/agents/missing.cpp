// SPDX-License-Identifier: BSL-1.0
// What the agent `unresolved` was linked with, and never finds: where a library must know who provides what it needs.
#include "agent_export.hpp"

extern "C" AGENT_EXPORT int holdfastTestNobodyProvidesThis() { return 0; }
