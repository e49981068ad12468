// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/monitor.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v1::monitor {

/** What one peer may use up. */
struct ControlLimits {
    std::size_t connections{64};
    std::chrono::milliseconds idle{60'000};        ///< without a request; a follower may be silent
    std::chrono::milliseconds unfinished{10'000};  ///< a line that has begun must end
    std::chrono::milliseconds unread{10'000};      ///< what we write must be read
    std::size_t queue{std::size_t{256} * 1'024};   ///< bytes that wait for a peer; a follower over it misses events
    std::size_t history{200};                      ///< records kept for those who begin to follow
};

struct ControlOptions {
    std::filesystem::path path;
    /** Hears what people should know of peers; at most a few lines each ten seconds. On the server's thread. */
    std::function<void(LogLevel, std::string)> log;
    /**
     * Reads the configuration again; may wait, on a thread of its own. Answers why nothing was changed, or nothing.
     * Empty: this monitor cannot.
     */
    std::function<std::vector<std::string>()> reload;
    /** Stops the program; must not wait. Empty: `ResourceMonitor::stop`. */
    std::function<void()> stop;
    ControlLimits limits;
};

/**
 * Lets people and programs on this machine ask a monitor over a UNIX socket (docs/control.md).
 *
 * Whatever a peer does costs the monitor a few bounded buffers: sessions live on the server's one thread, nothing there
 * waits for an agent, and only this user and root are heard at all.
 *
 * @par Thread safety `take` from any thread; the rest from one.
 */
class ControlServer {
public:
    explicit ControlServer(ControlOptions options);
    ControlServer(const ControlServer&) = delete;
    ControlServer& operator=(const ControlServer&) = delete;
    ~ControlServer();

    /** Begins to listen; `monitor` must live until `close`. Empty, or why it cannot: nothing runs then. */
    [[nodiscard]] std::string open(ResourceMonitor& monitor);
    /** Ends every session and joins the thread. A second call does nothing. */
    void close();

    /** For `MonitorOptions::observer`: shows the record to those who follow. @par Budget A lock and a copy. */
    void take(const Record& record) noexcept;

    class Core;

private:
    std::shared_ptr<Core> core_;
};

}  // namespace holdfast::inline v1::monitor
