// SPDX-License-Identifier: BSL-1.0
// What it takes the whole chain, from the program that is killed to the program that runs again, under 'holdfast run' as a user
// starts it; and what monitor, host and reaper need.
//   monitor_benchmark [--quick] [--json FILE]
#include "monitor_life.hpp"
#include "processes.hpp"
#include "rows.hpp"

#include "process/proc.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace fs = std::filesystem;
using namespace chaos;
using namespace std::chrono_literals;
using Nanoseconds = std::chrono::nanoseconds;
using Clock = std::chrono::steady_clock;

constexpr auto patience = 120s;
/** How much is measured. */
struct Amount {
    unsigned killsOfEach{200};
    unsigned polledResources{50};
    std::vector<unsigned> counts{1, 100, 1'000};
    std::chrono::seconds settle{5};
};
constexpr unsigned instantResources = 10;

/** A run directory, its file, and the monitor in it; nothing of it is left afterwards. */
class Stage {
public:
    Stage() {
        std::string name = (fs::temp_directory_path() / "holdfast-bench.XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make " + name};
        options.directory = fs::canonical(name);
        options.program = HOLDFAST_PROGRAM;
        toml = "[monitor]\nname = \"bench\"\nstate = \"state\"\nrunDirectory = \"run\"\ncontrol = \"control.sock\"\n";
    }
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage() {
        life.reset();
        killAll(options.directory.string());
        std::error_code ignored;
        fs::remove_all(options.directory, ignored);
    }
    void add(const std::string& name, const std::string& type, const std::string& agent, const std::string& properties,
             const std::string& common = {}) {
        names.push_back(name);
        toml += fmt::format(
            "\n[[resource]]\nname = \"{}\"\ntype = \"{}\"\nagent = \"{}\"\nhost = \"one\"\n"
            "RestartThreshold = 100000\nRestartDelay = 0\n{}[resource.properties]\n{}",
            name, type, agent, common, properties);
    }
    void start() {
        const fs::path file = options.directory / "bench.toml";
        std::ofstream{file} << toml;
        journal = std::make_unique<Journal>(options.directory / "records.jsonl");
        journal->observer = observer;
        life = std::make_unique<MonitorLife>(options, file, *journal);
        life->start();
        const auto until = Clock::now() + patience;
        while (!allOnline()) {
            if (Clock::now() > until) throw std::runtime_error{"not everything comes online"};
            std::this_thread::sleep_for(100ms);
        }
    }
    [[nodiscard]] std::string victimProperties(const std::string& name) const {
        return fmt::format("Program = \"{}\"\nArguments = [\"--directory\", \"{}\", \"--name\", \"{}\"]\n",
                           VICTIM_PROGRAM, options.directory.string(), name);
    }
    [[nodiscard]] pid_t processWith(Role role) const {
        for (const auto& seen : processesOf(options.directory.string())) {
            if (seen.role == role) return seen.pid;
        }
        return 0;
    }

    Options options;
    std::string toml;
    std::vector<std::string> names;
    std::function<void(std::string_view)> observer;
    std::unique_ptr<Journal> journal;
    std::unique_ptr<MonitorLife> life;

private:
    [[nodiscard]] bool allOnline() const {
        const auto listed = life->list();
        return listed.size() == names.size() && std::all_of(listed.begin(), listed.end(), [](const auto& entry) {
                   return entry.second.external == "Online";
               });
    }
};

// --- from a kill to the next start ---------------------------------------------------------------------------------

struct Measured {
    std::vector<double> signalled;  ///< ms from the kill until the monitor has said that the resource failed
    std::vector<double> started;    ///< … until the new program runs
    std::vector<double> online;     ///< … until the monitor has said that it is online
};

struct Watched {
    std::string kind;
    bool up{true};
    Clock::time_point killAt;
    Clock::time_point killed;
    Clock::time_point failed;  ///< the epoch while it has not
    Clock::time_point back;
    unsigned left{0};
};

std::pair<pid_t, Nanoseconds> lastStart(const fs::path& directory, const std::string& name) {
    std::ifstream in{directory / (name + ".starts")};
    long long pid = 0;
    long long at = 0;
    for (long long p = 0, t = 0; in >> p >> t;) pid = p, at = t;
    return {static_cast<pid_t>(pid), Nanoseconds{at}};
}

double milliseconds(Clock::duration span) { return std::chrono::duration<double, std::milli>(span).count(); }

class Killing {
public:
    explicit Killing(const Amount& amount) {
        const auto add = [&](const char* kind, unsigned count, const char* type, const char* agent) {
            for (unsigned i = 0; i < count; ++i) {
                const std::string name = fmt::format("{}{}", kind, i);
                stage_.add(name, type, agent, stage_.victimProperties(name) + extra(type));
                watched_[name] = {kind, true, {}, {}, {}, {}, amount.killsOfEach / count};
            }
        };
        add("application", instantResources, "Application", APPLICATION_AGENT);
        add("event", instantResources, "Fleeting", FLEETING_AGENT);
        add("poll", amount.polledResources, "Polled", FLEETING_AGENT);
        stage_.observer = [this](std::string_view line) { take(line); };
    }

