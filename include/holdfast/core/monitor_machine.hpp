// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/monitor_events.hpp>

#include <array>
#include <compare>
#include <cstdint>

namespace holdfast::inline v1::core {

/**
 * Decides everything about one hosted resource: rows S1–S40 of the contract, an event in, actions out.
 *
 * Beyond the rows it settles what they leave open:
 *  - A request that must wait for the call on the stack waits `stopPatience`, then Terminate overlaps it (W-102).
 *  - If Online succeeds although Terminate was already issued, Terminate is issued once more: it may have looked too early.
 *  - After a wake-up by the event handle, polls and watch go on when IsAlive says the resource lives.
 *
 * @par Thread safety One owner at a time (the resource's strand). No allocation, no I/O, no exception.
 */
class MonitorMachine {
public:
    /** Everything that decides what happens next, without generations: the canonical state of the exploration test. */
    struct Snapshot {
        MonitorState state{MonitorState::unloaded};
        Call call{Call::none};  ///< on the serial lane
        bool terminateOnStack{false};
        bool terminateAgain{false};  ///< an Online or Offline outlived the Terminate that was to end it
        bool failing{false};         ///< terminating because of a failure, not of a stop
        RestartPlace place{RestartPlace::here};
        MonitorReason reason{MonitorReason::none};  ///< of the failure or stop under way, or of the last one
        bool wantOnline{false};                     ///< once the way is free
        bool wantOffline{false};
        bool wantClose{false};
        bool deleting{false};
        bool controlDue{false};
        bool looksDue{false};
        bool verifyDue{false};
        bool loaded{false};
        bool broken{false};           ///< the last load or Open failed, or its host died at work
        bool requestedOnline{false};  ///< a request of this kind has not ended yet
        bool requestedOffline{false};
        bool requestedClose{false};
        bool hasEvent{false};
        bool watching{false};
        bool held{false};  ///< a report waits for the 997 (W-202)
        StatusReport heldReport{};
        bool reported{false};  ///< a report of this operation has been read
        std::uint32_t checkPoint{0};
        std::array<bool, monitorTimerCount> armed{};

        auto operator<=>(const Snapshot&) const = default;
    };

    MonitorMachine() noexcept = default;
    explicit MonitorMachine(const MonitorSettings& settings) noexcept : settings_{settings} {}

    /** Takes one event. Events of an earlier generation change nothing. */
    [[nodiscard]] MonitorActions handle(const MonitorEvent& event) noexcept;

    /** New times; poll intervals hold at once (W-313), the rest from the next call on. */
    [[nodiscard]] MonitorActions configure(const MonitorSettings& settings) noexcept;

    [[nodiscard]] MonitorState state() const noexcept { return s_.state; }
    [[nodiscard]] abi::ResourceState externalState() const noexcept;
    [[nodiscard]] const Snapshot& snapshot() const noexcept { return s_; }
    [[nodiscard]] const MonitorSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] Generation callGeneration() const noexcept { return callGeneration_; }
    [[nodiscard]] Generation terminateGeneration() const noexcept { return terminateGeneration_; }
    [[nodiscard]] Generation watchGeneration() const noexcept { return watchGeneration_; }
    [[nodiscard]] Generation timerGeneration(MonitorTimer timer) const noexcept {
        return timerGenerations_[index(timer)];
    }

private:
    static constexpr std::size_t index(MonitorTimer timer) noexcept { return static_cast<std::size_t>(timer); }

    void onOpen(MonitorActions& out) noexcept;
    void onOnline(MonitorActions& out) noexcept;
    void onOffline(MonitorActions& out) noexcept;
    void onTerminate(MonitorActions& out) noexcept;
    void onShutdown(MonitorActions& out) noexcept;
    void onControl(MonitorActions& out) noexcept;
    void onRestart(const MonitorEvent& event, MonitorActions& out) noexcept;
    void onReturned(const MonitorEvent& event, MonitorActions& out) noexcept;
    void onTerminateReturned(MonitorActions& out) noexcept;
    void onReported(const StatusReport& report, MonitorActions& out) noexcept;
    void onSignalled(MonitorActions& out) noexcept;
    void onSignalFailure(FailureType type, MonitorActions& out) noexcept;
    void onTimer(const MonitorEvent& event, MonitorActions& out) noexcept;

    void onlineReturned(const MonitorEvent& event, MonitorActions& out) noexcept;
    void offlineReturned(const MonitorEvent& event, MonitorActions& out) noexcept;
    void applyReport(StatusReport report, MonitorActions& out) noexcept;
    void advance(MonitorActions& out) noexcept;
    void stopWorking(MonitorActions& out) noexcept;

    void startCall(Call call, MonitorActions& out) noexcept;
    void startOnline(MonitorActions& out) noexcept;
    void enterOnline(MonitorActions& out) noexcept;
    void verify(MonitorActions& out) noexcept;
    void armPolls(MonitorActions& out) noexcept;
    void endHealth(MonitorActions& out) noexcept;
    void startTerminate(MonitorActions& out) noexcept;
    void fail(MonitorReason reason, std::uint32_t code, bool publishFirst, MonitorActions& out) noexcept;
    void stop(MonitorReason reason, std::uint32_t code, MonitorActions& out) noexcept;
    void leaveTerminating(MonitorActions& out) noexcept;
    void enterOpened(RequestOutcome outcome, MonitorActions& out) noexcept;
    void enterClosed(MonitorActions& out) noexcept;
    void die(MonitorReason reason, Call call, MonitorActions& out) noexcept;

    void enter(MonitorState state, MonitorActions& out) noexcept;
    void publish(MonitorActions& out) noexcept;
    void arm(MonitorTimer timer, std::chrono::milliseconds duration, MonitorActions& out) noexcept;
    void disarm(MonitorTimer timer, MonitorActions& out) noexcept;
    [[nodiscard]] bool isArmed(MonitorTimer timer) const noexcept { return s_.armed[index(timer)]; }
    void unwatch(MonitorActions& out) noexcept;
    static void log(MonitorReason reason, MonitorActions& out, Call call = Call::none, std::uint32_t code = 0) noexcept;
    void finish(RequestKind request, RequestOutcome outcome, MonitorActions& out) noexcept;
    [[nodiscard]] static bool isPending(const StatusReport& report, abi::ResourceState own) noexcept;

    MonitorSettings settings_{};
    Snapshot s_{};
    abi::ResourceState published_{abi::ResourceState::offline};
    Generation callGeneration_{0};
    Generation terminateGeneration_{0};
    Generation watchGeneration_{0};
    std::array<Generation, monitorTimerCount> timerGenerations_{};
    std::array<std::chrono::milliseconds, monitorTimerCount> timerDurations_{};
};

}  // namespace holdfast::inline v1::core
