// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/configuration.hpp>
#include <holdfast/monitor/host.hpp>
#include <holdfast/monitor/record.hpp>
#include <holdfast/property.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::monitor {

class MemoryRegistry;

struct MonitorOptions {
    /** Hears every record, one at a time, on the monitor's threads; must not block, nor call back into the monitor. */
    std::function<void(const Record&)> observer;
    unsigned threads{2};
    /** Makes the host; default: `InProcessHost`. */
    std::function<std::unique_ptr<Host>(MemoryRegistry&, std::weak_ptr<HostListener>)> host;
};

/** The last health check a resource answered. */
struct SeenCheck {
    EntryPoint entryPoint{EntryPoint::isAlive};
    bool alive{true};
    std::chrono::steady_clock::time_point at;
};

/** The call that came nearest to its budget, or exceeded it most. */
struct WorstCall {
    EntryPoint entryPoint{EntryPoint::open};
    std::chrono::nanoseconds span{0};
    std::chrono::milliseconds budget{0};  ///< 0: no call yet
};

/** One resource as it is now. */
struct ResourceSnapshot {
    using Time = std::chrono::steady_clock::time_point;

    std::string name;
    std::string type;
    std::string group;  ///< empty: none
    std::vector<std::string> dependsOn;
    core::MonitorState state{};
    abi::ResourceState external{};
    Time since;                ///< in `external` since then
    bool wanted{true};         ///< what people asked for last: online or offline
    std::uint64_t onlines{0};  ///< how often it came online
    std::uint64_t failures{0};
    std::uint64_t restarts{0};  ///< how often the policy started it again
    bool restartPending{false};
    Time restartAt;                      ///< with `restartPending`
    std::string reason;                  ///< of the last failure
    std::string step;                    ///< what the agent said last in the operation under way; empty if none is
    Time stepAt;                         ///< when it said that, or when the operation began
    std::optional<SeenCheck> lastCheck;  ///< of this run
    WorstCall worst;
    std::int64_t hostProcess{0};  ///< its host's process id; 0: this process, or none
    bool separateMonitor{false};  ///< it has a host of its own
};

/** What became of new private properties. */
struct PropertyAnswer {
    /** 0 stored; 5024 stored, and used from the next Online on (W-640); anything else: refused, nothing stored. */
    abi::Dword code{0};
    std::vector<std::string> problems;  ///< why it was refused
};

/** What may be shown of private properties: an agent's secrets are named, never their values. */
struct VisibleProperties {
    struct Entry {
        std::string name;
        PropertyValue value;   ///< absent: not shown
        bool stored{false};    ///< false: the agent's default
        bool readOnly{false};  ///< people cannot set it (W-520)
    };
    bool found{false};   ///< there is a resource of that name
    abi::Dword code{0};  ///< of the agent's answer; not 0: it shows nothing, so no value is shown
    std::vector<Entry> entries;
};

/** How a run ended. */
struct RunOutcome {
    bool failedResource{false};        ///< a resource was Failed, or given up, when the stop began
    bool stopFailed{false};            ///< a resource had to be terminated, or was given up, during the stop
    std::vector<std::string> running;  ///< calls that never returned, as `resource: entry point`
};

/**
 * The portable Resource Monitor: brings resources online in the order of their dependencies, polls them, restarts them
 * by policy and takes them offline again.
 *
 * A resource whose provider is not online is taken offline and comes back with it (W-412); a provider that failed starts
 * again when all that depends on it is down.
 *
 * @par Thread safety Every member from any thread.
 */
class ResourceMonitor {
public:
    explicit ResourceMonitor(MonitorConfiguration configuration, MonitorOptions options = {});
    ResourceMonitor(const ResourceMonitor&) = delete;
    ResourceMonitor& operator=(const ResourceMonitor&) = delete;
    /** Terminates what still runs, and waits for that up to five seconds. */
    ~ResourceMonitor();

    /**
     * Loads every agent, stores the private properties, opens every resource and has the agents validate.
     *
     * @return everything that is wrong; empty: `start` may be called.
     * @par Budget Waits for agents, up to their DeadlockTimeout; `stop` ends the wait.
     */
    [[nodiscard]] std::vector<Problem> prepare();

    /** Brings every resource online in order; returns at once. */
    void start();

    /** Takes all offline in order and closes them; a second call terminates whatever still works. Returns at once. */
    void stop();

    /**
     * Kills every host at once, for a program that is about to leave without waiting; in-process agents it cannot end.
     *
     * @par Budget 3 s, if it was writing down what hangs; else nothing.
     */
    void abandon();

    /** True once everything is closed or given up after `stop`. */
    [[nodiscard]] bool waitStopped(std::chrono::milliseconds patience);

    /**
     * Takes a new configuration for the one that runs: resources that are new are prepared and come online in order, removed
     * ones go offline and are closed, a change of agent, type or hosting is both. Times, restart settings, groups and
     * programs hold at once, private properties from the next Online on (5024). Whatever is the same does not notice.
     *
     * @return everything that is wrong; then nothing has changed
     * @par Budget Waits for agents, up to their DeadlockTimeout; `stop` ends the wait. One reload at a time.
     */
    [[nodiscard]] std::vector<Problem> reload(MonitorConfiguration configuration);

    /** Asks for one resource; false if there is none of that name. A resource that was asked to be offline stays so. */
    bool online(std::string_view name);
    bool offline(std::string_view name);
    /** Declares an online resource failed, as its agent could: terminated and restarted by policy. False: no such name. */
    bool fail(std::string_view name, std::string_view reason);

    /**
     * Sets private properties: the agent validates them, then all or none are stored.
     *
     * @par Budget Waits for the agent, up to the resource's DeadlockTimeout and what its queue takes.
     */
    [[nodiscard]] PropertyAnswer setProperties(std::string_view name, std::vector<PropertySetting> settings);
    /** The same without waiting: `answer` comes on one of the monitor's threads, or on this one; not if the monitor ends. */
    void setProperties(std::string_view name, std::vector<PropertySetting> settings,
                       std::function<void(PropertyAnswer)> answer);
    /**
     * What the agent itself shows of its properties (W-630). `answer` as above.
     *
     * Only the agent knows which are secret: a stored one that it leaves out is named without its value.
     */
    void visibleProperties(std::string_view name, std::function<void(VisibleProperties)> answer);
    /** What is stored of them, secrets included; empty if there is no such resource. */
    [[nodiscard]] PropertyBag properties(std::string_view name) const;

    [[nodiscard]] std::vector<ResourceSnapshot> snapshot() const;
    [[nodiscard]] std::vector<CallSummary> calls() const;
    [[nodiscard]] std::vector<CallHistogram> histograms() const;
    [[nodiscard]] RunOutcome outcome() const;
    [[nodiscard]] MemoryRegistry& registry() noexcept;

private:
    class Engine;
    std::shared_ptr<Engine> engine_;
};

}  // namespace holdfast::inline v1::monitor