    void run() {
        stage_.start();
        const auto until = Clock::now() + 15min;
        Clock::time_point next = Clock::now() + 1s;
        {
            const std::lock_guard lock{mutex_};
            for (auto& [name, one] : watched_) one.killAt = next + jitter(one);
        }
        for (;;) {
            std::this_thread::sleep_for(5ms);
            const auto now = Clock::now();
            if (now > until) throw std::runtime_error{"a resource that was killed does not come back"};
            bool waiting = false;
            for (auto& [name, one] : watched_) {
                std::unique_lock lock{mutex_};
                if (!one.up && one.back > one.killed && one.failed > one.killed) settle(name, one);
                waiting = waiting || !one.up || one.left > 0;
                if (!one.up || one.left == 0 || now < one.killAt) continue;
                // One event at a time, or they measure each other.
                if (one.kind != "poll" && now < next) continue;
                if (one.kind != "poll") next = now + 60ms;
                const auto [pid, at] = lastStart(stage_.options.directory, name);
                const Target target{{pid, Role::victim, name}, stage_.options.directory.string()};
                if (!target.valid()) continue;
                --one.left;
                one.up = false;
                one.killed = Clock::now();
                target.signal(SIGKILL);
            }
            if (!waiting) return;
        }
    }

    void write(bench::Rows& rows) const {
        const std::map<std::string, std::string> subjects{{"application", "holdfast run, application"},
                                                          {"event", "holdfast run, event"},
                                                          {"poll", "holdfast run, 5 s poll"}};
        for (const auto& [kind, measured] : measured_) {
            rows.samples({"reported", subjects.at(kind)}, "ms", measured.signalled);
            rows.samples({"restarted", subjects.at(kind)}, "ms", measured.started);
            rows.samples({"onlineAgain", subjects.at(kind)}, "ms", measured.online);
        }
    }
    void print() {
        fmt::print("{:<14}{:>6}{:>29}{:>29}{:>29}\n", "failure is", "kills", "failure signalled, ms",
                   "program runs again, ms", "online again, ms");
        fmt::print("{:<20}{:>11}{:>9}{:>9}{:>11}{:>9}{:>9}{:>11}{:>9}{:>9}\n", "noticed by", "median", "99 %", "worst",
                   "median", "99 %", "worst", "median", "99 %", "worst");
        for (auto& [kind, measured] : measured_) {
            fmt::print("{:<14}{:>6}", kind, measured.signalled.size());
            for (auto* values : {&measured.signalled, &measured.started, &measured.online}) {
                std::sort(values->begin(), values->end());
                const auto at = [&](std::size_t percent) { return (*values)[(values->size() - 1) * percent / 100]; };
                fmt::print("{:>11.1f}{:>9.1f}{:>9.1f}", at(50), at(99), values->back());
            }
            fmt::print("\n");
        }
        fmt::print(
            "application: examples/020-application; event: an agent that hears of the end of its process; poll: the "
            "same\n"
            "agent, which looks every 5 s (CheckInterval). RestartDelay = 0 for all; kills at random moments.\n");
    }

private:
    static std::string extra(std::string_view type) {
        return type == "Application" ? "StartTime = 0\nCheckInterval = \"5 s\"\n" : "CheckInterval = \"5 s\"\n";
    }
    Clock::duration jitter(const Watched& one) {
        return std::chrono::milliseconds{std::uniform_int_distribution<>{0, one.kind == "poll" ? 5'000 : 500}(random_)};
    }
    /** On the reader's thread: when a line has arrived the monitor has said it. */
    void take(std::string_view line) {
        const auto now = Clock::now();
        const bool isState = line.find("\"record\":\"state\"") != std::string_view::npos;
        const bool isSignal = line.find("\"record\":\"signal\"") != std::string_view::npos;
        if (!isState && !isSignal) return;
        const auto value = boost::json::parse(line);
        const auto& object = value.get_object();
        const auto* const resource = object.if_contains("resource");
        if (resource == nullptr) return;
        const std::lock_guard lock{mutex_};
        const auto found = watched_.find(std::string{resource->get_string()});
        if (found == watched_.end()) return;
        Watched& one = found->second;
        if (one.up) return;
        const auto to = isState ? object.at("to").get_string() : boost::json::string{};
        if ((isSignal || to == "Terminating") && one.failed < one.killed) one.failed = now;
        if (to == "Online" && one.failed > one.killed) one.back = now;
    }
    void settle(const std::string& name, Watched& one) {
        const Clock::time_point started{lastStart(stage_.options.directory, name).second};
        if (started < one.killed) return;  // its agent is online, but it had no time yet to say that it runs
        Measured& measured = measured_[one.kind];
        measured.signalled.push_back(milliseconds(one.failed - one.killed));
        measured.started.push_back(milliseconds(started - one.killed));
        measured.online.push_back(milliseconds(one.back - one.killed));
        one.up = true;
        one.killAt = Clock::now() + 200ms + jitter(one);
    }

    Stage stage_;
    std::mt19937 random_{1};
    std::mutex mutex_;  // guards watched_
    std::map<std::string, Watched> watched_;
    std::map<std::string, Measured> measured_;
};

// --- what processes need -----------------------------------------------------------------------------------------------

struct Need {
    long pss{0};  // KiB
    long rss{0};
    long threads{0};
};

long field(const std::string& text, const std::string& name) {
    const std::size_t at = text.find("\n" + name);
    return at == std::string::npos ? 0 : std::strtol(text.c_str() + at + 1 + name.size(), nullptr, 10);
}

Need needOf(pid_t pid) {
    const std::string folder = "/proc/" + std::to_string(pid);
    const std::string memory = holdfast::process::readFile((folder + "/smaps_rollup").c_str());
    const std::string status = holdfast::process::readFile((folder + "/status").c_str());
    return {field(memory, "Pss:"), field(memory, "Rss:"), field(status, "Threads:")};
}

void noteNeed(bench::Rows& rows, const std::string& who, std::size_t resources, const Need& need) {
    fmt::print("{:<44}{:>10.1f}{:>10.1f}{:>10}\n",
               resources == 0 ? who : fmt::format("{}, {} resources", who, resources),
               static_cast<double>(need.pss) / 1024.0, static_cast<double>(need.rss) / 1024.0, need.threads);
    rows.value({"need.pss", who, resources}, "KiB", static_cast<double>(need.pss));
    rows.value({"need.rss", who, resources}, "KiB", static_cast<double>(need.rss));
    rows.value({"need.threads", who, resources}, "", static_cast<double>(need.threads));
}

void measureNeeds(const Amount& amount, bench::Rows& rows) {
    fmt::print("\n{:<44}{:>10}{:>10}{:>10}\n", "memory, once all have been online for a while", "PSS, MiB", "RSS, MiB",
               "threads");
    for (const unsigned count : amount.counts) {
        Stage stage;
        for (unsigned i = 0; i < count; ++i)
            stage.add(fmt::format("hello{}", i), "Hello", HELLO_AGENT,
                      fmt::format("File = \"{}/hello{}\"\n", stage.options.directory.string(), i));
        stage.start();
        std::this_thread::sleep_for(amount.settle);
        noteNeed(rows, "monitor", count, needOf(stage.life->process()));
        noteNeed(rows, "host (000-hello)", count, needOf(stage.processWith(Role::host)));
    }
    Stage stage;
    stage.add("one", "Application", APPLICATION_AGENT, stage.victimProperties("one"));
    stage.start();
    std::this_thread::sleep_for(2s);
    noteNeed(rows, "reaper, its program idle", 0, needOf(stage.processWith(Role::reaper)));
    noteNeed(rows, "guard", 0, needOf(stage.processWith(Role::guard)));
}

}  // namespace

int main(int argc, char** argv) {
    try {
        Amount amount;
        std::string json;
        for (int i = 1; i < argc; ++i) {
            const std::string option = argv[i];
            if (option == "--quick") {
                amount = {10, 10, {1, 20}, 1s};
            } else if (option == "--json" && i + 1 < argc) {
                json = argv[++i];
            } else {
                throw std::runtime_error{"unknown option " + option};
            }
        }
        bench::Rows rows;
        {
            Killing killing{amount};
            killing.run();
            killing.print();
            killing.write(rows);
        }
        measureNeeds(amount, rows);
        if (!json.empty()) rows.write(json);
    } catch (const std::exception& error) {
        fmt::print(stderr, "monitor_benchmark: {}\n", error.what());
        return 1;
    }
    return 0;
}
