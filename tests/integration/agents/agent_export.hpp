// SPDX-License-Identifier: BSL-1.0
#pragma once

// How an agent that is written by hand shows its entry point, and writes a text of the ABI.
#if defined(_WIN32)
#define AGENT_EXPORT __declspec(dllexport)
#define AGENT_TEXT(text) L##text
#else
#define AGENT_EXPORT __attribute__((visibility("default")))
#define AGENT_TEXT(text) u##text
#endif
