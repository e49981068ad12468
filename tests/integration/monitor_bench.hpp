// SPDX-License-Identifier: BSL-1.0
#pragma once

// Runs a ResourceMonitor on scripted agents and keeps what it said.

#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/monitor/monitor.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;
using core::MonitorState;

/** Generous: a loaded machine is no failure. Only a broken promise takes this long. */
inline constexpr auto patience = 30s;

inline bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
        if (holds()) return true;
        std::this_thread::sleep_for(2ms);
    }
    return holds();
}

inline monitor::ResourceConfiguration scripted(const std::string& name, const std::string& script,
                                               std::vector<std::string> dependsOn = {}) {
    monitor::ResourceConfiguration resource;
    resource.name = name;
    resource.type = "Scripted";
    resource.agent = SCRIPTED_AGENT;
    resource.dependsOn = std::move(dependsOn);
    resource.times.isAlivePollInterval = 20ms;
    resource.times.looksAlivePollInterval = 10ms;
    resource.restart.delay = 10ms;
    resource.restart.threshold = 0;
    if (!script.empty()) resource.properties.push_back({"Script", script, {"test.toml", 7}});
    return resource;
}

inline monitor::MonitorConfiguration configurationOf(std::vector<monitor::ResourceConfiguration> resources) {
    monitor::MonitorConfiguration configuration;
    configuration.name = "bench";
    configuration.resources = std::move(resources);
    return configuration;
}

class Bench {
public:
    explicit Bench(std::vector<monitor::ResourceConfiguration> resources, monitor::MonitorOptions options = {})
        : Bench{configurationOf(std::move(resources)), std::move(options)} {}
    explicit Bench(monitor::MonitorConfiguration configuration, monitor::MonitorOptions options = {}) {
        options.observer = [this](const monitor::Record& record) {
            const std::lock_guard lock{mutex_};
            records_.push_back(record);
        };
        monitor_ = std::make_unique<monitor::ResourceMonitor>(std::move(configuration), std::move(options));
    }
    ~Bench() { monitor_.reset(); }

    monitor::ResourceMonitor& operator*() { return *monitor_; }
    monitor::ResourceMonitor* operator->() { return monitor_.get(); }

    [[nodiscard]] MonitorState state(const std::string& name) const {
        for (const auto& snapshot : monitor_->snapshot()) {
            if (snapshot.name == name) return snapshot.state;
        }
        return MonitorState::closed;
    }
    [[nodiscard]] monitor::ResourceSnapshot snapshot(const std::string& name) const {
        for (auto& snapshot : monitor_->snapshot()) {
            if (snapshot.name == name) return snapshot;
        }
        return {};
    }
    [[nodiscard]] bool isOnline(const std::string& name) const {
        return snapshot(name).external == abi::ResourceState::online;
    }

    [[nodiscard]] std::vector<monitor::Record> records() const {
        const std::lock_guard lock{mutex_};
        return records_;
    }
    [[nodiscard]] bool logged(const std::string& text) const {
        for (const auto& record : records()) {
            const auto* log = std::get_if<monitor::LogRecord>(&record.what);
            if (log != nullptr && log->text.find(text) != std::string::npos) return true;
        }
        return false;
    }
    [[nodiscard]] std::size_t calls(const std::string& resource, monitor::EntryPoint entryPoint) const {
        const auto all = records();
        return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const monitor::Record& record) {
            const auto* call = std::get_if<monitor::CallRecord>(&record.what);
            return call != nullptr && record.resource == resource && call->entryPoint == entryPoint;
        }));
    }
    /** The states a resource went through, in order. */
    [[nodiscard]] std::vector<MonitorState> path(const std::string& resource) const {
        std::vector<MonitorState> states;
        for (const auto& record : records()) {
            const auto* state = std::get_if<monitor::StateRecord>(&record.what);
            if (state != nullptr && record.resource == resource) states.push_back(state->to);
        }
        return states;
    }
    void stop() {
        monitor_->stop();
        stopped_ = monitor_->waitStopped(patience);
    }
    [[nodiscard]] bool stopped() const { return stopped_; }
    /** Ends the monitor itself, its hosts too. */
    void end() { monitor_.reset(); }

private:
    mutable std::mutex mutex_;
    std::vector<monitor::Record> records_;
    std::unique_ptr<monitor::ResourceMonitor> monitor_;
    bool stopped_{false};
};

}  // namespace holdfast::test
