// SPDX-License-Identifier: BSL-1.0
#include "cli/reload_signal.hpp"

#include <csignal>
#include <utility>

namespace holdfast::inline v1::cli {

ReloadSignal::ReloadSignal(monitor::ResourceMonitor& monitor, Console& console, Read read)
    : monitor_{monitor}, console_{console}, read_{std::move(read)}, signals_{io_} {
#if defined(SIGHUP)
    signals_.add(SIGHUP);
    wait();
#endif
}

void ReloadSignal::open() {
    thread_ = std::thread{[this] { io_.run(); }};
}

ReloadSignal::~ReloadSignal() {
    io_.stop();
    if (thread_.joinable()) thread_.join();  // a reload under way ends with the monitor's stop
}

void ReloadSignal::wait() {
    signals_.async_wait([this](const boost::system::error_code& error, int) {
        if (error) return;
        reload();
        wait();
    });
}

void ReloadSignal::reload() {
    auto read = read_();
    for (const auto& note : read.notes) console_.problem(note, true);
    auto problems = std::move(read.problems);
    if (problems.empty()) problems = monitor_.reload(std::move(read.configuration));
    for (const auto& problem : problems) console_.problem(problem, false);
    if (!problems.empty()) console_.say("nothing was changed: the file is refused");
}

}  // namespace holdfast::inline v1::cli
