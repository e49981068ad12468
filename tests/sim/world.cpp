// SPDX-License-Identifier: BSL-1.0
#include "world.hpp"

#include "machine/descriptors.hpp"
#include "machine/libraries.hpp"
#include "processes.hpp"
#include "stage.hpp"
#include "witness.hpp"

#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/monitor/monitor.hpp>
#include <holdfast/monitor/process_host.hpp>

#include <fmt/format.h>

#include <csignal>
#include <memory>

namespace sim {

namespace monitor = holdfast::monitor;
using std::chrono::milliseconds;

namespace {

Stage* playing = nullptr;

milliseconds whole(Instant length) { return milliseconds{length / oneMs}; }

monitor::MonitorConfiguration configurationOf(const Plan& plan, const Ground& ground) {
    monitor::MonitorConfiguration configuration;
    configuration.name = "simulated";
    for (std::uint32_t i = 0; i < plan.resources; ++i) {
        monitor::ResourceConfiguration resource;
        resource.name = fmt::format("r{}", i);
        resource.type = "Actor";
        resource.agent = ground.library;
        resource.separateMonitor = plan.separate;
        if (i > 0 && plan.depends) resource.dependsOn = {"r0"};
        resource.times.looksAlivePollInterval = whole(plan.looksAlivePoll);
        resource.times.isAlivePollInterval = whole(plan.isAlivePoll);
        resource.times.pendingTimeout = whole(plan.pendingTimeout);
        resource.times.deadlockTimeout = whole(plan.deadlockTimeout);
        resource.times.stopPatience = whole(plan.stopPatience);
        resource.restart.threshold = plan.restarts;
        resource.restart.delay = milliseconds{200};
        resource.restart.period = std::chrono::hours{1};
        resource.restart.retryPeriodOnFailure = std::chrono::hours{2};
        const auto set = [&](const char* name, std::int64_t value) {
            resource.properties.push_back({name, value, {"plan", 1}});
        };
        set("CheckInterval", plan.checkInterval / oneMs);
        set("CheckTimeout", plan.checkTimeout / oneMs);
        set("FailureTolerance", plan.failureTolerance);
        set("TimeoutTolerance", plan.timeoutTolerance);
        set("TerminateTimeout", plan.terminateTimeout / oneMs);
        set("OnlineLimit", plan.operationLimit / oneMs);
        set("OfflineLimit", plan.operationLimit / oneMs);
        set("PredecessorTimeout", plan.predecessorTimeout / oneMs);
        configuration.resources.push_back(std::move(resource));
    }
    return configuration;
}

class World {
public:
    World(const Plan& plan, const Ground& ground, bool tells)
        : plan_{plan},
          ground_{ground},
          machine_{plan.seed, plan.weather},
          table_{machine_},
          hosts_{machine_},
          stage_{plan, machine_, [this](const std::string& what) { violated(what); }},
          witness_{plan, machine_, stage_, [this](const std::string& what) { violated(what); }} {
        descriptors = &table_;
        processes = &hosts_;
        playing = &stage_;
        copyOfProcess = [](ProcessNumber process) { return processes->copyOf(process); };
        const auto [begin, end] = ownVariables();
        machine_.ownLocks(begin, static_cast<std::size_t>(end - begin));
        hosts_.onEnd = [this](ProcessNumber process, ProcessEnd how) {
            if (how.signalled) ++outcome_.deaths;
            tell(fmt::format("process {} ends", process));
            stage_.processEnded(process, !how.signalled && how.number == 0);
            table_.closeOf(process);
        };
        hosts_.remains = [this](ProcessNumber process) { return stage_.remains(process); };
        if (tells) {
            tells_ = true;
            stage_.tell = witness_.tell = [this](const std::string& what) { tell(what); };
        }
    }
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World() {
        descriptors = nullptr;
        processes = nullptr;
        playing = nullptr;
    }

    Outcome run() {
        const Machine::End end = machine_.run([this] { live(); });
        if (outcome_.violation.empty()) {
            switch (end) {
                case Machine::End::finished: break;
                case Machine::End::stuck:
                    outcome_.violation = "a thread is left that waits for ever\n" + machine_.threads();
                    break;
                case Machine::End::endless: outcome_.violation = "it comes to no end\n" + machine_.threads(); break;
                case Machine::End::stopped: outcome_.violation = "stopped for no reason"; break;
            }
        }
        if (outcome_.violation.empty() && table_.open() != 0)
            outcome_.violation = fmt::format("{} descriptors are left open", table_.open());
        outcome_.digest = machine_.digest();
        outcome_.steps = machine_.steps();
        outcome_.switches = machine_.switches();
        outcome_.seconds = static_cast<double>(machine_.now() - began_) / 1e9;
        for (const Role& role : stage_.roles()) outcome_.onlines += role.onlines;
        outcome_.calls = witness_.calls();
        outcome_.reports = witness_.reports();
        outcome_.failures = witness_.failures();
        outcome_.restarts = witness_.restarts();
        return outcome_;
    }

private:
    void violated(const std::string& what) {
        if (outcome_.violation.empty()) {
            outcome_.violation = what;
            tell("VIOLATION: " + what);
        }
        machine_.stop();
    }

