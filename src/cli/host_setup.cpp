// SPDX-License-Identifier: BSL-1.0
#include "cli/host_setup.hpp"

#include "cli/places.hpp"
#include "monitor/run_directory.hpp"

#include <holdfast/monitor/in_process_host.hpp>
#include <holdfast/monitor/process_host.hpp>
#include <holdfast/monitor/resource_keys.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace holdfast::inline v1::cli {

namespace fs = std::filesystem;

namespace {

std::string variable(const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): before any other thread runs
    return value == nullptr ? std::string{} : std::string{value};
}

/** Tells files of one name in different folders apart (FNV-1a). */
std::uint32_t hashOf(const std::string& text) {
    std::uint32_t hash = 2'166'136'261U;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;
    return hash;
}

fs::path programNamed(const char* name) {
    fs::path found = companionProgram(name);
    if (found.empty()) throw std::runtime_error{fmt::format("{} is not installed with this program", name)};
    return found;
}

#if defined(_WIN32)
constexpr bool reapersOwnProcesses = false;
#else
constexpr bool reapersOwnProcesses = true;
#endif

}  // namespace

fs::path runDirectoryFor(const monitor::MonitorConfiguration& configuration, const fs::path& file) {
    if (!configuration.runDirectory.empty()) return configuration.runDirectory;
    if (const auto given = variable("RUNTIME_DIRECTORY"); !given.empty()) return firstPath(given);
    std::error_code ignored;
    const fs::path absolute = fs::weakly_canonical(file, ignored);
    std::string own = fmt::format("{}-{:08x}", file.stem().string().substr(0, 32), hashOf(absolute.string()));
    std::replace(own.begin(), own.end(), ':', '_');  // it ends the directory's name in a reaper's marks
    return runDirectories() / own;
}

fs::path companionProgram(const char* name) {
    std::error_code error;
    const fs::path program = ownProgram();
    if (program.empty()) return {};
    const fs::path here = program.parent_path();
    for (const fs::path& folder : {here, here / "../libexec/holdfast"}) {
        if (const fs::path found = programIn(folder, name); !found.empty()) return fs::weakly_canonical(found, error);
    }
    return {};
}

void chooseHost(monitor::MonitorOptions& monitorOptions, const RunOptions& options,
                const monitor::MonitorConfiguration& configuration) {
    // Where job objects own processes nobody else has to.
    const fs::path reaper = reapersOwnProcesses ? programNamed("holdfast-reaper") : fs::path{};
    const fs::path directory = runDirectoryFor(configuration, options.file);
    if (options.debug) {
        // What agents start is owned by reapers all the same; they look for them in the environment.
        // Held like any monitor's: two of them would take each other's trees away.
        const auto held = std::make_shared<monitor::RunDirectory>(directory);
        monitorOptions.host = [held](monitor::MemoryRegistry& registry, std::weak_ptr<monitor::HostListener> listener) {
            return std::make_unique<monitor::InProcessHost>(registry, std::move(listener), monitor::systemKeys());
        };
        setVariable("HOLDFAST_RUN_DIRECTORY", held->path().string());
        if (!reaper.empty()) setVariable("HOLDFAST_REAPER", reaper.string());
        setVariable("HOLDFAST_ADOPT_TIMEOUT", std::to_string(configuration.adoptTimeout.count()));
        return;
    }
    monitor::ProcessHostSettings settings;
    settings.hostProgram = programNamed("holdfast-host");
    settings.reaperProgram = reaper;
    settings.runDirectory = directory;
    settings.adoptTimeout = configuration.adoptTimeout;
    settings.stacksProgram = companionProgram("holdfast-stacks");  // empty: flight files say that there are no stacks
    settings.flightDirectory = configuration.state;                // what outlives a run belongs there, if there is one
    monitorOptions.host = [settings = std::move(settings)](monitor::MemoryRegistry& registry,
                                                           std::weak_ptr<monitor::HostListener> listener) {
        return std::make_unique<monitor::ProcessHost>(settings, registry, std::move(listener));
    };
}

}  // namespace holdfast::inline v1::cli
