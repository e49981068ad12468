// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "message.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace holdfast::inline v1::ocf {

/** The host's end of its talk with one action. @par Thread safety The host's one thread. */
class Session : public std::enable_shared_from_this<Session> {
public:
    using Socket = boost::asio::local::stream_protocol::socket;
    struct Events {
        std::function<void(std::shared_ptr<Session>, Message)> heard;
        std::function<void(std::shared_ptr<Session>)> ended;  ///< once; the action is gone
    };
    Session(Socket socket, Events events) : socket_{std::move(socket)}, events_{std::move(events)} {}

    void begin() { read(); }
    void say(const Message& message);
    /** Whether all that was said has left. */
    [[nodiscard]] bool idle() const noexcept { return outgoing_.empty(); }
    /** Calls `then` once all that was said has left, or never will. */
    void whenIdle(std::function<void()> then);

private:
    void read();
    void write();
    void end();
    bool takeMessages();

    Socket socket_;
    Events events_;
    std::array<char, 16'384> chunk_{};
    std::string incoming_;
    std::deque<std::string> outgoing_;
    std::function<void()> whenIdle_;
    bool ended_{false};
};

}  // namespace holdfast::inline v1::ocf