    void tell(const std::string& what) {
        if (tells_)
            outcome_.story.push_back(
                fmt::format("{:>8.4f} s  {}", static_cast<double>(machine_.now() - began_) / 1e9, what));
    }

    /** What a program that embeds the monitor does, and what the plan says happens meanwhile. */
    void live() {
        began_ = machine_.now();
        monitor::MonitorOptions options;
        options.observer = [this](const monitor::Record& record) { witness_.heard(record); };
        options.host = [this](monitor::MemoryRegistry& registry,
                              std::weak_ptr<monitor::HostListener> listener) -> std::unique_ptr<monitor::Host> {
            monitor::ProcessHostSettings settings;
            settings.runDirectory = ground_.runDirectory;
            settings.adoptTimeout = milliseconds{0};
            return std::make_unique<monitor::ProcessHost>(std::move(settings), registry, std::move(listener));
        };
        {
            monitor::ResourceMonitor monitor{configurationOf(plan_, ground_), std::move(options)};
            witness_.watch(&monitor);
            const auto problems = monitor.prepare();
            if (!problems.empty()) {
                if (machine_.delayed() == 0) violated("it cannot be prepared: " + problems.front().toString());
                tell("it cannot be prepared: " + problems.front().toString());
                outcome_.refused = true;
                return;
            }
            monitor.start();
            const Instant start = machine_.now();
            for (const Wish& wish : plan_.wishes) {
                waitUntil(start + wish.at);
                carryOut(monitor, wish);
            }
            waitUntil(start + plan_.end);
            if (plan_.abrupt) {
                tell("the monitor is destroyed");
            } else {
                tell("the monitor is stopped");
                witness_.stopping();
                monitor.stop();
                const Instant patience = witness_.stopPatience();
                const Instant deadline = machine_.now() + patience;
                while (!monitor.waitStopped(milliseconds{100})) {
                    witness_.audit();
                    if (machine_.now() > deadline)
                        violated(fmt::format("the monitor has not stopped after {} ms", patience / oneMs));
                }
                witness_.stopped();
            }
        }
        machine_.sleepUntil(machine_.now() + 200 * oneMs + machine_.delayed());  // for what dies with its process
        witness_.ended();
        tell("the monitor has ended");
    }

    void waitUntil(Instant at) {
        constexpr Instant pause = 100 * oneMs;
        while (machine_.now() < at) {
            machine_.sleepUntil(std::min(at, machine_.now() + pause));
            witness_.audit();
        }
    }

    void carryOut(monitor::ResourceMonitor& monitor, const Wish& wish) {
        const std::string name = fmt::format("r{}", wish.resource);
        switch (wish.kind) {
            case Wish::Kind::online:
                tell(name + ": wanted online");
                witness_.asked(wish.resource, true);
                static_cast<void>(monitor.online(name));
                break;
            case Wish::Kind::offline:
                tell(name + ": wanted offline");
                witness_.asked(wish.resource, false);
                static_cast<void>(monitor.offline(name));
                break;
            case Wish::Kind::fail:
                tell(name + ": declared failed");
                static_cast<void>(monitor.fail(name, "people say so"));
                break;
            case Wish::Kind::break_: stage_.breakEntity(wish.resource); break;
            case Wish::Kind::exit: stage_.exitEntity(wish.resource); break;
            case Wish::Kind::kill: {
                const auto living = hosts_.living();
                if (living.empty()) break;
                const ProcessNumber victim = living[wish.resource % living.size()];
                tell(fmt::format("process {} is killed from outside", victim));
                hosts_.end(victim, {true, SIGKILL});
                break;
            }
            case Wish::Kind::pause:
                tell(fmt::format("the machine pauses for {} ms", wish.length / oneMs));
                machine_.pause(wish.length);
                break;
            case Wish::Kind::property:
                tell(name + ": a property is set");
                monitor.setProperties(name, {{"Port", std::int64_t{4'711}, {}}}, [](const monitor::PropertyAnswer&) {});
                break;
        }
    }

    const Plan& plan_;
    const Ground& ground_;
    Outcome outcome_;
    bool tells_{false};
    Instant began_{0};
    Machine machine_;
    Descriptors table_;
    Processes hosts_;
    Stage stage_;
    Witness witness_;
};

}  // namespace

Outcome play(const Plan& plan, const Ground& ground, bool tells) {
    resetLibraries();
    const auto world = std::make_unique<World>(plan, ground, tells);
    Outcome outcome = world->run();
    return outcome;
}

}  // namespace sim

sim::Theatre* simTheatre() noexcept { return sim::playing; }
