// SPDX-License-Identifier: BSL-1.0
// Part of one bad agent: C++ inside a library that is C outside, and nobody who catches (W-105, W-1114).
#include <new>

extern "C" void throwOut();
extern "C" void throwOut() { throw std::bad_alloc{}; }
