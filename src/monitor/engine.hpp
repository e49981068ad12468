// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/conductor.hpp"
#include "monitor/journal.hpp"
#include "monitor/program_queue.hpp"
#include "monitor/state_store.hpp"
#include "monitor/unit.hpp"

#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/monitor/monitor.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <atomic>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <thread>

namespace holdfast::inline v1::monitor {

/**
 * A running monitor: strands, timers and the host around the machines.
 *
 * Lock order: `reloading_`, `conducting_`, `views_`, `roster_`; none but the first is held while a strand's work runs or a
 * host is called. The state store, the journal and the program queues have locks of their own and call nobody back under
 * them.
 */
class ResourceMonitor::Engine final : public HostListener, public std::enable_shared_from_this<Engine> {
public:
    Engine(MonitorConfiguration configuration, MonitorOptions options);
    void begin();  ///< makes the host and the threads: needs shared_from_this
    void end();

    [[nodiscard]] std::vector<Problem> prepare();
    void start();
    void stop();
    void abandon() {
        if (host_) host_->abandon();
    }
    [[nodiscard]] bool waitStopped(std::chrono::milliseconds patience);
    bool want(std::string_view name, bool online);
    bool fail(std::string_view name, std::string_view reason);
    [[nodiscard]] std::vector<Problem> reload(MonitorConfiguration configuration);
    void setProperties(std::string_view name, std::vector<PropertySetting> settings,
                       std::function<void(PropertyAnswer)> answer);
    [[nodiscard]] PropertyAnswer setProperties(std::string_view name, std::vector<PropertySetting> settings);
    void visibleProperties(std::string_view name, std::function<void(VisibleProperties)> answer);
    [[nodiscard]] PropertyBag properties(std::string_view name) const;
    [[nodiscard]] std::vector<ResourceSnapshot> snapshot() const;
    [[nodiscard]] RunOutcome outcome() const;
    [[nodiscard]] std::vector<CallSummary> calls() const { return journal_.calls(); }
    [[nodiscard]] std::vector<CallHistogram> histograms() const { return journal_.histograms(); }
    [[nodiscard]] MemoryRegistry& registry() noexcept { return registry_; }

    void callReturned(CallResult result) noexcept override;
    void statusReported(ResourceNumber resource, const ReportedStatus& status,
                        std::function<void(abi::ExitState)> answer) noexcept override;
    void logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept override;
    void eventSignalled(ResourceNumber resource, core::Generation watch) noexcept override;
    void failureSignalled(ResourceNumber resource, abi::FailureType type, abi::Dword code) noexcept override;
    void strayCallback(std::string_view callback, std::uint64_t handle) noexcept override;
    void propertiesChanged(ResourceNumber resource, PropertyBag changes, StoreNumber after) noexcept override;
    void hostStarted(ResourceNumber resource, std::int64_t process) noexcept override;
    void hostDied(ResourceNumber resource, HostDeath death) noexcept override;
    void hostReady(ResourceNumber resource) noexcept override;
    void hostSays(abi::Dword level, std::string text) noexcept override;
    void hostUnkillable(std::string text) noexcept override;
    [[nodiscard]] bool ended() const noexcept override { return ended_; }

private:
    using UnitPointer = std::shared_ptr<Unit>;  // whatever is posted to a strand keeps its unit

    /** Null once it was removed. */
    [[nodiscard]] UnitPointer unit(ResourceNumber number) const;
    [[nodiscard]] UnitPointer find(std::string_view name) const;
    [[nodiscard]] std::vector<UnitPointer> units() const;

    // engine_reload.cpp: from any thread but the strands'.
    [[nodiscard]] UnitPointer addUnit(const ResourceConfiguration& configured, std::uint32_t rank);
    [[nodiscard]] std::vector<Problem> prepareUnits(const std::vector<UnitPointer>& fresh);
    /** `units[i]` is the i-th resource of the configuration. */
    [[nodiscard]] Conductor::Places placesOf(const std::vector<UnitPointer>& units,
                                             const MonitorConfiguration& configuration) const;
    [[nodiscard]] bool startsWanted(const ResourceConfiguration& configured) const;
    struct Changes;
    [[nodiscard]] Changes compare(const MonitorConfiguration& next);
    [[nodiscard]] std::vector<Problem> check(Changes& changes);
    void commit(MonitorConfiguration next, Changes& changes);
    struct PropertyCheck {
        PropertyBag changes;
        PropertyBag typeChanges;
        std::vector<Problem> problems;
    };
    void checkProperties(Unit& unit, const std::vector<PropertySetting>& settings,
                         const std::vector<PropertySetting>& typeSettings,
                         const std::shared_ptr<std::promise<PropertyCheck>>& answer);
    void closeUnits(const std::vector<UnitPointer>& fresh);
    void configure(Unit& unit, const ResourceConfiguration& next, std::vector<PropertySetting> settings,
                   const PropertyBag& changes, const PropertyBag& typeChanges);
    void restoreTypeProperties(Unit& unit);
    void retire(Unit& unit);

