// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/call_board.hpp"

#include <boost/asio/io_context.hpp>
#if defined(_WIN32)
#include <boost/asio/windows/stream_handle.hpp>
#else
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#endif

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::inline v1::monitor {

#if defined(_WIN32)
using HostFrames = boost::asio::windows::stream_handle;
using HostOutput = boost::asio::windows::stream_handle;
#else
using HostFrames = boost::asio::local::stream_protocol::socket;
using HostOutput = boost::asio::posix::stream_descriptor;
#endif

/**
 * All processes that belong to one run directory: hosts, and what their agents start.
 *
 * Linux knows them by a mark in their environment, Windows by a job object of the directory's name.
 *
 * @par Thread safety One owner. @par Errors The constructor throws std::runtime_error.
 */
class HostYard {
public:
    HostYard(const std::filesystem::path& runDirectory, std::filesystem::path reaperProgram);
    HostYard(const HostYard&) = delete;
    HostYard& operator=(const HostYard&) = delete;
    ~HostYard();

    /** The value of HOLDFAST_HOST for the next host: its own in the whole system. */
    [[nodiscard]] std::string nextMark();
    /** Processes of earlier monitors that still run; nothing if that cannot be seen. To be asked before the first host. */
    [[nodiscard]] std::optional<std::vector<std::int64_t>> left() const;
    void kill(const std::vector<std::int64_t>& processes) const;
    /** Windows: the job object that every host belongs to. */
    [[nodiscard]] void* job() const noexcept { return job_; }

private:
    const std::string mark_;  ///< what every mark of this directory begins with
    const std::filesystem::path reaperProgram_;
    std::uint32_t last_{0};
    void* job_{nullptr};
};

/** How a host process is to be started. */
struct HostProcessOrder {
    std::filesystem::path hostProgram;
    std::filesystem::path reaperProgram;  ///< Linux: run as its guard
    std::string runDirectory;
    std::string marker;  ///< the value of HOLDFAST_HOST, its own in the whole system
    std::chrono::milliseconds adoptTimeout{30'000};
    std::chrono::milliseconds killPatience{10'000};
    const HostYard* yard{nullptr};
};

/** How one ended. */
struct HostEnd {
    bool signalled{false};  ///< it did not exit: a signal or an exception ended it, or somebody's kill
    int number{0};          ///< the signal, the exception or the exit status
    std::string problem;    ///< what is known beside that; of a start that failed, why
    bool unasked{false};    ///< it lost or spoiled its connection by itself, or left before it was told to
    CallBoard::Ending noted{CallBoard::Ending::none};
    int notedNumber{0};                     ///< of the board
    std::vector<CallBoard::Worker> blamed;  ///< on the thread that ended it
    std::vector<CallBoard::Worker> atWork;  ///< all who were
};

/** Makes sense of what the system said, once the notes are known; `ready`: it had said hello. */
void settle(HostEnd& end, bool ready);
/** Its own code ended it: no exit, and nobody's kill. */
[[nodiscard]] bool isFault(const HostEnd& end);
/** Somebody ended it at once: we, or somebody outside. */
[[nodiscard]] bool isKill(const HostEnd& end);
/** In words, without the problem. */
[[nodiscard]] std::string textOf(const HostEnd& end);

/**
 * The system's side of one host process: its start, its end, and that nothing of it is left. One implementation per system.
 *
 * @par Thread safety One owner, on the io_context's single thread; the events too.
 */
class HostLife {
public:
    struct Events {
        std::function<void(HostEnd)> ended;  ///< once
        std::function<void()> proved;        ///< once, after `ended`: nothing of it is left
        std::function<void(std::string)> unkillable;
    };

    [[nodiscard]] static std::shared_ptr<HostLife> make(boost::asio::io_context& io, const HostProcessOrder& order,
                                                        Events events);
    virtual ~HostLife() = default;

    /** Starts it with the other ends of these. @par Errors Throws std::exception; then no event comes. */
    virtual void start(HostFrames& frames, HostOutput& output) = 0;
    /** Ends the host and what its agents started. */
    virtual void kill() = 0;
    /** The same, where `kill` did not help. */
    virtual void killHard() = 0;
    /** It has hung up: if it is dying it may go on. */
    virtual void rouse() {}
    /** `process`, the host, goes on, should a look at its threads have left it stopped. */
    virtual void goOn(std::int64_t process) { static_cast<void>(process); }
    /** Null before a start that worked. */
    [[nodiscard]] virtual const CallBoard* board() const noexcept = 0;
    /** Where the `FlightMemory` is, as long as this object lives; null before a start that worked. */
    [[nodiscard]] virtual void* flightMemory() const noexcept = 0;
};

}  // namespace holdfast::inline v1::monitor
