// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/call_board.hpp"
#include "monitor/frame.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace holdfast::inline v1::monitor {

/** How a host process is to be started. */
struct HostProcessOrder {
    std::filesystem::path hostProgram;
    std::filesystem::path reaperProgram;  ///< run as its guard
    std::string runDirectory;
    std::string marker;  ///< the value of HOLDFAST_HOST, its own in the whole system
    std::chrono::milliseconds adoptTimeout{30'000};
    std::chrono::milliseconds killPatience{10'000};
};

/** How one ended. */
struct HostEnd {
    bool signalled{false};
    int number{0};        ///< the signal or the exit status
    std::string problem;  ///< what is known beside that; of a start that failed, why
    bool unasked{false};  ///< it lost or spoiled its connection by itself, or left before it was told to
    CallBoard::Ending noted{CallBoard::Ending::none};
    std::vector<CallBoard::Worker> blamed;  ///< on the thread that ended it
    std::vector<CallBoard::Worker> atWork;  ///< all who were
};

/**
 * One host process with its guard: frames in and out, its life and its death.
 *
 * @par Thread safety One owner: everything runs on the io_context's single thread, the callbacks too.
 */
class HostProcess final : public std::enable_shared_from_this<HostProcess> {
public:
    struct Events {
        std::function<void()> ready;  ///< it said hello
        std::function<void(const Frame&)> frame;
        std::function<void(std::string)> said;  ///< a line of its standard output or error
        std::function<void(HostEnd)> died;      ///< once
        std::function<void()> proved;           ///< once, after `died`: nothing is left but trees of reapers
        std::function<void(std::string)> unkillable;
    };

    HostProcess(boost::asio::io_context& io, HostProcessOrder order, Events events);
    HostProcess(const HostProcess&) = delete;
    HostProcess& operator=(const HostProcess&) = delete;
    ~HostProcess();

    /** Starts it; what is wrong comes as `died`. */
    void start();
    void send(std::string frame);
    /** SIGKILL; `why` becomes part of the end's text. */
    void kill(std::string why);
    /** The same, for what it did to its connection. */
    void killSpoiled(std::string why);
    /** Nothing more is sent; the host exits once it has read what was, or is killed. */
    void leave();

    [[nodiscard]] bool isReady() const noexcept { return ready_ && !dead_; }
    [[nodiscard]] bool isDead() const noexcept { return dead_; }
    [[nodiscard]] bool isProved() const noexcept { return proved_; }
    [[nodiscard]] std::int64_t process() const noexcept { return process_; }

private:
    using Descriptor = boost::asio::posix::stream_descriptor;
    void spawn();
    void readFrames();
    void writeFrames();
    void readLines(Descriptor& from, const std::shared_ptr<std::string>& pending, bool isReport);
    void takeReport(std::string_view line);
    void waitForGuard();
    void guardEnded();
    void sweep(int round);
    void die(HostEnd end);
    void prove();
    void armKill();
    void awaitLeaving();

    boost::asio::io_context& io_;
    const HostProcessOrder order_;
    Events events_;
    boost::asio::local::stream_protocol::socket socket_;
    Descriptor output_;
    Descriptor report_;
    Descriptor guardDescriptor_;
    boost::asio::steady_timer timer_;  ///< the greeting, then the kill
    int lifeline_{-1};                 ///< while it is open the guard knows that there is a monitor
    CallBoard* board_{nullptr};
    FrameCutter frames_;
    std::array<char, 65'536> buffer_{};
    std::array<char, 4'096> lines_{};
    std::array<char, 512> reports_{};
    std::deque<std::string> outgoing_;
    bool writing_{false};
    bool ready_{false};
    bool dead_{false};
    bool proved_{false};
    bool killed_{false};
    bool left_{false};     ///< told to leave
    bool spoiled_{false};  ///< killed for what it did to its connection
    std::string why_;
    std::int64_t guard_{-1};
    std::int64_t process_{0};
};

}  // namespace holdfast::inline v1::monitor
