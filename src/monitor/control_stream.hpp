// SPDX-License-Identifier: BSL-1.0
#pragma once

#if defined(_WIN32)
#include <boost/asio/windows/stream_handle.hpp>
#else
#include <boost/asio/local/stream_protocol.hpp>
#endif

namespace holdfast::inline v1::monitor {

/** One connection of the control socket: bytes both ways. */
#if defined(_WIN32)
using ControlStream = boost::asio::windows::stream_handle;
#else
using ControlStream = boost::asio::local::stream_protocol::socket;
#endif

}  // namespace holdfast::inline v1::monitor
