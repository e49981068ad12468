// SPDX-License-Identifier: BSL-1.0
#include "verify/child.hpp"

#include "verify/scenario.hpp"

#include <algorithm>
#include <array>
#include <exception>

namespace holdfast::inline v1::verify {
namespace {

constexpr auto watched = std::to_array<std::string_view>({
    "pending.outside",       "pending.after-terminate",
    "pending.late-report",   "pending.checkpoint",
    "pending.heartbeat",     "pending.endless",
    "pending.final",         "pending.final-state",
    "budget.load",           "budget.startup",
    "budget.open",           "budget.online",
    "budget.offline",        "budget.terminate",
    "budget.looks-alive",    "budget.is-alive",
    "budget.control",        "budget.close",
    "health.event-initial",  "conduct.crash",
    "conduct.hang",          "conduct.exception",
    "conduct.exit",          "conduct.callback-handle",
    "conduct.after-close",   "conduct.log-format",
    "conduct.process-state", "conduct.forbidden-calls",
    "control.async-once",
});

}  // namespace

std::span<const std::string_view> watchedRules() noexcept { return watched; }

const std::vector<Scenario>& scenarios() {
    static const std::vector<Scenario> all = [] {
        std::vector<Scenario> list;
        addLoadScenarios(list);
        addLifecycleScenarios(list);
        addPendingScenarios(list);
        addOverlapScenarios(list);
        addControlScenarios(list);
        addPropertyScenarios(list);
        addLeakScenarios(list);
        addInjectionScenarios(list);
        addHealthScenarios(list);  // last: --break leaves a broken resource
        return list;
    }();
    return all;
}

int runScenario(std::string_view name, const Plan& plan) {
    const auto output = privateOutput();
    prepareScenarioProcess();
    Reporter reporter{output};
    const auto found = std::find_if(scenarios().begin(), scenarios().end(),
                                    [&](const Scenario& scenario) { return scenario.name == name; });
    if (found == scenarios().end()) {
        reporter.note("there is no such scenario");
        return 2;
    }
    bool broken = false;
    // Neither is destroyed: threads of the library may still use them.
    auto* const stage = new Stage{plan, reporter, name};
    try {
        found->run(*stage);
    } catch (const GaveUp&) {
        broken = true;
    } catch (const std::exception& error) {
        reporter.note(error.what());
        leaveProcess(4);
    }
    stage->compareProcessState();
    stage->eraseKeys();
    reporter.done(broken);
    leaveProcess(0);
}

}  // namespace holdfast::inline v1::verify
