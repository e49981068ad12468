// SPDX-License-Identifier: BSL-1.0
#include "cli/run_command.hpp"

#include "cli/console.hpp"
#include "cli/host_setup.hpp"
#include "cli/reload_signal.hpp"
#include "cli/run_control.hpp"
#include "cli/state_directory.hpp"
#include "cli/terminal.hpp"

#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/monitor/monitor.hpp>
#include <holdfast/os/process.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

namespace holdfast::inline v1::cli {

namespace {

using namespace std::chrono_literals;

/** How long the second signal waits for Terminate and Close before the program leaves without them. */
constexpr auto lastPatience = 10s;
/** Signals closer together than this are one wish: `timeout` and some terminals send theirs twice. */
constexpr auto oneWish = 250ms;

/** Ctrl-C and SIGTERM, on a thread of their own: the first stops, the second terminates, the third leaves. */
class StopSignals {
public:
    StopSignals(monitor::ResourceMonitor& monitor, Console& console) : monitor_{monitor}, console_{console} {
#if defined(SIGBREAK)
        signals_.add(SIGBREAK);  // Ctrl-Break, and the end of the console or of the session
#endif
        wait();
        thread_ = std::thread{[this] { io_.run(); }};
    }
    ~StopSignals() {
        io_.stop();
        thread_.join();
    }
    [[nodiscard]] int count() const noexcept { return count_; }

private:
    void wait() {
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (error) return;
            const auto now = std::chrono::steady_clock::now();
            if (now - last_ < oneWish) return wait();
            last_ = now;
            const int number = ++count_;
            if (number >= 3) {
                restoreTerminal();
                monitor_.abandon();
                std::_Exit(static_cast<int>(ExitCode::stopFailed));
            }
            console_.say(number == 1 ? "stopping: every resource goes offline; a second signal terminates them"
                                     : "terminating what still runs; a third signal leaves at once");
            monitor_.stop();
            wait();
        });
    }

    monitor::ResourceMonitor& monitor_;
    Console& console_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGINT, SIGTERM};
    std::atomic<int> count_{0};
    std::chrono::steady_clock::time_point last_{};
    std::thread thread_;
};

/** Waits for the end, but after a second signal not for ever. */
void waitForEnd(monitor::ResourceMonitor& monitor, const StopSignals& signals) {
    auto deadline = std::chrono::steady_clock::time_point::max();
    while (!monitor.waitStopped(100ms)) {
        const auto now = std::chrono::steady_clock::now();
        if (signals.count() >= 2 && deadline == std::chrono::steady_clock::time_point::max())
            deadline = now + lastPatience;
        if (now > deadline) return;
    }
}

/** Where a check puts what hosts need: nobody else's, and gone afterwards. */
class ScratchDirectory {
public:
    [[nodiscard]] static std::filesystem::path path() {
        std::error_code ignored;
        const auto folder = std::filesystem::temp_directory_path(ignored);
        return folder / ("holdfast-check-" + std::to_string(os::processId()));
    }
    explicit ScratchDirectory(bool used) : used_{used} {}
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory() {
        std::error_code ignored;
        if (used_) std::filesystem::remove_all(path(), ignored);
    }

private:
    const bool used_;
};

/** The file, and what the command line and the program add to it. */
monitor::ReadConfiguration readFile(const RunOptions& options) {
    auto read = monitor::readConfiguration(options.file);
    auto& configuration = read.configuration;
    if (!options.trace.empty()) configuration.trace = options.trace;
    if (configuration.state.empty()) configuration.state = defaultStateDirectory(configuration.name);
    if (options.check) {  // what runs on the same file must not notice
        configuration.trace.clear();
        configuration.state.clear();
        configuration.runDirectory = ScratchDirectory::path();
    } else if (configuration.state.empty()) {
        read.notes.push_back({{options.file, 0}, "no directory for the state: nothing survives the monitor"});
    }
    return read;
}

}  // namespace

ExitCode runMonitor(const RunOptions& options) {
    Console console{options.json};
    auto read = readFile(options);
    for (const auto& note : read.notes) console.problem(note, true);
    for (const auto& problem : read.problems) console.problem(problem, false);
    const auto finish = [&](ExitCode code) {
        console.ended(static_cast<int>(code));
        return code;
    };
    if (!read.problems.empty()) return finish(ExitCode::configuration);
    if (options.live && !terminalTraits().terminal) {
        console.problem({{}, "--live needs a terminal"}, false);
        return finish(ExitCode::usage);
    }
    const std::size_t resources = read.configuration.resources.size();

    RunControl control{options, read.configuration, console, [&] { return readFile(options); }};
    monitor::MonitorOptions monitorOptions;
    monitorOptions.observer = [&](const monitor::Record& record) {
        console.record(record);
        control.take(record);
    };
    try {
        chooseHost(monitorOptions, options, read.configuration);
    } catch (const std::exception& error) {
        console.problem({{options.file, 0}, error.what()}, false);
        return finish(ExitCode::configuration);
    }
    const ScratchDirectory scratch{options.check};
    std::unique_ptr<monitor::ResourceMonitor> made;
    try {
        made = std::make_unique<monitor::ResourceMonitor>(std::move(read.configuration), std::move(monitorOptions));
    } catch (const std::runtime_error& error) {  // its hosts have no place
        console.problem({{options.file, 0}, error.what()}, false);
        return finish(ExitCode::configuration);
    }
    auto& monitor = *made;
    const StopSignals signals{monitor, console};
    ReloadSignal reload{monitor, console, [&] { return readFile(options); }};
    const RunControl::Open open{control};
    if (!control.open(monitor)) return finish(ExitCode::configuration);

    const auto problems = monitor.prepare();
    const bool interrupted = signals.count() > 0;
    if (!interrupted) {
        for (const auto& problem : problems) console.problem(problem, false);
    }
    if (!problems.empty() || options.check) {
        monitor.stop();
    } else {
        monitor.start();
        reload.open();
        control.show(monitor);
    }
    waitForEnd(monitor, signals);
    control.hide();

    const auto outcome = monitor.outcome();
    if (problems.empty() && !options.check) console.calls(monitor.calls());
    auto code = ExitCode::success;
    if (outcome.failedResource) code = ExitCode::failedResource;
    if (outcome.stopFailed || !outcome.running.empty() || !monitor.waitStopped(0ms)) code = ExitCode::stopFailed;
    if (!problems.empty() && !interrupted) code = ExitCode::configuration;
    if (options.check && code == ExitCode::success) {
        console.say(options.file + ": " + std::to_string(resources) + (resources == 1 ? " resource" : " resources") +
                    ", nothing is wrong");
    }
    console.ended(static_cast<int>(code));
    if (!outcome.running.empty() || !monitor.waitStopped(0ms)) {
        for (const auto& call : outcome.running) console.say("never returned: " + call);
        control.close();
        monitor.abandon();
        std::_Exit(static_cast<int>(code));  // a thread inside an agent must not meet our destructors
    }
    return code;
}

}  // namespace holdfast::inline v1::cli
