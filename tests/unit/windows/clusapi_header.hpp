// SPDX-License-Identifier: BSL-1.0
#pragma once

/// clusapi.h of the Windows SDK, or MinGW's, which compiles only where it takes the target for an old Windows: with a newer one
/// it declares some types twice. What it leaves out then are functions and codes that no test here needs.

#include <winsock2.h>  // before windows.h, which would bring the old one

#include <windows.h>

#if defined(__MINGW32__)
#pragma push_macro("_WIN32_WINNT")
#undef _WIN32_WINNT
#define _WIN32_WINNT 0x0502
#include <clusapi.h>
#pragma pop_macro("_WIN32_WINNT")
#else
#include <clusapi.h>
#endif
