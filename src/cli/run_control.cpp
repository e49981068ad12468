// SPDX-License-Identifier: BSL-1.0
#include "cli/run_control.hpp"

#include "cli/find_monitor.hpp"
#include "cli/host_setup.hpp"
#include "cli/signals.hpp"
#include "monitor/snapshot_json.hpp"

#include <boost/json.hpp>

#include <chrono>
#include <utility>
#include <vector>

namespace holdfast::inline v1::cli {

RunControl::RunControl(const RunOptions& options, const monitor::MonitorConfiguration& configuration, Console& console,
                       std::function<monitor::ReadConfiguration()> read)
    : options_{options}, console_{console}, read_{std::move(read)} {
    path_ = !options.control.empty() ? options.control : configuration.control.string();
    asked_ = !path_.empty();
    if (!asked_) path_ = (runDirectoryFor(configuration, options.file) / controlName).string();
    monitor::ControlOptions control;
    control.path = path_;
    control.log = [this](LogLevel level, std::string text) {
        console_.record({std::chrono::system_clock::now(), {}, monitor::LogRecord{level, {}, std::move(text), false}});
    };
    // As if it came from a terminal: the first stops, the second terminates.
    control.stop = [] { askToStop(); };
    control.reload = [this] { return reload(); };
    server_ = std::make_unique<monitor::ControlServer>(std::move(control));
}

bool RunControl::open(monitor::ResourceMonitor& monitor) {
    if (options_.check) return true;
    auto problem =
        path_.empty() ? std::string{"there is no folder for it (XDG_RUNTIME_DIR is not set)"} : server_->open(monitor);
    if (problem.empty()) return true;
    if (asked_) {
        console_.problem({{options_.file, 0}, "control socket: " + problem}, false);
        return false;
    }
    console_.say("no control socket: " + problem);
    return true;
}

std::vector<std::string> RunControl::reload() {
    auto* const monitor = loaded_.load();
    if (monitor == nullptr) return {"the monitor is still loading its agents"};
    auto read = read_();
    for (const auto& note : read.notes) console_.problem(note, true);
    auto problems = std::move(read.problems);
    if (problems.empty()) problems = monitor->reload(std::move(read.configuration));
    std::vector<std::string> out;
    for (const auto& problem : problems) out.push_back(problem.toString());
    return out;
}

void RunControl::show(monitor::ResourceMonitor& monitor) {
    loaded_ = &monitor;
    const auto traits = terminalTraits();
    if (options_.plain || options_.json || !traits.terminal) return;
    view_ = std::make_unique<LiveView>(options_.file, "Ctrl-C takes every resource offline", traits.style, [&monitor] {
        const auto now = std::chrono::steady_clock::now();
        std::vector<ViewRow> rows;
        for (const auto& snapshot : monitor.snapshot()) rows.push_back(rowOf(monitor::toJsonObject(snapshot, now)));
        return rows;
    });
    console_.redirect([this](std::string_view line) { view_->note(line); });
    view_->start();
}

void RunControl::hide() {
    if (!view_) return;
    view_->stop();
    console_.redirect({});
    for (const auto& line : view_->lastPicture()) console_.say(line);
    view_.reset();
}

void RunControl::close() {
    hide();
    server_->close();
}

}  // namespace holdfast::inline v1::cli
