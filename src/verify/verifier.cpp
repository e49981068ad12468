// SPDX-License-Identifier: BSL-1.0
#include "verify/verifier.hpp"

#include "verify/process_view.hpp"
#include "verify/reporter.hpp"
#include "verify/scenario.hpp"
#include "verify/scenario_life.hpp"

#include <holdfast/os/child.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>
#include <stdexcept>
#include <thread>

namespace holdfast::inline v1::verify {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using Steady = std::chrono::steady_clock;

bool anyMatches(const std::vector<std::string>& patterns, const Rule& rule) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return matches(p, rule); });
}

/**
 * What agents keep about the processes they start, apart from any monitor of this machine. It is the same for every scenario:
 * each finds what the one before left.
 */
class AgentsDirectory {
public:
    AgentsDirectory() {
#if !defined(_WIN32)
        if (std::getenv("HOLDFAST_RUN_DIRECTORY") != nullptr) return;  // NOLINT(concurrency-mt-unsafe): nothing sets it
        std::string name = (std::filesystem::temp_directory_path() / "holdfast-verify-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
#endif
    }
    AgentsDirectory(const AgentsDirectory&) = delete;
    AgentsDirectory& operator=(const AgentsDirectory&) = delete;
    ~AgentsDirectory() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/** An ending that no program chooses. */
bool isCrash(const os::ChildOutcome& outcome) {
    // NOLINTNEXTLINE(readability-simplify-boolean-expr): on Windows more follows
    if (outcome.kind == os::ChildOutcome::Kind::signalled) return true;
#if defined(_WIN32)
    constexpr int aborted = 3;  // what abort() leaves
    return static_cast<std::uint32_t>(outcome.code) >= 0xC000'0000U || outcome.code == aborted;
#else
    return false;
#endif
}

class Verification {
public:
    Verification(const std::filesystem::path& program, const Plan& plan, const Choice& choice)
        : program_{program}, plan_{plan}, choice_{choice} {
        for (const Rule& rule : rules()) {
            if (!choice.only.empty() && !anyMatches(choice.only, rule)) continue;
            if (anyMatches(choice.skip, rule)) continue;
            chosen_.insert(rule.id);
        }
        for (const Rule& rule : rules()) findings_[rule.id].rule = &rule;
    }

    Report run();

private:
    [[nodiscard]] bool wanted(const Scenario& scenario) const;
    void play(const Scenario& scenario);
    void judge(std::string_view rule, Judgement judgement, const std::string& evidence, std::string_view scenario);
    void judgeBudgets();

    const std::filesystem::path& program_;
    const Plan& plan_;
    const Choice& choice_;
    const AgentsDirectory runDirectory_;
    std::set<std::string_view> chosen_;
    std::map<std::string_view, Finding> findings_;
    std::set<std::string_view> broken_;
    std::set<std::string, std::less<>> blocking_;          ///< what failed in a scenario that went wrong
    std::map<std::string, std::vector<TimedCall>> calls_;  ///< by entry point
    Report report_;
};

bool Verification::wanted(const Scenario& scenario) const {
    if (choice_.only.empty()) {
        return std::any_of(scenario.rules.begin(), scenario.rules.end(),
                           [&](auto rule) { return chosen_.contains(rule); });
    }
    if (std::any_of(scenario.rules.begin(), scenario.rules.end(), [&](auto rule) { return chosen_.contains(rule); }))
        return true;
    // A rule that every call is watched for needs no scenario of its own: the ordinary ones say something of it.
    const auto watched = watchedRules();
    return !scenario.slow &&
           std::any_of(watched.begin(), watched.end(), [&](auto rule) { return chosen_.contains(rule); });
}

void Verification::judge(std::string_view rule, Judgement judgement, const std::string& evidence,
                         std::string_view scenario) {
    const auto found = findings_.find(rule);
    if (found == findings_.end()) throw std::logic_error{"no such rule: " + std::string{rule}};
    Finding& finding = found->second;
    if (std::find(finding.scenarios.begin(), finding.scenarios.end(), scenario) == finding.scenarios.end())
        finding.scenarios.emplace_back(scenario);
    // "Not checked" is where nothing was said yet; whatever is said is more, and the worse wins.
    const bool first =
        finding.scenarios.size() == 1 && finding.evidence.empty() && finding.judgement == Judgement::notChecked;
    const auto rank = [](Judgement which) {
        switch (which) {
            case Judgement::notApplicable: return 0;
            case Judgement::notChecked: return 1;
            case Judgement::passed: return 2;
            case Judgement::warned: return 3;
            case Judgement::failed: return 4;
        }
        return 4;
    };
    if (!first && rank(judgement) < rank(finding.judgement)) return;
    if (judgement != finding.judgement) finding.evidence.clear();
    finding.judgement = judgement;
    if (!evidence.empty() && finding.evidence.size() < 8)
        finding.evidence.push_back(fmt::format("[{}] {}", scenario, evidence));
}

void Verification::play(const Scenario& scenario) {
    for (const std::string_view need : scenario.needs) {
        if (!broken_.contains(need)) continue;
        broken_.insert(scenario.name);
        for (const std::string_view rule : scenario.rules) {
            if (findings_.at(rule).judgement == Judgement::notChecked)
                judge(rule, Judgement::notChecked,
                      fmt::format("not looked at: the scenario '{}' went wrong before", need), scenario.name);
        }
        return;
    }
    const auto begin = Steady::now();
    ScenarioLife life;
    os::ChildOrder order;
    order.program = program_;
    order.arguments = {scenarioVerb, std::string{scenario.name}};
    order.environment = {{planVariable, plan_.toJson()}};
    if (!runDirectory_.path().empty())
        order.environment.emplace_back("HOLDFAST_RUN_DIRECTORY", runDirectory_.path().string());
    order.endsGroup = true;  // what a crash leaves must not be met by the next scenario
    // A scenario has the time that its library takes; only its silence is limited. What takes longest in one is what it waits
    // for without a word: an operation, or a failure that must be noticed.
    constexpr std::chrono::hours anyScenario{6};
    order.timeout = anyScenario;
    const auto longestSilence = std::chrono::duration_cast<milliseconds>(scenario.limit) + plan_.callLimit +
                                plan_.operationLimit + plan_.detectLimit;
    auto lastWord = begin;
    std::uint64_t steps = 0;
    bool silent = false;
    const auto run = [&] {
        return os::runChild(
            order,
            [&](std::string_view text) {
                life.take(text);
                if (life.steps() == steps) return;  // what the library prints or reports keeps no scenario alive
                steps = life.steps();
                lastWord = Steady::now();
            },
            [&] {
                silent = Steady::now() - lastWord > longestSilence;
                return silent || (choice_.cancelled && choice_.cancelled());
            });
    };
    // A system that is short of something for a moment says nothing about the library.
    auto outcome = run();
    for (int retry = 0; retry < 3 && outcome.kind == os::ChildOutcome::Kind::notStarted; ++retry) {
        std::this_thread::sleep_for(milliseconds{300});
        outcome = run();
    }
    using Kind = os::ChildOutcome::Kind;
    if (outcome.kind == Kind::notStarted)
        throw std::runtime_error{"cannot start " + program_.string() + ": " + outcome.toString()};
    if (scenario.name == failureScenario && !plan_.mendCommand.empty()) static_cast<void>(runShell(plan_.mendCommand));
    if (outcome.kind == Kind::cancelled && !silent) throw std::runtime_error{"interrupted"};
    if (outcome.kind == Kind::exited && outcome.code == 3 && life.ended()) throw std::runtime_error{life.note()};
    const nanoseconds took = Steady::now() - begin;
    ++report_.scenariosRun;

    for (const ScenarioLife::Judged& judged : life.judged())
        judge(judged.rule, judged.judgement, judged.evidence, scenario.name);
    bool broken = life.broken();
    if (!life.ended() && life.note() == crashOrdered && isCrash(outcome)) {
        judge("inject.outcome", Judgement::passed,
              fmt::format("the process {} as ordered, while there ran: {}", outcome.toString(), life.running()),
              scenario.name);
    } else if (!life.ended()) {
        broken = true;
        const std::string when = life.running().empty() ? "while no call ran" : "while there ran: " + life.running();
        const std::string said = life.otherOutput().empty() ? "" : fmt::format("; it printed: {}", life.otherOutput());
        std::string_view rule = "conduct.exit";
        std::string how = "the process " + outcome.toString();
        if (outcome.kind == Kind::timedOut || outcome.kind == Kind::cancelled) {
            rule = "conduct.hang";
            how = fmt::format("nothing happened for {} s",
                              std::chrono::duration_cast<std::chrono::seconds>(longestSilence).count());
        } else if (isCrash(outcome)) {
            rule = "conduct.crash";
        }
        judge(life.blamed().empty() ? rule : std::string_view{life.blamed()}, Judgement::failed,
              fmt::format("{}, {}{}", how, when, said), scenario.name);
    }
    if (broken) {
        broken_.insert(scenario.name);
        for (const ScenarioLife::Judged& judged : life.judged()) blocking_.insert(judged.rule);
    }
    for (const TimedCall& call : life.calls()) {
        ++report_.calls;
        auto copy = call;
        copy.scenario = scenario.name;
        calls_[call.call.substr(0, call.call.find('('))].push_back(std::move(copy));
    }
    if (choice_.trace != nullptr) life.writeTrace(*choice_.trace, scenario.name);
    // What was watched and gave no reason to complain is kept.
    for (const std::string_view rule : watchedRules()) {
        if (rule.starts_with("budget.") || rule == "control.async-once") continue;
        if (rule.starts_with("pending.") && !life.sawPending()) continue;
        if (rule == "health.event-initial" && !life.sawEvent()) continue;
        if (findings_.at(rule).judgement == Judgement::notChecked && !broken)
            judge(rule, Judgement::passed, {}, scenario.name);
    }
    for (const std::string_view rule : scenario.rules) {
        Finding& finding = findings_.at(rule);
        finding.took += took;
        if (finding.judgement != Judgement::notChecked || !finding.evidence.empty()) continue;
        judge(rule, Judgement::notChecked,
              broken ? "the scenario went wrong before it came to this" : "the scenario said nothing of it",
              scenario.name);
    }
}

void Verification::judgeBudgets() {
    constexpr std::array<std::int64_t, 6> bounds{10'000, 100'000, 1'000'000, 10'000'000, 50'000'000, 300'000'000};
    for (auto& [name, calls] : calls_) {
        Timing timing;
        timing.call = name;
        std::vector<nanoseconds> spans;
        std::uint64_t late = 0;
        std::uint64_t measured = 0;
        std::string lateText;
        for (const TimedCall& call : calls) {
            if (call.budget.empty()) continue;
            ++measured;
            timing.budget = call.budget;
            spans.push_back(call.span);
            const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), call.span.count()) - bounds.begin();
            ++timing.histogram[static_cast<std::size_t>(bucket)];
            if (call.span > milliseconds{50}) ++timing.over50;
            if (call.span > callBudget) ++timing.over300;
            if (call.span > timing.worst) {
                timing.worst = call.span;
                timing.worstWhere = call.scenario + (call.beside.empty() ? "" : ", beside " + call.beside);
            }
            // What the machine kept from the process is not the library's fault.
            if (call.span - call.stalled > callBudget) {
                ++late;
                if (lateText.empty())
                    lateText = fmt::format("{} took {} ms in '{}'{}", call.call, call.span.count() / 1'000'000,
                                           call.scenario, call.beside.empty() ? "" : ", beside " + call.beside);
            }
        }
        if (spans.empty()) continue;
        timing.count = measured;
        std::nth_element(spans.begin(), spans.begin() + static_cast<std::ptrdiff_t>(spans.size() / 2), spans.end());
        timing.median = spans[spans.size() / 2];
        if (late >= 2 || (late == 1 && measured <= 2 && timing.budget != "budget.load")) {
            judge(timing.budget, Judgement::failed,
                  fmt::format("{} of {} calls took more than {} ms: {}", late, measured, callBudget.count(), lateText),
                  "all");
        } else if (late == 1) {
            judge(timing.budget, Judgement::warned,
                  fmt::format("one of {} calls took more than {} ms: {}", measured, callBudget.count(), lateText),
                  "all");
        } else {
            const bool check = timing.budget == "budget.looks-alive" || timing.budget == "budget.is-alive";
            if (check && timing.median > milliseconds{50}) {
                judge(timing.budget, Judgement::warned,
                      fmt::format("half of {} calls took more than {} ms: the contract wants 50 ms at most", measured,
                                  timing.median.count() / 1'000'000),
                      "all");
            } else {
                judge(timing.budget, Judgement::passed, {}, "all");
            }
        }
        report_.timings.push_back(std::move(timing));
    }
    if (findings_.at("control.async-once").judgement == Judgement::notChecked && calls_.contains("ResourceControl"))
        judge("control.async-once", Judgement::passed, {}, "all");
}

