// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/console.hpp"
#include "cli/live_view.hpp"
#include "cli/run_command.hpp"
#include "monitor/control_server.hpp"

#include <holdfast/monitor/monitor.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace holdfast::inline v1::cli {

/**
 * How people reach a running `holdfast run`: the control socket and, on a terminal, the live view.
 *
 * @par Thread safety `take` from any thread; the rest from one.
 */
class RunControl {
public:
    /** `read` reads the file again, for a reload. */
    RunControl(const RunOptions& options, const monitor::MonitorConfiguration& configuration, Console& console,
               std::function<monitor::ReadConfiguration()> read);

    /** For the monitor's observer. */
    void take(const monitor::Record& record) noexcept { server_->take(record); }

    /** While it lives the socket is open; it must go before the monitor does. */
    class Open {
    public:
        explicit Open(RunControl& control) : control_{control} {}
        Open(const Open&) = delete;
        Open& operator=(const Open&) = delete;
        ~Open() { control_.close(); }

    private:
        RunControl& control_;
    };
    /** False if the socket that was asked for cannot be had; that has been said. A default one may be missing. */
    [[nodiscard]] bool open(monitor::ResourceMonitor& monitor);

    /** All is loaded and starts: reloads are possible. Begins the live view, if there is to be one. */
    void show(monitor::ResourceMonitor& monitor);
    /** Ends it, and leaves its last picture. */
    void hide();
    /** Ends both. */
    void close();

private:
    [[nodiscard]] std::vector<std::string> reload();

    const RunOptions& options_;
    Console& console_;
    const std::function<monitor::ReadConfiguration()> read_;
    std::atomic<monitor::ResourceMonitor*> loaded_{nullptr};
    bool asked_{false};  ///< somebody named the socket
    std::string path_;
    std::unique_ptr<monitor::ControlServer> server_;
    std::unique_ptr<LiveView> view_;
};

}  // namespace holdfast::inline v1::cli
