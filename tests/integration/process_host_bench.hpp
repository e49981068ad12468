// SPDX-License-Identifier: BSL-1.0
#pragma once

// The Resource Monitor with its agents in processes, and who they are.

#include "monitor/host_life.hpp"
#include "monitor_bench.hpp"
#include "support/processes.hpp"

#include <holdfast/monitor/process_host.hpp>
#include <holdfast/os/process.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::test {

using monitor::EntryPoint;

/** A run directory of its own for each test. */
struct Directory {
    Directory() : path{std::filesystem::temp_directory_path() / ("holdfast-run-" + std::to_string(os::processId()))} {
        std::filesystem::remove_all(path);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

using Adjust = std::function<void(monitor::ProcessHostSettings&)>;

inline monitor::MonitorOptions inProcesses(const std::filesystem::path& directory, const Adjust& adjust = {}) {
    monitor::MonitorOptions options;
    monitor::ProcessHostSettings settings;
    settings.hostProgram = HOST_PROGRAM;
    settings.reaperProgram = REAPER_PROGRAM;
    settings.runDirectory = directory;
    if (adjust) adjust(settings);
    options.host = [settings](monitor::MemoryRegistry& registry, std::weak_ptr<monitor::HostListener> listener) {
        return std::make_unique<monitor::ProcessHost>(settings, registry, std::move(listener));
    };
    return options;
}

/** Every process that belongs to this run directory: hosts, their guards, and what agents start. */
inline std::set<std::int64_t> ours(const std::filesystem::path& directory) {
    std::error_code error;
    return tests::processesOf(std::filesystem::canonical(directory, error));
}

class HostBench : public Bench {
public:
    explicit HostBench(std::vector<monitor::ResourceConfiguration> resources, const Adjust& adjust = {})
        : HostBench{configurationOf(std::move(resources)), adjust} {}
    explicit HostBench(monitor::MonitorConfiguration configuration, const Adjust& adjust = {})
        : HostBench{std::make_unique<Directory>(), std::move(configuration), adjust} {}
    [[nodiscard]] bool nothingLeft() {
        end();
        return eventually([&] { return ours(directory_->path).empty(); });
    }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_->path; }

private:
    HostBench(std::unique_ptr<Directory> directory, monitor::MonitorConfiguration configuration, const Adjust& adjust)
        : Bench{std::move(configuration), inProcesses(directory->path, adjust)}, directory_{std::move(directory)} {}
    std::unique_ptr<Directory> directory_;
};

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace holdfast::test
