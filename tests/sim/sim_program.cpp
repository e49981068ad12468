// SPDX-License-Identifier: BSL-1.0
// holdfast_sim: plays schedules, and finds the shortest that breaks a rule (docs/simulation.md).
#include "machine/libraries.hpp"
#include "monitor/reason_text.hpp"
#include "runner.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <thread>

namespace {

void show(const sim::Plan& plan, const sim::Outcome& outcome) {
    fmt::print("{}", plan.text());
    for (const auto& line : outcome.story) fmt::print("{}\n", line);
    if (outcome.violation.empty())
        fmt::print("no rule is broken\n");
    else
        fmt::print("broken: {}\n", outcome.violation);
}

std::string rate(const sim::Sums& sums, double took) {
    return fmt::format("{} schedules, {:.0f}/s", sums.schedules, static_cast<double>(sums.schedules) / took);
}

}  // namespace

int main(int argc, char** argv) {
    CLI::App app{
        "Plays random schedules of a whole monitor with its hosts and agents on an imagined machine, and checks "
        "that no rule is broken. Exit code 0: none was; 1: one was; 2: wrong arguments."};
    sim::Campaign campaign;
    std::uint64_t seed = 0;
    std::uint64_t replay = 0;
    std::int64_t seconds = 0;
    std::string json;
    bool quiet = false;
    bool digests = false;
    campaign.schedules = 1'000'000;
    campaign.jobs = std::max(1U, std::thread::hardware_concurrency());
    app.add_option("--schedules", campaign.schedules, "How many, 1 000 000 by default")->check(CLI::PositiveNumber);
    app.add_option("--seconds", seconds, "No new ones after so many seconds; 0: no limit")
        ->check(CLI::Range(0, 86'400));
    app.add_option("--seed", seed, "Of the first; 0: a random one")->check(CLI::NonNegativeNumber);
    app.add_option("--jobs", campaign.jobs, "Side by side; default: one a processor")->check(CLI::Range(1, 256));
    app.add_option("--most", campaign.mostViolations, "Stop after so many broken rules")->check(CLI::PositiveNumber);
    app.add_option("--replay", replay, "Plays one schedule and tells its story");
    app.add_option("--json", json, "Writes the figures to this file");
    app.add_flag("--digests", digests, "Plays each twice, in a row and alone, and compares every decision");
    app.add_flag("--sabotage", campaign.sabotage, "The agents' terminate() ends nothing: a rule must break");
    app.add_flag("--quiet", quiet, "No progress");
    CLI11_PARSE(app, argc, argv);
    campaign.limit = std::chrono::seconds{seconds};
    campaign.seed = seed != 0 ? seed : std::random_device{}();

    const auto folder = std::filesystem::temp_directory_path() / fmt::format("holdfast-sim-{}", ::getpid());
    int status = 0;
    try {
        std::filesystem::create_directories(folder);
        sim::loadLibraries(SIM_AGENT, folder);
        const sim::Ground ground{SIM_AGENT, folder};
        // Rules that go by the monitor's own words notice when these change.
        using holdfast::core::MonitorReason;
        for (const auto& [reason, words] :
             {std::pair{MonitorReason::unexpectedReport, "outside a pending operation"},
              std::pair{MonitorReason::onlineReportedIllegal, "which no Online may"},
              std::pair{MonitorReason::offlineReportedIllegal, "which no Offline may"},
              std::pair{MonitorReason::lateFailureSignal, "SignalFailure while it is not online"},
              std::pair{MonitorReason::deadlock, "did not return within DeadlockTimeout"},
              std::pair{MonitorReason::onlineTimedOut, "made no progress for PendingTimeout"}}) {
            if (holdfast::monitor::reasonText(reason, {}, 0).find(words) == std::string::npos)
                throw std::runtime_error{std::string{"no reason of the monitor says any more: "} + words};
        }
        // What is made once in a process is made now: then the first schedule of a row is played as every other.
        sim::Plan calm;
        calm.seed = 1;
        calm.end = 3'000 * sim::oneMs;
        for (int i = 0; i < 2; ++i) {
            if (const auto outcome = sim::play(calm, ground, false); !outcome.violation.empty())
                throw std::runtime_error{"the calm schedule breaks a rule: " + outcome.violation};
        }
        if (digests) {
            for (std::uint64_t i = 0; i < campaign.schedules; ++i) {
                const auto outcome = sim::play(sim::Plan::of(campaign.seed + i), ground, false);
                const auto alone = sim::playAlone(sim::Plan::of(campaign.seed + i), ground, false);
                if (!outcome.violation.empty()) throw std::runtime_error{"a rule is broken: " + outcome.violation};
                if (outcome.digest != alone.digest) {
                    fmt::print("seed {}: {} steps here, {} alone\n", campaign.seed + i, outcome.steps, alone.steps);
                    status = 1;
                }
            }
        } else if (replay != 0) {
            const auto plan = sim::Plan::of(replay);
            const auto outcome = sim::playAlone(plan, ground, true);
            show(plan, outcome);
            status = outcome.violation.empty() ? 0 : 1;
        } else {
            const auto begin = std::chrono::steady_clock::now();
            fmt::print("seed {} (--seed repeats it)\n", campaign.seed);
            std::fflush(stdout);
            if (!quiet) {
                campaign.progress = [&](const sim::Sums& sums) {
                    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
                    if (::isatty(1) != 0) fmt::print("\r{}   ", rate(sums, took));
                    std::fflush(stdout);
                };
            }
            const sim::Result result = sim::run(campaign, ground);
            const sim::Sums& sums = result.sums;
            fmt::print("\r{} in {:.1f} s: {} violations\n", rate(sums, result.took), result.took,
                       result.violations.size());
            fmt::print(
                "  imagined time {:.0f} h; {} entry point calls, {} online(), {} failures, {} restarts, {} reports, "
                "{} deaths of a host; {} scheduler steps, {} switches; {} not prepared in time\n",
                sums.seconds / 3'600, sums.calls, sums.onlines, sums.failures, sums.restarts, sums.reports, sums.deaths,
                sums.steps, sums.switches, sums.refused);
            for (const auto& violation : result.violations)
                fmt::print("  seed {} (--replay {}): {}\n", violation.seed, violation.seed, violation.text);
            if (!result.violations.empty()) {
                status = 1;
                const auto& first = result.violations.front();
                auto plan = sim::Plan::of(first.seed);
                plan.sabotage = campaign.sabotage;
                const auto again = sim::playAlone(plan, ground, false);
                if (again.violation.empty()) {
                    fmt::print("seed {} breaks no rule when it is played alone: the simulation itself is at fault\n",
                               first.seed);
                } else {
                    fmt::print("shrinking seed {} ...\n", first.seed);
                    std::fflush(stdout);
                    std::uint64_t tried = 0;
                    const auto shortest = sim::shrink(plan, again.violation, ground, tried);
                    fmt::print("the shortest found, of {} tried:\n", tried);
                    show(shortest, sim::playAlone(shortest, ground, true));
                }
            }
            if (!json.empty()) {
                boost::json::array rows;
                const auto row = [&](const char* what, double value, const char* unit) {
                    rows.push_back({{"what", what}, {"subject", "holdfast"}, {"unit", unit}, {"value", value}});
                };
                const auto count = [](std::uint64_t value) { return static_cast<double>(value); };
                row("simulation.violations", count(result.violations.size()), "");
                row("simulation.schedules", count(sums.schedules), "");
                row("simulation.rate", count(sums.schedules) / result.took, "per s");
                row("simulation.imagined", sums.seconds / 3'600, "h");
                row("simulation.calls", count(sums.calls), "");
                row("simulation.reports", count(sums.reports), "");
                row("simulation.failures", count(sums.failures), "");
                row("simulation.deaths", count(sums.deaths), "");
                row("simulation.refused", count(sums.refused), "");
                const boost::json::object figures{{"seed", campaign.seed}, {"rows", rows}};
                std::ofstream{json} << boost::json::serialize(figures) << '\n';
            }
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "holdfast_sim: {}\n", error.what());
        status = 2;
    }
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    std::fflush(nullptr);
    std::_Exit(status);  // what agents registered for the end belongs to processes that are gone
}
