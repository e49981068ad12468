// SPDX-License-Identifier: BSL-1.0
// holdfast_sim: plays schedules, and finds the shortest that breaks a rule.
#include "machine/libraries.hpp"
#include "world.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

int main(int argc, char** argv) {
    const std::uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const std::uint64_t count = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    const bool tells = argc > 3;
    const std::filesystem::path folder = std::filesystem::temp_directory_path() / fmt::format("holdfast-sim-{}", ::getpid());
    std::filesystem::create_directories(folder);
    sim::loadLibraries(SIM_AGENT, folder);
    sim::Ground ground{SIM_AGENT, folder / "run"};
    double seconds = 0;
    std::uint64_t steps = 0, switches = 0, onlines = 0, failures = 0, calls = 0, deaths = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
        const auto plan = sim::Plan::of(seed + i);
        const auto outcome = sim::play(plan, ground, tells);
        seconds += outcome.seconds; steps += outcome.steps; switches += outcome.switches; onlines += outcome.onlines;
        failures += outcome.failures; calls += outcome.calls; deaths += outcome.deaths;
        if (tells) {
            fmt::print("{}", plan.text());
            for (const auto& line : outcome.story) fmt::print("{}\n", line);
        }
        if (!outcome.violation.empty()) {
            fmt::print("seed {}: {}\n", seed + i, outcome.violation);
            return 1;
        }
    }
    fmt::print("{} schedules: {} steps, {} switches, {:.0f} s, {} onlines, {} failures, {} calls, {} deaths\n", count, steps, switches, seconds, onlines, failures, calls, deaths);
    return 0;
}
