// SPDX-License-Identifier: BSL-1.0
/// Agents as Pacemaker's executor runs them: holdfast's, and shell scripts; each monitor a process of its own.
///   ocf_benchmark [--monitors N] [--kills N] [--json FILE]
/// A PostgreSQL server of its own needs root and the user postgres; without them the database is left out.
#include "ocf_stage.hpp"
#include "rows.hpp"

#include <fmt/format.h>

#include <csignal>
#include <functional>
#include <random>
#include <set>
#include <thread>

namespace {

using namespace ocf_stage;

struct Options {
    int monitors{200};
    int kills{10};
    std::chrono::seconds idle{5};  // for how long a host's own checks are watched
    std::string json;
};

struct Measured {
    std::string name;
    const Agent* agent;  ///< null: /bin/true
    std::vector<double> wall, processor;
};

Spent run(const Measured& one) { return one.agent == nullptr ? execute({"/bin/true"}, {}) : one.agent->run("monitor"); }

/** Each in turn, so that whatever else the machine does hits all of them. */
void measureCost(std::vector<Measured>& all, const Options& options, bench::Rows& rows) {
    for (int i = 0; i < options.monitors; ++i) {
        for (auto& one : all) {
            const Spent spent = run(one);
            if (spent.status != 0)
                throw std::runtime_error{fmt::format("{}: a monitor ends with {}", one.name, spent.status)};
            one.wall.push_back(spent.wall);
            one.processor.push_back(spent.processor);
        }
    }
    for (auto& one : all) {
        rows.samples({"monitor.wall", one.name}, "us", one.wall);
        rows.samples({"monitor.processor", one.name}, "us", one.processor);
        if (!one.name.starts_with("ocf:holdfast:") || one.agent->hostPid() == 0) continue;
        // What the process that stays spends on being asked, beyond its own checks; and on these.
        const int host = one.agent->hostPid();
        const auto watched = Clock::now();
        double before = processorOf(host);
        std::this_thread::sleep_for(options.idle);
        const double own = (processorOf(host) - before) / microseconds(Clock::now() - watched);  // per microsecond
        rows.value({"monitor.ownChecks", one.name}, "us/s", own * 1e6);
        const auto start = Clock::now();
        before = processorOf(host);
        for (int i = 0; i < options.monitors; ++i) static_cast<void>(run(one));
        const double asked = processorOf(host) - before - own * microseconds(Clock::now() - start);
        rows.value({"monitor.host", one.name}, "us", std::max(0.0, asked / options.monitors));
    }
}

/** The waiting monitor of ours: it answers at the moment of the failure. `clear`: until nothing of what was killed is left. */
std::vector<double> killedUnderWaiting(Agent& agent, int kills, const std::function<int()>& victimOf,
                                       const std::function<void()>& clear) {
    std::vector<double> took;
    std::mt19937 random{1};
    for (int i = 0; i < kills; ++i) {
        static_cast<void>(agent.run("monitor"));  // the first after a start is answered at once
        const int waiting = agent.begin("monitor");
        std::this_thread::sleep_for(std::chrono::milliseconds{100 + random() % 200});
        const int victim = victimOf();
        if (victim <= 0) throw std::runtime_error{"the program does not run"};
        const auto start = Clock::now();
        ::kill(victim, SIGKILL);
        if (finish(waiting, start).status == 0) throw std::runtime_error{"the failure was not reported"};
        took.push_back(microseconds(Clock::now() - start) / 1'000);
        static_cast<void>(agent.run("stop"));
        clear();
        agent.start();
    }
    return took;
}

/** A monitor every second, the next one a second after the last has answered, as Pacemaker repeats them. */
std::vector<double> killedUnderPolls(Agent& agent, const Database& database, int kills) {
    std::vector<double> took;
    std::mt19937 random{1};
    for (int i = 0; i < kills; ++i) {
        static_cast<void>(agent.run("monitor"));
        const auto polled = Clock::now();
        std::this_thread::sleep_for(std::chrono::milliseconds{random() % 1'000});
        const auto start = Clock::now();
        ::kill(database.postmaster(), SIGKILL);
        auto next = polled + std::chrono::seconds{1};
        for (int status = 0; status == 0; next = Clock::now() + std::chrono::seconds{1}) {
            std::this_thread::sleep_until(next);
            status = agent.run("monitor").status;
        }
        took.push_back(microseconds(Clock::now() - start) / 1'000);
        database.clear();
        agent.start();
    }
    return took;
}

/** One measurement that fails does not cost the others their rows. */
template <typename Measurement>
void orSayWhyNot(bench::Rows& rows, const bench::Key& key, const Measurement& measurement) {
    try {
        measurement();
    } catch (const std::exception& error) {
        fmt::print(stderr, "  {}: {}\n", key.subject, error.what());
        rows.stopped(key, error.what());
    }
}

void measure(const Options& options) {
    bench::Rows rows;
    const Folder folder;
    Agent application{folder,
                      "program",
                      APPLICATION_OCF,
                      {{"CommandLine", std::string{victim}}, {"StartTime", "0ms"}, {"InstantFailure", "off"}}};
    Agent waiting{folder,
                  "waiting",
                  APPLICATION_OCF,
                  {{"CommandLine", std::string{victim}}, {"StartTime", "0ms"}, {"InstantFailure", "monitor"}}};
    std::vector<Measured> all{{"/bin/true", nullptr, {}, {}}, {"ocf:holdfast:application", &application, {}, {}}};
    application.start();
    const std::string agents = "/usr/lib/ocf/resource.d/";
    Agent dummy{folder, "dummy", agents + "pacemaker/Dummy", {{"state", folder.file("dummy.state")}}};
    if (dummy.installed()) {
        dummy.start();
        all.push_back({"ocf:pacemaker:Dummy", &dummy, {}, {}});
    } else {
        rows.stopped({"monitor.wall", "ocf:pacemaker:Dummy"}, "it is not installed");
    }
    Database database{folder};
    Agent ours{folder, "database", POSTGRESQL_OCF, {{"DataDirectory", database.data()}, {"InstantFailure", "off"}}};
    Agent heartbeat{folder, "database", agents + "heartbeat/pgsql", database.heartbeatParameters()};
    const bool withDatabase = ours.installed() && heartbeat.installed() && database.problem().empty();
    if (withDatabase) {
        ours.start();
        all.push_back({"ocf:holdfast:postgresql", &ours, {}, {}});
        all.push_back({"ocf:heartbeat:pgsql", &heartbeat, {}, {}});
    } else {
        rows.stopped({"monitor.wall", "ocf:heartbeat:pgsql"},
                     database.problem().empty() ? "it, or our agent, is not there" : database.problem());
    }
    fmt::print(stderr, "  {} monitors of each agent\n", options.monitors);
    measureCost(all, options, rows);

    fmt::print(stderr, "  {} kills under a monitor that waits\n", options.kills * 2);
    const bench::Key waits{"reported", "ocf:holdfast:application"};
    orSayWhyNot(rows, waits, [&] {
        waiting.start();
        const auto victimOf = [&] { return waiting.processPid(); };
        rows.samples(waits, "ms", killedUnderWaiting(waiting, options.kills * 2, victimOf, [] {}));
        waiting.stop();
    });
    const bench::Key polls{"reported", "ocf:heartbeat:pgsql, 1 s"};
    if (withDatabase) {
        fmt::print(stderr, "  {} kills of a database under a monitor every second, and one that waits\n",
                   options.kills);
        const bench::Key waitsToo{"reported", "ocf:holdfast:postgresql"};
        ours.stop();
        orSayWhyNot(rows, polls, [&] {
            heartbeat.start();
            rows.samples(polls, "ms", killedUnderPolls(heartbeat, database, options.kills));
            heartbeat.stop();
        });
        orSayWhyNot(rows, waitsToo, [&] {
            Agent told{folder,
                       "database",
                       POSTGRESQL_OCF,
                       {{"DataDirectory", database.data()}, {"InstantFailure", "monitor"}}};
            database.clear();  // of what was killed last
            told.start();
            const auto victimOf = [&] { return database.postmaster(); };
            rows.samples(waitsToo, "ms", killedUnderWaiting(told, options.kills, victimOf, [&] { database.clear(); }));
            told.stop();
        });
    }
    if (dummy.installed()) dummy.stop();
    application.stop();
    if (!options.json.empty()) rows.write(options.json);
}

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--quick") {
            options.monitors = 10;
            options.kills = 1;
            options.idle = std::chrono::seconds{1};
            continue;
        }
        if (i + 1 == argc) throw std::runtime_error{name + " needs a value"};
        const std::string value = argv[++i];
        if (name == "--json") {
            options.json = value;
        } else if (name == "--monitors") {
            options.monitors = std::stoi(value);
        } else if (name == "--kills") {
            options.kills = std::stoi(value);
        } else {
            throw std::runtime_error{"unknown option " + name};
        }
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        measure(parse(argc, argv));
    } catch (const std::exception& error) {
        fmt::print(stderr, "ocf_benchmark: {}\n", error.what());
        return 1;
    }
    return 0;
}