    // engine_policy.cpp: groups, programs, what is remembered.
    struct Group {
        GroupConfiguration configuration;
        core::RestartPolicy failovers;
        std::string resource;  ///< whose failure it was
        std::string reason;
    };
    void arrangeGroups(const std::vector<GroupConfiguration>& groups);
    /** True: the group goes offline, and the resource with it. */
    bool failGroup(const Unit& unit);
    void groupFell(const Group& group);
    void runGroupHook(const Group& group, const std::string& event, std::function<void()> ended);
    void returnGroup(const std::string& name);
    void notify(const Unit& unit, abi::ResourceState from);
    void openStore();
    void recall(Unit& unit);
    void remember(const Unit& unit);
    void rememberGroup(const Group& group);
    struct Settings {
        std::vector<PropertySetting> all;
        std::vector<std::string> outdated;  ///< set by people once, but the file says something new
    };
    [[nodiscard]] Settings settingsOf(const ResourceConfiguration& configured) const;
    void forgetOutdated(const std::string& name, const std::vector<std::string>& outdated);
    void rememberProperties(Unit& unit, const std::vector<PropertySetting>& settings);
    /** True: the file sets it all the same, so the next start of the monitor does. */
    bool forgetProperty(Unit& unit, const std::string& name);

    // On the unit's strand.
    abi::ExitState feed(Unit& unit, const core::MonitorEvent& event);
    void apply(Unit& unit, const core::MonitorAction& action);
    void startCall(Unit& unit, const core::MonitorAction& action);
    void armTimer(Unit& unit, const core::MonitorAction& action);
    void publishView(Unit& unit);
    void noticeState(Unit& unit, core::MonitorState from);
    void noticeFailure(Unit& unit, const core::MonitorAction& action);
    void noticeFinished(Unit& unit, const core::MonitorAction& action);
    void scheduleRestart(Unit& unit, std::chrono::milliseconds delay, bool retrying);
    void resume(Unit& unit);
    [[nodiscard]] bool preparationLost(Unit& unit);
    void separate(Unit& unit);
    void takeResult(Unit& unit, const CallResult& result);
    static void noticeCall(Unit& unit, const CallResult& result);
    void takeStartup(Unit& unit, const CallResult& result);
    void takeFormats(Unit& unit, const CallResult& result);
    void orderFormats(Unit& unit, std::size_t capacity);
    void queueControl(Unit& unit, Unit::Control control);
    static void takeControl(Unit& unit, abi::Dword code);
    void prepareUnit(Unit& unit);
    void validate(Unit& unit);
    void changeProperties(Unit& unit, const std::vector<PropertySetting>& settings,
                          const std::function<void(PropertyAnswer)>& answer);
    void storeItself(Unit& unit, const std::vector<PropertySetting>& settings, PropertyBag changes,
                     const std::function<void(PropertyAnswer)>& answer);
    static PropertyAnswer refusalOf(Unit& unit, abi::Dword code);
    void takeChanges(Unit& unit, const PropertyBag& changes, StoreNumber after);
    void ask(Unit& unit, abi::Dword code, std::size_t capacity, const std::function<void(abi::Dword)>& answer);
    void askVisible(Unit& unit, const std::function<void(VisibleProperties)>& answer);
    void storeProperties(Unit& unit, const PropertyBag& changes);
    void storeTypeProperties(Unit& unit, const PropertyBag& changes);
    [[nodiscard]] std::vector<holdfast::Dependency> dependenciesOf(const Unit& unit) const;
    void finishPreparing(Unit& unit);
    void failPreparing(Unit& unit, std::string text);

    // With conducting_ held.
    void settle(const Conductor::Requests& requests);
    void send(const Conductor::Requests& requests);
    void log(const std::string& resource, LogLevel level, std::string operation, std::string text,
             bool fromAgent = false);
    [[nodiscard]] static std::string operationOf(const Unit& unit);

    MonitorConfiguration configuration_;  // guarded by reloading_
    MonitorOptions options_;
    MemoryRegistry registry_;
    Journal journal_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    const std::string name_;
    std::unique_ptr<StateStore> store_;  // set before the threads start
    std::vector<Problem> storeProblems_;
    std::unique_ptr<ProgramQueues> programs_;
    std::unique_ptr<Host> host_;
    std::vector<std::thread> threads_;
    std::atomic<bool> ended_{false};

    std::mutex reloading_;
    mutable std::shared_mutex roster_;
    std::map<std::size_t, UnitPointer> units_;  // guarded by roster_
    std::size_t nextNumber_{0};                 // guarded by reloading_: never used twice

    std::mutex conducting_;
    Conductor conductor_;
    std::map<std::string, Group> groups_;  // guarded by conducting_
    bool saidHopeless_{false};

    mutable std::mutex views_;
    std::condition_variable changed_;
    std::map<std::size_t, ResourceSnapshot> snapshots_;
    std::vector<std::size_t> order_;  // of the file
    HookProgram notify_;
    HookProgram fence_;
    std::size_t unprepared_{0};
    bool stopping_{false};
    bool stopped_{false};
    RunOutcome outcome_;
};

}  // namespace holdfast::inline v1::monitor
