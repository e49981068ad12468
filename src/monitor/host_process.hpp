// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/frame.hpp"
#include "monitor/host_life.hpp"

#include <boost/asio/io_context.hpp>
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

/**
 * One host process: frames in and out, its life and its death.
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
    ~HostProcess() = default;

    /** Starts it; what is wrong comes as `died`. */
    void start();
    void send(std::string frame);
    /** Ends it; `why` becomes part of the end's text. */
    void kill(std::string why);
    /** The same, for what it did to its connection. */
    void killSpoiled(std::string why);
    /** Nothing more is sent; the host exits once it has read what was, or is killed. */
    void leave();

    [[nodiscard]] bool isReady() const noexcept { return ready_ && !dead_; }
    [[nodiscard]] bool isDead() const noexcept { return dead_; }
    [[nodiscard]] bool isProved() const noexcept { return proved_; }
    [[nodiscard]] std::int64_t process() const noexcept { return process_; }
    /** Null before `start`. */
    [[nodiscard]] std::shared_ptr<HostLife> life() const noexcept { return life_; }

private:
    void readFrames();
    void writeFrames();
    void readLines();
    void die(HostEnd end);
    void prove();
    void armKill();
    void awaitLeaving();

    boost::asio::io_context& io_;
    const HostProcessOrder order_;
    Events events_;
    HostFrames frames_;
    HostOutput output_;
    boost::asio::steady_timer timer_;  ///< the greeting, then the kill, then the proof
    std::shared_ptr<HostLife> life_;
    FrameCutter cutter_;
    std::array<char, 65'536> buffer_{};
    std::array<char, 4'096> lines_{};
    std::string pendingLine_;
    std::deque<std::string> outgoing_;
    bool writing_{false};
    bool ready_{false};
    bool dead_{false};
    bool proved_{false};
    bool killed_{false};
    bool left_{false};     ///< told to leave
    bool spoiled_{false};  ///< killed for what it did to its connection
    std::string why_;
    std::int64_t process_{0};
};

}  // namespace holdfast::inline v1::monitor
