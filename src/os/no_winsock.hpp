// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Keeps Asio from starting Winsock while the DLL is loaded (D8): include in one TU that is always linked.

#if defined(_WIN32)
#include <boost/asio/detail/winsock_init.hpp>

#if defined(_MSC_VER)
#pragma warning(suppress : 4073)
#pragma init_seg(lib)
#define HOLDFAST_EARLY
#else
#define HOLDFAST_EARLY __attribute__((init_priority(101)))
#endif

namespace {
// Asio's own objects start Winsock in static initialisers unless one of these exists before them. Timers and strands need none.
HOLDFAST_EARLY boost::asio::detail::winsock_init<>::manual manualWinsock;
}  // namespace
#endif
