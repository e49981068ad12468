// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Microsoft's resapi.h and clusapi.h, also with the headers of MinGW-w64, which do not compile as they are.
///
/// The agent library has declarations of its own (holdfast/abi/resapi.hpp) and needs neither. These are for the substitute
/// cluster libraries, whose functions have to agree with them, and for tests that check our own against them.

#include <winsock2.h>  // before windows.h, which would bring in its predecessor

#include <windows.h>

#if defined(__MINGW32__)
// From 0x0600 on, clusapi.h of MinGW-w64 (10.0 to 12.0) declares five enumerations twice. What it leaves out below that, and
// resapi.h needs, is CLUSPROP_FILETIME alone. CLUSAPI_VERSION_WINDOWS8 stays undefined, 0 to the preprocessor, so the types of
// version 2 are visible as they are in the Windows SDK.
#pragma push_macro("_WIN32_WINNT")
#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0502
#ifndef _stdcall
#define _stdcall __stdcall  // predefined only with -std=gnu++
#define HOLDFAST_UNDEF_STDCALL
#endif
#include <clusapi.h>

typedef struct CLUSPROP_FILETIME {  // NOLINT(modernize-use-using): as the header would
    CLUSPROP_SYNTAX Syntax;
    DWORD cbLength;
    FILETIME ft;
} CLUSPROP_FILETIME, *PCLUSPROP_FILETIME;

#include <resapi.h>
#ifdef HOLDFAST_UNDEF_STDCALL
#undef _stdcall
#undef HOLDFAST_UNDEF_STDCALL
#endif
#pragma pop_macro("_WIN32_WINNT")
#else
#include <clusapi.h>
#include <resapi.h>
#endif
