// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/console.hpp"

#include <holdfast/monitor/monitor.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <functional>
#include <string>
#include <thread>

namespace holdfast::inline v1::cli {

/**
 * SIGHUP: reads the file again and takes over what changed. On a thread of its own: agents may take their time, and stop
 * signals must not wait for them. Until `open` it is only remembered: nothing can be reloaded before it was loaded.
 */
class ReloadSignal {
public:
    using Read = std::function<monitor::ReadConfiguration()>;

    ReloadSignal(monitor::ResourceMonitor& monitor, Console& console, Read read);
    ReloadSignal(const ReloadSignal&) = delete;
    ReloadSignal& operator=(const ReloadSignal&) = delete;
    ~ReloadSignal();

    void open();

private:
    void wait();
    void reload();

    monitor::ResourceMonitor& monitor_;
    Console& console_;
    const Read read_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_;
    std::thread thread_;
};

}  // namespace holdfast::inline v1::cli