Report Verification::run() {
    const auto begin = Steady::now();
    report_.agent = plan_.library.string();
    report_.type = plan_.type;
    report_.seed = plan_.seed;
    std::vector<const Scenario*> played;
    std::set<std::string_view> needed;
    for (const Scenario& scenario : scenarios()) {
        if (wanted(scenario)) played.push_back(&scenario);
    }
    std::size_t number = 0;
    for (const Scenario* scenario : played) {
        if (choice_.begins) choice_.begins(scenario->name, ++number, played.size());
        play(*scenario);
    }
    judgeBudgets();
    for (const Rule& rule : rules()) {
        // Who asks for a few rules hears of a crash on the way to them all the same.
        const bool gross = rule.id == "conduct.crash" || rule.id == "conduct.hang" || rule.id == "conduct.exception" ||
                           rule.id == "conduct.exit";
        const bool told = (gross || blocking_.contains(rule.id)) &&
                          findings_.at(rule.id).judgement == Judgement::failed && !anyMatches(choice_.skip, rule);
        if (!chosen_.contains(rule.id) && !told) continue;
        Finding finding = findings_.at(rule.id);
        if (finding.judgement == Judgement::notChecked && finding.evidence.empty()) {
            finding.judgement = Judgement::notApplicable;
            finding.evidence.emplace_back("nothing happened that it speaks of");
        }
        report_.findings.push_back(std::move(finding));
    }
    report_.took = Steady::now() - begin;
    return std::move(report_);
}

}  // namespace

Judgement Report::worst() const {
    auto worst = Judgement::passed;
    for (const Finding& finding : findings) {
        if (finding.judgement == Judgement::failed) return Judgement::failed;
        if (finding.judgement == Judgement::warned) worst = Judgement::warned;
    }
    return worst;
}

std::size_t Report::count(Judgement judgement) const {
    return static_cast<std::size_t>(std::count_if(
        findings.begin(), findings.end(), [&](const Finding& finding) { return finding.judgement == judgement; }));
}

Report verify(const std::filesystem::path& program, const Plan& plan, const Choice& choice) {
    return Verification{program, plan, choice}.run();
}

}  // namespace holdfast::inline v1::verify
