// SPDX-License-Identifier: BSL-1.0
#include "plan.hpp"

#include <fmt/format.h>

#include <fstream>
#include <stdexcept>

namespace chaos {

namespace {

constexpr unsigned block = 10;  // resources of one pattern: dependencies and groups stay inside

void write(std::ostream& out, const Planned& planned, const Options& options) {
    out << fmt::format("\n[[resource]]\nname = \"{}\"\nhost = \"{}\"\n", planned.name, planned.host);
    if (!planned.group.empty()) out << fmt::format("group = \"{}\"\n", planned.group);
    if (!planned.dependsOn.empty()) {
        out << "dependsOn = [";
        for (const auto& provider : planned.dependsOn) out << fmt::format("\"{}\", ", provider);
        out << "]\n";
    }
    out << "LooksAlivePollInterval = \"1 s\"\nIsAlivePollInterval = \"2 s\"\nRestartDelay = \"100 ms\"\n"
           "RestartPeriod = \"2 min\"\nRetryPeriodOnFailure = 0xFFFFFFFF\n";
    out << fmt::format("RestartThreshold = {}\n", planned.mayFail ? 1 : 100'000);
    if (!planned.runs()) {
        out << fmt::format("type = \"Scripted\"\nagent = \"{}\"\n[resource.properties]\nScript = \"online-pends\"\n",
                           options.scripted.string());
        return;
    }
    const bool adoptable = planned.kind == Kind::adoptable;
    out << fmt::format("type = \"{}\"\nagent = \"{}\"\n[resource.properties]\nProgram = \"{}\"\n",
                       adoptable ? "Application" : "Fleeting", (adoptable ? options.agent : options.fleeting).string(),
                       options.victim.string());
    out << fmt::format("Arguments = [\"--directory\", \"{}\", \"--name\", \"{}\", \"--tree\", \"{}\"]\n",
                       options.directory.string(), planned.name, planned.tree);
    out << "CheckInterval = \"1 s\"\n";
    if (adoptable) out << "StartTime = \"20 ms\"\nStopPatience = \"2 s\"\n";
}

}  // namespace

Plan makePlan(const Options& options) {
    Plan plan;
    for (unsigned i = 0; i < options.resources; ++i) {
        const unsigned place = i % block;
        const unsigned number = i / block;
        Planned planned;
        planned.name = fmt::format("r{:03}", i);
        planned.host = fmt::format("h{:02}", i % options.hosts);
        if (number % 2 == 1) {
            planned.group = fmt::format("g{}", number / 2);
            if (place == 0) plan.groups.push_back(planned.group);
        }
        planned.kind = place == 6 ? Kind::scripted : place == 7 || place == 8 ? Kind::fleeting : Kind::adoptable;
        if (planned.runs() && (place == 1 || place == 4 || place == 8)) planned.tree = 3;
        planned.mayFail = place == 9;
        const auto provider = [&](unsigned other) {
            planned.dependsOn.push_back(fmt::format("r{:03}", number * block + other));
        };
        if (place == 2 || place == 3) provider(place - 1);
        if (place == 7) provider(5), provider(6);
        plan.resources.push_back(std::move(planned));
    }
    return plan;
}

std::filesystem::path writePlan(const Plan& plan, const Options& options) {
    const auto file = options.directory / "chaos.toml";
    std::ofstream out{file};
    out << "[monitor]\nname = \"chaos\"\nstate = \"state\"\nrunDirectory = \"run\"\ncontrol = \"control.sock\"\n"
           "stopPatience = \"5 s\"\n";
    for (std::size_t i = 0; i < plan.groups.size(); ++i) {
        out << fmt::format("\n[[group]]\nname = \"{}\"\nfailover = \"{}\"\n", plan.groups[i],
                           i % 2 == 1 ? "restart" : "stay");
    }
    for (const auto& planned : plan.resources) write(out, planned, options);
    out.close();
    if (!out) throw std::runtime_error{"cannot write " + file.string()};
    return file;
}

}  // namespace chaos
