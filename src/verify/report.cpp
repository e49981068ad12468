// SPDX-License-Identifier: BSL-1.0
#include "verify/report.hpp"

#include <holdfast/os/child.hpp>

#include <fmt/format.h>
#include <boost/json.hpp>

#include <array>

namespace holdfast::inline v1::verify {
namespace {

namespace json = boost::json;
using std::chrono::nanoseconds;

std::string span(nanoseconds time) {
    const auto ns = static_cast<double>(time.count());
    if (ns < 1e3) return fmt::format("{:.0f} ns", ns);
    if (ns < 1e6) return fmt::format("{:.1f} us", ns / 1e3);
    if (ns < 1e9) return fmt::format("{:.1f} ms", ns / 1e6);
    return fmt::format("{:.1f} s", ns / 1e9);
}

std::string_view label(Judgement judgement) {
    switch (judgement) {
        case Judgement::passed: return "pass";
        case Judgement::notApplicable: return "n/a";
        case Judgement::notChecked: return "?";
        case Judgement::warned: return "warning";
        case Judgement::failed: return "FAIL";
    }
    return "?";
}

std::string_view groupTitle(std::string_view group) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 10> titles{
        {{"load", "Loading"},
         {"lifecycle", "Lifecycle"},
         {"pending", "Pending operations"},
         {"budget", "Budgets"},
         {"health", "Health"},
         {"control", "Control codes"},
         {"property", "Property lists"},
         {"conduct", "Conduct in a shared process"},
         {"leak", "Leaks"},
         {"inject", "Injected faults"}}};
    for (const auto& [name, title] : titles) {
        if (name == group) return title;
    }
    return group;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += c;
        }
    }
    return out;
}

std::string timingTable(const Report& report) {
    std::string text =
        fmt::format("\n{:<20}{:>8}{:>10}{:>10}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}  worst in\n", "calls", "number",
                    "median", "worst", "10us", "100us", "1ms", "10ms", "50ms", "300ms", "more");
    for (const Timing& timing : report.timings) {
        text +=
            fmt::format("{:<20}{:>8}{:>10}{:>10}", timing.call, timing.count, span(timing.median), span(timing.worst));
        for (const auto count : timing.histogram)
            text += count == 0 ? fmt::format("{:>8}", ".") : fmt::format("{:>8}", count);
        text += "  " + timing.worstWhere + "\n";
    }
    return text;
}

}  // namespace

std::string toText(const Report& report, bool quiet) {
    std::string text;
    std::string_view group;
    for (const Finding& finding : report.findings) {
        const bool wrong = finding.judgement == Judgement::failed || finding.judgement == Judgement::warned;
        if (quiet && !wrong) continue;
        const auto itsGroup = finding.rule->id.substr(0, finding.rule->id.find('.'));
        if (itsGroup != group) {
            group = itsGroup;
            text += fmt::format("\n{}\n", groupTitle(group));
        }
        text += fmt::format("  {:<8} {:<30} {:<7} {}\n", label(finding.judgement), finding.rule->id,
                            finding.rule->clause, finding.rule->title);
        if (finding.scenarios.empty()) continue;
        for (const std::string& line : finding.evidence) text += fmt::format("           {}\n", line);
        if (wrong) text += fmt::format("           to mend it: {}\n", finding.rule->mend);
    }
    if (!quiet) text += timingTable(report);
    text += fmt::format(
        "\n{} rules: {} passed, {} failed, {} warnings, {} not applicable, {} not checked; {} calls in {} processes, "
        "{:.1f} s, seed {}\n",
        report.findings.size(), report.count(Judgement::passed), report.count(Judgement::failed),
        report.count(Judgement::warned), report.count(Judgement::notApplicable), report.count(Judgement::notChecked),
        report.calls, report.scenariosRun, std::chrono::duration<double>(report.took).count(), report.seed);
    return text;
}

