// SPDX-License-Identifier: BSL-1.0
// A library, but no agent.
extern "C" __attribute__((visibility("default"))) int answer() { return 42; }
