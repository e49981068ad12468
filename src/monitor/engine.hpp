// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/conductor.hpp"
#include "monitor/journal.hpp"
#include "monitor/unit.hpp"

#include <holdfast/monitor/memory_registry.hpp>
#include <holdfast/monitor/monitor.hpp>

#include <boost/asio/executor_work_guard.hpp>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace holdfast::inline v1::monitor {

/**
 * A running monitor: strands, timers and the host around the machines.
 *
 * Lock order: `conducting_` before `views_`; neither is held while a strand's work runs or a host is called.
 */
class ResourceMonitor::Engine final : public HostListener, public std::enable_shared_from_this<Engine> {
public:
    Engine(MonitorConfiguration configuration, MonitorOptions options);
    void begin();  ///< makes the host and the threads: needs shared_from_this
    void end();

    [[nodiscard]] std::vector<Problem> prepare();
    void start();
    void stop();
    [[nodiscard]] bool waitStopped(std::chrono::milliseconds patience);
    bool want(std::string_view name, bool online);
    bool fail(std::string_view name, std::string_view reason);
    [[nodiscard]] PropertyAnswer setProperties(std::string_view name, std::vector<PropertySetting> settings);
    [[nodiscard]] PropertyBag properties(std::string_view name) const;
    [[nodiscard]] std::vector<ResourceSnapshot> snapshot() const;
    [[nodiscard]] RunOutcome outcome() const;
    [[nodiscard]] std::vector<CallSummary> calls() const { return journal_.calls(); }
    [[nodiscard]] MemoryRegistry& registry() noexcept { return registry_; }

    void callReturned(CallResult result) noexcept override;
    void statusReported(ResourceNumber resource, const ReportedStatus& status,
                        std::function<void(abi::ExitState)> answer) noexcept override;
    void logged(ResourceNumber resource, abi::Dword level, std::string text) noexcept override;
    void eventSignalled(ResourceNumber resource, core::Generation watch) noexcept override;
    void strayCallback(std::string_view callback, std::uint64_t handle) noexcept override;
    void hostStarted(ResourceNumber resource, std::int64_t process) noexcept override;
    void hostDied(ResourceNumber resource, HostDeath death) noexcept override;
    void hostReady(ResourceNumber resource) noexcept override;
    void hostSays(abi::Dword level, std::string text) noexcept override;
    [[nodiscard]] bool ended() const noexcept override { return ended_; }

private:
    [[nodiscard]] Unit& unit(ResourceNumber number) { return *units_[static_cast<std::size_t>(number)]; }
    [[nodiscard]] Unit* find(std::string_view name) const;

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
                          const std::shared_ptr<std::promise<PropertyAnswer>>& answer);
    void storeProperties(Unit& unit, const PropertyBag& changes);
    void finishPreparing(Unit& unit);
    void failPreparing(Unit& unit, std::string text);

    void send(const Conductor::Requests& requests);
    void log(const std::string& resource, LogLevel level, std::string operation, std::string text,
             bool fromAgent = false);
    [[nodiscard]] static std::string operationOf(const Unit& unit);

    MonitorConfiguration configuration_;
    MonitorOptions options_;
    MemoryRegistry registry_;
    Journal journal_;
    boost::asio::io_context io_;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    std::vector<std::unique_ptr<Unit>> units_;
    std::unique_ptr<Host> host_;
    std::vector<std::thread> threads_;
    std::atomic<bool> ended_{false};

    std::mutex conducting_;
    Conductor conductor_;
    bool saidHopeless_{false};

    mutable std::mutex views_;
    std::condition_variable changed_;
    std::vector<ResourceSnapshot> snapshots_;
    std::size_t unprepared_{0};
    bool stopping_{false};
    bool stopped_{false};
    RunOutcome outcome_;
};

}  // namespace holdfast::inline v1::monitor
