// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The system's resapi.h, also where MinGW-w64's copy of it does not compile as it is (10.0 to 12.0): with _WIN32_WINNT of
/// Windows 8 and later its clusapi.h declares several types twice, and below that one that resapi.h needs is missing.
/// CLUSAPI_VERSION_WINDOWS8 is defined nowhere, so V2's types are visible whatever the version.

#include <windows.h>
#include <winsock2.h>

#if defined(__MINGW32__)
#pragma push_macro("_WIN32_WINNT")
#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0502
#if !defined(_stdcall)
#define _stdcall __stdcall  // predefined only with GNU extensions
#define HOLDFAST_UNDEF_STDCALL
#endif
#include <clusapi.h>
typedef struct CLUSPROP_FILETIME {
    CLUSPROP_SYNTAX Syntax;
    DWORD cbLength;
    FILETIME ft;
} CLUSPROP_FILETIME, *PCLUSPROP_FILETIME;
#include <resapi.h>
#if defined(HOLDFAST_UNDEF_STDCALL)
#undef _stdcall
#undef HOLDFAST_UNDEF_STDCALL
#endif
#pragma pop_macro("_WIN32_WINNT")
#else
#include <clusapi.h>
#include <resapi.h>
#endif