std::string toJson(const Report& report) {
    json::array findings;
    for (const Finding& finding : report.findings) {
        json::array evidence;
        for (const std::string& line : finding.evidence) evidence.emplace_back(line);
        json::array scenarios;
        for (const std::string& name : finding.scenarios) scenarios.emplace_back(name);
        findings.push_back(json::object{{"id", std::string{finding.rule->id}},
                                        {"clause", std::string{finding.rule->clause}},
                                        {"title", std::string{finding.rule->title}},
                                        {"judgement", std::string{nameOf(finding.judgement)}},
                                        {"evidence", evidence},
                                        {"mend", std::string{finding.rule->mend}},
                                        {"scenarios", scenarios}});
    }
    json::array timings;
    for (const Timing& timing : report.timings) {
        json::array histogram;
        for (const auto count : timing.histogram) histogram.emplace_back(count);
        timings.push_back(json::object{{"call", timing.call},
                                       {"rule", timing.budget},
                                       {"count", timing.count},
                                       {"median", timing.median.count()},
                                       {"worst", timing.worst.count()},
                                       {"worstWhere", timing.worstWhere},
                                       {"over50ms", timing.over50},
                                       {"over300ms", timing.over300},
                                       {"histogram", histogram}});
    }
    return json::serialize(json::object{
               {"verify", 1},
               {"agent", report.agent},
               {"type", report.type},
               {"seed", report.seed},
               {"worst", std::string{nameOf(report.worst())}},
               {"seconds", std::chrono::duration<double>(report.took).count()},
               {"calls", report.calls},
               {"processes", report.scenariosRun},
               {"rules", findings},
               {"histogramBounds", json::array{10'000, 100'000, 1'000'000, 10'000'000, 50'000'000, 300'000'000}},
               {"timings", timings}}) +
           "\n";
}

std::string toJunit(const Report& report) {
    const auto skipped = report.count(Judgement::notApplicable) + report.count(Judgement::notChecked);
    std::string text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    text += fmt::format(
        "<testsuites>\n<testsuite name=\"holdfast verify: {}\" tests=\"{}\" failures=\"{}\" errors=\"0\" "
        "skipped=\"{}\" time=\"{:.3f}\">\n",
        escaped(report.type), report.findings.size(), report.count(Judgement::failed), skipped,
        std::chrono::duration<double>(report.took).count());
    text += fmt::format(
        "<properties><property name=\"agent\" value=\"{}\"/><property name=\"seed\" value=\"{}\"/></properties>\n",
        escaped(report.agent), report.seed);
    for (const Finding& finding : report.findings) {
        const auto group = finding.rule->id.substr(0, finding.rule->id.find('.'));
        text += fmt::format("<testcase classname=\"{}\" name=\"{} {}: {}\" time=\"{:.3f}\"", group, finding.rule->id,
                            finding.rule->clause, escaped(finding.rule->title),
                            std::chrono::duration<double>(finding.took).count());
        std::string lines;
        for (const std::string& line : finding.evidence) lines += escaped(line) + "\n";
        switch (finding.judgement) {
            case Judgement::passed: text += "/>\n"; break;
            case Judgement::failed:
                text += fmt::format(">\n<failure message=\"{}\">{}to mend it: {}</failure>\n</testcase>\n",
                                    escaped(finding.evidence.empty() ? finding.rule->title
                                                                     : std::string_view{finding.evidence.front()}),
                                    lines, escaped(finding.rule->mend));
                break;
            case Judgement::warned:
                text += fmt::format(">\n<system-out>warning: {}</system-out>\n</testcase>\n", lines);
                break;
            default:
                text +=
                    fmt::format(">\n<skipped message=\"{}\"/>\n</testcase>\n",
                                escaped(finding.evidence.empty() ? "" : std::string_view{finding.evidence.front()}));
        }
    }
    return text + "</testsuite>\n</testsuites>\n";
}

std::string ruleList() {
    std::string text;
    std::string_view group;
    for (const Rule& rule : rules()) {
        const auto itsGroup = rule.id.substr(0, rule.id.find('.'));
        if (itsGroup != group) {
            text += fmt::format("{}{}\n", group.empty() ? "" : "\n", groupTitle(itsGroup));
            group = itsGroup;
        }
        text += fmt::format("  {:<30} {:<7} {}\n", rule.id, rule.clause, rule.title);
    }
    return text;
}

std::vector<std::string> typesOf(const std::filesystem::path& program, const std::filesystem::path& library) {
    os::ChildOrder order;
    order.program = program;
    order.arguments = {"describe", library.string(), "--format", "json"};
    order.timeout = std::chrono::seconds{40};
    std::string output;
    const auto outcome = os::runChild(order, [&](std::string_view text) { output += text; }, {});
    std::vector<std::string> names;
    boost::system::error_code error;
    const json::value parsed =
        outcome.good() ? json::parse(output.substr(std::min(output.find('{'), output.size())), error) : json::value{};
    if (error || !parsed.is_object() || !parsed.as_object().contains("types")) return names;
    for (const json::value& type : parsed.as_object().at("types").as_array())
        names.push_back(json::value_to<std::string>(type.as_object().at("name")));
    return names;
}

}  // namespace holdfast::inline v1::verify
