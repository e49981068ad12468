// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "substitute.hpp"

/// A function that is exported and not provided: it says so once, sets the last error, and returns what tells its kind of caller
/// that it failed. One definition serves every signature: on x64 the caller clears the stack. The .def file gives it its name.
#if !defined(_WIN64)
#error "the substitute libraries are for x64"
#endif
#define HOLDFAST_ABSENT(name, result)                      \
    extern "C" DWORD_PTR WINAPI holdfast_absent_##name() { \
        static std::atomic<bool> said{false};              \
        holdfast::clusapi::sayAbsent(#name, said);         \
        ::SetLastError(ERROR_CALL_NOT_IMPLEMENTED);        \
        return static_cast<DWORD_PTR>(result);             \
    }
