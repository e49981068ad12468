// SPDX-License-Identifier: BSL-1.0
#include "monitor/metrics.hpp"

#include "monitor/reason_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::array<abi::ResourceState, 5> shownStates{abi::ResourceState::online, abi::ResourceState::offline,
                                                        abi::ResourceState::failed, abi::ResourceState::onlinePending,
                                                        abi::ResourceState::offlinePending};

double seconds(std::chrono::nanoseconds span) { return std::chrono::duration<double>(span).count(); }

class Exposition {
public:
    void family(std::string_view name, std::string_view kind, std::string_view help) {
        add("# HELP {} {}\n# TYPE {} {}\n", name, help, name, kind);
    }
    template <typename Value>
    void sample(std::string_view name, std::string_view labels, Value value) {
        add("{}{}{}{} {}\n", name, labels.empty() ? "" : "{", labels, labels.empty() ? "" : "}", value);
    }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    template <typename... Arguments>
    void add(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Arguments>(arguments)...);
    }
    std::string text_;
};

std::string labelsOf(const ResourceSnapshot& resource) {
    return fmt::format("resource=\"{}\",type=\"{}\"", labelText(resource.name), labelText(resource.type));
}

/** One family with a sample for each resource that has one. */
void perResource(Exposition& out, const MetricsInput& input, std::string_view name, std::string_view kind,
                 std::string_view help, const std::function<std::optional<double>(const ResourceSnapshot&)>& value) {
    out.family(name, kind, help);
    for (const auto& resource : input.resources) {
        if (const auto number = value(resource)) out.sample(name, labelsOf(resource), *number);
    }
}

void states(Exposition& out, const MetricsInput& input) {
    out.family("holdfast_resource_state", "gauge", "1 for the state the resource is in, 0 for the others.");
    for (const auto& resource : input.resources) {
        const bool known = std::find(shownStates.begin(), shownStates.end(), resource.external) != shownStates.end();
        for (const auto state : shownStates) {
            out.sample("holdfast_resource_state", fmt::format("{},state=\"{}\"", labelsOf(resource), stateName(state)),
                       state == resource.external ? 1 : 0);
        }
        out.sample("holdfast_resource_state", labelsOf(resource) + ",state=\"other\"", known ? 0 : 1);
    }
}

void resources(Exposition& out, const MetricsInput& input) {
    const auto count = [](std::uint64_t number) { return static_cast<double>(number); };
    perResource(out, input, "holdfast_resource_onlines_total", "counter", "Times the resource came online.",
                [&](const auto& r) { return count(r.onlines); });
    perResource(out, input, "holdfast_resource_failures_total", "counter", "Failures of the resource.",
                [&](const auto& r) { return count(r.failures); });
    perResource(out, input, "holdfast_resource_restarts_total", "counter", "Restarts made by policy.",
                [&](const auto& r) { return count(r.restarts); });
    perResource(out, input, "holdfast_resource_wanted", "gauge", "1 if the resource was last asked to be online.",
                [](const auto& r) { return r.wanted ? 1.0 : 0.0; });
    perResource(out, input, "holdfast_resource_pending_seconds", "gauge",
                "How long the resource has been coming online or going offline; 0 if it is not.", [&](const auto& r) {
                    const bool pending = r.external == abi::ResourceState::onlinePending ||
                                         r.external == abi::ResourceState::offlinePending;
                    return pending ? std::max(0.0, seconds(input.now - r.since)) : 0.0;
                });
    perResource(out, input, "holdfast_resource_last_check_age_seconds", "gauge",
                "Age of the last health check this run answered.",
                [&](const ResourceSnapshot& r) -> std::optional<double> {
                    if (!r.lastCheck) return std::nullopt;
                    return std::max(0.0, seconds(input.now - r.lastCheck->at));
                });
    perResource(out, input, "holdfast_resource_restart_in_seconds", "gauge", "Time until the restart that is due.",
                [&](const ResourceSnapshot& r) -> std::optional<double> {
                    if (!r.restartPending) return std::nullopt;
                    return std::max(0.0, seconds(r.restartAt - input.now));
                });
}

void calls(Exposition& out, const MetricsInput& input) {
    constexpr std::string_view name = "holdfast_call_duration_seconds";
    out.family(name, "histogram", "Duration of calls of agents' entry points.");
    for (const auto& row : input.calls) {
        const std::string entry = fmt::format("entry_point=\"{}\"", nameOf(row.entryPoint));
        for (std::size_t i = 0; i < row.atMost.size(); ++i) {
            out.sample(fmt::format("{}_bucket", name),
                       fmt::format("{},le=\"{}\"", entry, seconds(CallHistogram::bounds[i])), row.atMost[i]);
        }
        out.sample(fmt::format("{}_bucket", name), entry + ",le=\"+Inf\"", row.count);
        out.sample(fmt::format("{}_sum", name), entry, seconds(row.sum));
        out.sample(fmt::format("{}_count", name), entry, row.count);
    }
    out.family("holdfast_calls_over_budget_total", "counter", "Calls that took longer than an entry point should.");
    for (const auto& row : input.calls) {
        out.sample("holdfast_calls_over_budget_total", fmt::format("entry_point=\"{}\"", nameOf(row.entryPoint)),
                   row.overBudget);
    }
    out.family("holdfast_call_budget_seconds", "gauge", "What a call of the entry point should take at most.");
    for (const auto& row : input.calls) {
        out.sample("holdfast_call_budget_seconds", fmt::format("entry_point=\"{}\"", nameOf(row.entryPoint)),
                   seconds(budgetOf(row.entryPoint)));
    }
}

}  // namespace

std::string labelText(std::string_view value) {
    std::string out;
    for (const char c : value) {
        if (c == '\n') {
            out += "\\n";
            continue;
        }
        if (c == '\\' || c == '"') out.push_back('\\');
        out.push_back(c);
    }
    return out;
}

std::string metricsText(const MetricsInput& input) {
    Exposition out;
    std::set<std::int64_t> hosts;
    for (const auto& resource : input.resources) {
        if (resource.hostProcess != 0) hosts.insert(resource.hostProcess);
    }
    out.family("holdfast_monitor_start_time_seconds", "gauge", "Start of the monitor since the epoch.");
    out.sample("holdfast_monitor_start_time_seconds", "",
               std::chrono::duration<double>(input.started.time_since_epoch()).count());
    out.family("holdfast_monitor_hosts", "gauge", "Host processes that run now; 0 if agents run in the monitor.");
    out.sample("holdfast_monitor_hosts", "", hosts.size());
    states(out, input);
    resources(out, input);
    calls(out, input);
    return out.take();
}

}  // namespace holdfast::inline v1::monitor
