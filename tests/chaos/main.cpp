// SPDX-License-Identifier: BSL-1.0
#include "judge.hpp"
#include "killer.hpp"
#include "monitor_life.hpp"
#include "options.hpp"
#include "plan.hpp"
#include "processes.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <sys/prctl.h>
#include <sys/wait.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <set>
#include <string>
#include <thread>

namespace {

using namespace chaos;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto stopPatience = 120s;
/** AdoptTimeout, and what it takes to notice. */
constexpr auto leavingPatience = 40s;
constexpr auto lookInterval = 700ms;
constexpr int steadyLooks = 3;

std::atomic<bool> interrupted{false};

struct Outcome {
    std::vector<std::string> violations;
    Verdict last;
    double steadyAfter{0};
    double stoppedAfter{0};
    std::size_t left{0};
};

double secondsSince(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

class Run {
public:
    explicit Run(const Options& options)
        : options_{options},
          plan_{makePlan(options)},
          journal_{options.directory / "chaos.jsonl"},
          monitor_{options, writePlan(plan_, options), journal_},
          killer_{options, monitor_, journal_} {}

    void go() {
        say("{} resources in {} hosts, seed {}, in {}", options_.resources, options_.hosts, options_.seed,
            options_.directory.string());
        monitor_.start();
        waitSteady("everything comes online", nullptr);
        if (outcome_.violations.empty() && !interrupted) storm();
        stop();
        for (auto& line : doubles(options_)) outcome_.violations.push_back("double start: " + line);
        for (const auto& surprise : killer_.surprises()) outcome_.violations.push_back(surprise);
        if (interrupted) outcome_.violations.emplace_back("interrupted");
    }

    void print() const;
    void printJson() const;
    [[nodiscard]] bool good() const { return outcome_.violations.empty(); }

private:
    template <typename... Args>
    void say(fmt::format_string<Args...> format, Args&&... args) const {
        fmt::print(options_.json ? stderr : stdout, "{:6.1f} s  {}\n", secondsSince(begin_),
                   fmt::format(format, std::forward<Args>(args)...));
        std::fflush(nullptr);
    }

    /** Until several looks in a row find nothing wrong; what the last one found is the verdict. */
    void waitSteady(const char* what, double* after) {
        const auto since = Clock::now();
        auto sayAt = since + 5s;
        int good = 0;
        while (!interrupted) {
            outcome_.last = judge(plan_, options_, monitor_);
            if (good == 0 && after != nullptr) *after = secondsSince(since);
            good = outcome_.last.violations.empty() ? good + 1 : 0;
            if (good == steadyLooks) break;
            if (Clock::now() >= sayAt) {
                sayAt += 5s;
                say("{}: {} online, {} failed by policy, {} offline with them, {} not as they should be, e.g. {}", what,
                    outcome_.last.online, outcome_.last.failed, outcome_.last.offline, outcome_.last.violations.size(),
                    good > 0 ? "nothing now" : outcome_.last.violations.front());
            }
            if (Clock::now() - since > std::chrono::seconds{options_.patience}) break;
            std::this_thread::sleep_for(lookInterval);
        }
        if (good < steadyLooks) {
            for (const auto& violation : outcome_.last.violations)
                outcome_.violations.push_back(fmt::format("after {} s: {}", options_.patience, violation));
            if (outcome_.last.violations.empty()) outcome_.violations.emplace_back("it does not become steady");
        }
        journal_.note("steady", fmt::format("{} violations", outcome_.last.violations.size()));
        say("{}: {} online, {} failed by policy, {} offline with them", what, outcome_.last.online,
            outcome_.last.failed, outcome_.last.offline);
    }

    void storm() {
        say("killing for {} s", options_.seconds);
        const auto until = Clock::now() + std::chrono::seconds{options_.seconds};
        auto sayAt = Clock::now() + 10s;
        // A monitor that starts anew gives every resource a new chance: towards the end what policy gave up stays so.
        const auto monitorUntil = until - std::chrono::seconds{options_.seconds / 4};
        while (Clock::now() < until && !interrupted) {
            killer_.step(Clock::now() < monitorUntil);
            std::this_thread::sleep_for(killer_.pause());
            if (Clock::now() < sayAt) continue;
            sayAt += 10s;
            unsigned kills = 0;
            for (const auto& [kind, count] : killer_.kills()) kills += count;
            say("{} kills and stops, {} starts of programs, {} monitors, {} double starts", kills,
                startsOf(plan_, options_), monitor_.starts(), doubles(options_).size());
        }
        killer_.finish();
        say("no more killing");
        waitSteady("everything settles", &outcome_.steadyAfter);
    }

    /** SIGTERM; afterwards nothing may be left of anything. */
    void stop() {
        const auto since = Clock::now();
        const Target monitor{{monitor_.process(), Role::monitor, {}}, options_.directory.string()};
        monitor.signal(SIGTERM);
        const auto status = monitor_.ended(stopPatience);
        if (!status) {
            outcome_.violations.emplace_back("the monitor does not end after SIGTERM");
        } else if (!WIFEXITED(*status) || WEXITSTATUS(*status) > 1) {
            outcome_.violations.push_back(fmt::format("the monitor ended with wait status 0x{:x}", *status));
        }
        auto left = processesOf(options_.directory.string());
        while (!left.empty() && Clock::now() - since < stopPatience + leavingPatience && !interrupted) {
            std::this_thread::sleep_for(50ms);
            left = processesOf(options_.directory.string());
            if (status && secondsSince(since) > 40 + 2) break;
        }
        outcome_.stoppedAfter = secondsSince(since);
        for (const auto& seen : left) {
            outcome_.violations.push_back(
                fmt::format("left after the end: {} {} {}", nameOf(seen.role), seen.pid, seen.resource));
        }
        outcome_.left = left.size();
        say("after SIGTERM everything was gone in {:.1f} s", outcome_.stoppedAfter);
    }

    const Options& options_;
    const Clock::time_point begin_{Clock::now()};
    const Plan plan_;
    Journal journal_;
    MonitorLife monitor_;
    Killer killer_;
    Outcome outcome_;
};

void Run::print() const {
    fmt::print("\n{:<36}{:>8}\n", "killed or stopped", "times");
    unsigned sum = 0;
    for (const auto& [kind, count] : killer_.kills()) {
        fmt::print("{:<36}{:>8}\n", kind, count);
        sum += count;
    }
    fmt::print("{:<36}{:>8}\n\n", "all", sum);
    const auto counts = journal_.counts();
    const auto count = [&](const char* name) {
        const auto found = counts.find(name);
        return found == counts.end() ? 0 : found->second;
    };
    const auto row = [](const char* name, auto value) { fmt::print("{:<36}{:>8}\n", name, value); };
    row("programs started", startsOf(plan_, options_));
    row("  of them anew",
        startsOf(plan_, options_) - static_cast<unsigned>(std::count_if(plan_.resources.begin(), plan_.resources.end(),
                                                                        [](const auto& one) { return one.runs(); })));
    row("trees adopted", count("adoptions"));
    row("failures signalled by event", count("signals"));
    row("resources that lost their host", count("hostLosses"));
    row("monitors started", monitor_.starts());
    row("steady after, s", fmt::format("{:.1f}", outcome_.steadyAfter));
    row("gone after SIGTERM, s", fmt::format("{:.1f}", outcome_.stoppedAfter));
    row("online at the end", outcome_.last.online);
    row("failed by policy", outcome_.last.failed);
    row("offline with them", outcome_.last.offline);
    row("double starts", doubles(options_).size());
    row("orphans", outcome_.last.orphans + outcome_.left);
    row("violations", outcome_.violations.size());
    for (const auto& violation : outcome_.violations) fmt::print("  {}\n", violation);
    fmt::print("seed {}\n", options_.seed);
}

void Run::printJson() const {
    namespace json = boost::json;
    json::object kills;
    for (const auto& [kind, count] : killer_.kills()) kills[kind] = count;
    json::object counts;
    for (const auto& [kind, count] : journal_.counts()) counts[kind] = count;
    json::array violations;
    for (const auto& violation : outcome_.violations) violations.emplace_back(violation);
    const json::object all{{"seed", options_.seed},
                           {"resources", options_.resources},
                           {"hosts", options_.hosts},
                           {"seconds", options_.seconds},
                           {"kills", std::move(kills)},
                           {"records", std::move(counts)},
                           {"starts", startsOf(plan_, options_)},
                           {"monitors", monitor_.starts()},
                           {"steadyAfter", outcome_.steadyAfter},
                           {"stoppedAfter", outcome_.stoppedAfter},
                           {"online", outcome_.last.online},
                           {"failed", outcome_.last.failed},
                           {"offline", outcome_.last.offline},
                           {"doubles", doubles(options_).size()},
                           {"orphans", outcome_.last.orphans + outcome_.left},
                           {"violations", std::move(violations)}};
    fmt::print("{}\n", json::serialize(all));
}

}  // namespace

int main(int argc, char** argv) {
    Options options = readOptions(argc, argv);
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) std::signal(number, [](int) { interrupted = true; });
    bool good = false;
    try {
        prepareDirectory(options);
        {
            Run run{options};
            run.go();
            good = run.good();
            options.json ? run.printJson() : run.print();
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "holdfast_chaos: {}\n", error.what());
        killAll(options.directory.string());
        return 3;
    }
    killAll(options.directory.string());
    if (good && !options.keep) {
        std::filesystem::remove_all(options.directory);
    } else {
        fmt::print(stderr, "all that was said and done: {}\n", (options.directory / "chaos.jsonl").string());
    }
    return good ? 0 : 1;
}
