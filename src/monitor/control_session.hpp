// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/control_protocol.hpp"
#include "monitor/control_server.hpp"
#include "monitor/control_stream.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace holdfast::inline v1::monitor {

/**
 * One peer of the control socket: lines in, lines out, one request at a time.
 *
 * The next request is read when the answer to the last one is on its way, so a peer that does not read is not heard.
 *
 * @par Thread safety The server's thread.
 */
class ControlSession : public std::enable_shared_from_this<ControlSession> {
public:
    using Socket = ControlStream;
    using Time = std::chrono::steady_clock::time_point;

    struct Owner {
        /** Carries a request out; it ends with `answer`, now or later. */
        std::function<void(const std::shared_ptr<ControlSession>&, const ControlRequest&)> perform;
        /** Nothing of the session is left. */
        std::function<void(const std::shared_ptr<ControlSession>&)> ended;
        /** The peer misbehaved: `why` for the log. */
        std::function<void(std::string why)> blame;
    };
    /** What a follower wants to see. */
    struct Filter {
        bool following{false};
        bool calls{false};
        std::string resource;  ///< empty: all
    };

    ControlSession(Socket socket, const ControlLimits& limits, std::shared_ptr<const Owner> owner);

    void start(std::string greeting);
    /** Says why and hangs up. */
    void refuse(std::string_view code, std::string text);
    /** The answer to the request under way. */
    void answer(std::string line);
    /** An event for a follower, if there is room. */
    void show(const std::string& line);
    /** Looks at the clock: an idle, slow or unreading peer is hung up on. */
    void tick(Time now);
    void close();

    [[nodiscard]] Filter& filter() noexcept { return filter_; }
    [[nodiscard]] bool open() const noexcept { return socket_.is_open(); }
    /** A request is with an agent: the session counts until it is answered. */
    [[nodiscard]] bool busy() const noexcept { return busy_; }

private:
    void read();
    void work();
    void handle(std::string_view line);
    void send(std::string line);
    void write();
    void finishIfDone();
    void confess();  ///< how many events are missing

    Socket socket_;
    const ControlLimits& limits_;
    const std::shared_ptr<const Owner> owner_;
    Filter filter_;
    std::array<char, 4'096> chunk_{};
    std::string buffer_;  ///< read and not yet handled
    std::deque<std::string> out_;
    std::size_t queued_{0};
    std::size_t lost_{0};  ///< events there was no room for, since the last that was shown
    bool reading_{false};
    bool writing_{false};
    bool busy_{false};
    bool working_{false};
    bool heardAll_{false};  ///< the peer sends nothing more
    bool leaving_{false};   ///< nothing is read any more; hang up when all is written
    Time lastRequest_;
    Time lineBegan_;
    Time writeBegan_;
};

}  // namespace holdfast::inline v1::monitor
