// SPDX-License-Identifier: BSL-1.0
#include "judge.hpp"

#include "processes.hpp"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <set>
#include <utility>

namespace chaos {

namespace {

struct Living {
    unsigned victims{0};
    unsigned trees{0};
    unsigned reapers{0};
};

std::vector<std::string> linesOf(const std::filesystem::path& file) {
    std::vector<std::string> lines;
    std::ifstream in{file};
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    return lines;
}

/** Who may be failed or, for want of a provider, offline. */
bool mayRest(const Plan& plan, const Planned& planned) {
    if (planned.mayFail) return true;
    for (const auto& name : planned.dependsOn) {
        for (const auto& other : plan.resources) {
            if (other.name == name && mayRest(plan, other)) return true;
        }
    }
    return false;
}

}  // namespace

Verdict judge(const Plan& plan, const Options& options, const MonitorLife& monitor) {
    Verdict verdict;
    const auto complain = [&](std::string text) { verdict.violations.push_back(std::move(text)); };
    const auto listed = monitor.list();
    if (listed.size() != plan.resources.size()) {
        complain(fmt::format("'ctl list' shows {} of {} resources", listed.size(), plan.resources.size()));
        return verdict;
    }
    std::map<std::string, Living> living;
    std::set<std::int64_t> hosts;
    unsigned guards = 0;
    unsigned monitors = 0;
    for (const auto& seen : processesOf(options.directory.string())) {
        switch (seen.role) {
            case Role::victim: ++living[seen.resource].victims; break;
            case Role::tree: ++living[seen.resource].trees; break;
            case Role::reaper: ++living[seen.resource].reapers; break;
            case Role::host: hosts.insert(seen.pid); break;
            case Role::guard: ++guards; break;
            case Role::monitor: ++monitors; break;
            case Role::other: ++verdict.orphans; complain(fmt::format("process {} is nobody's", seen.pid));
        }
    }
    std::set<std::int64_t> known;
    for (const auto& planned : plan.resources) {
        const Listed& state = listed.at(planned.name);
        const Living& here = living[planned.name];
        if (state.hostProcess != 0) known.insert(state.hostProcess);
        const bool online = state.external == "Online";
        const bool failed = state.external == "Failed";
        verdict.online += online ? 1 : 0;
        verdict.failed += failed ? 1 : 0;
        verdict.offline += state.external == "Offline" ? 1 : 0;
        const auto describe = [&] {
            return fmt::format("{} is {}{} with {} programs, {} more of their trees, {} reapers: {}", planned.name,
                               state.external, state.restartPending ? " (restart pending)" : "", here.victims,
                               here.trees, here.reapers, state.reason);
        };
        if (!online && (!mayRest(plan, planned) || state.restartPending || (!failed && state.external != "Offline"))) {
            complain(describe());
            continue;
        }
        const unsigned one = online && planned.runs() ? 1 : 0;
        const bool alive = locked((options.directory / (planned.name + ".alive")).string());
        const bool tree = locked((options.directory / (planned.name + ".tree")).string());
        // Of the scattered ones some were killed, which nobody need repair; there may not be more.
        if (here.victims != one || here.reapers != one || here.trees > one * planned.tree) complain(describe());
        if (alive != (one == 1) || tree != (one == 1))
            complain(describe() + fmt::format(" (locks: program {}, tree {})", alive, tree));
        verdict.orphans += one == 0 ? here.victims + here.trees : 0;
    }
    if (monitors != 1) complain(fmt::format("{} monitors", monitors));
    if (hosts != known || guards != hosts.size())
        complain(
            fmt::format("{} hosts run, {} are known to the monitor; {} guards", hosts.size(), known.size(), guards));
    return verdict;
}

std::vector<std::string> doubles(const Options& options) { return linesOf(options.directory / "doubles"); }

unsigned startsOf(const Plan& plan, const Options& options) {
    std::size_t sum = 0;
    for (const auto& planned : plan.resources) sum += linesOf(options.directory / (planned.name + ".starts")).size();
    return static_cast<unsigned>(sum);
}

}  // namespace chaos
