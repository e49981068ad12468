// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The rules of a schedule, checked against what the monitor says and what the agents do.

#include "plan.hpp"
#include "stage.hpp"

#include <holdfast/monitor/monitor.hpp>

#include <functional>
#include <string>
#include <vector>

namespace sim {

class Witness {
public:
    Witness(const Plan& plan, Machine& machine, Stage& stage, std::function<void(std::string)> violated);

    void watch(holdfast::monitor::ResourceMonitor* monitor) noexcept { monitor_ = monitor; }
    void heard(const holdfast::monitor::Record& record);
    void asked(std::uint32_t resource, bool online);
    /** What must not last. */
    void audit();
    void stopping() noexcept { stopping_ = true; }
    void stopped();
    /** The monitor is gone. */
    void ended();
    /** The longest that stopping may take. */
    [[nodiscard]] Instant stopPatience() const;

    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
    [[nodiscard]] std::uint64_t reports() const noexcept { return reports_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
    [[nodiscard]] std::uint64_t restarts() const noexcept { return restarts_; }

    std::function<void(std::string)> tell;

private:
    struct Seen {
        holdfast::core::MonitorState state{holdfast::core::MonitorState::unloaded};
        Instant since{0};
        Instant delayedThen{0};
        std::uint64_t starts{0};   ///< Online calls
        std::uint64_t allowed{1};  ///< of those: the first, one for each wish, and so on
        Instant polledAt{0};       ///< IsAlive was back then
        bool wanted{true};
        Instant wantedSince{0};
        bool failed{false};         ///< for the outside
        Instant onlineSince{0};     ///< the first time after it was not
        std::uint64_t failures{0};  ///< also of its host
        std::uint64_t deaths{0};    ///< of its host
        std::uint64_t stops{0};     ///< Offline calls
        std::uint64_t onlineFinals{0};
        std::uint64_t offlineFinals{0};
        std::uint64_t failedFinals{0};
        bool configured{false};  ///< this instance has read its settings
        Instant terminatingSince{0};
        bool gaveUp{false};    ///< Terminate returned because of TerminateTimeout
        bool misheard{false};  ///< a report of an earlier run was late, and may have been taken for this one's
    };
    void call(std::uint32_t resource, const holdfast::monitor::CallRecord& call);
    void state(std::uint32_t resource, const holdfast::monitor::StateRecord& state);
    void reported(std::uint32_t resource, const holdfast::monitor::StatusRecord& status);
    void rest(std::uint32_t resource);
    /** No thread was kept waiting for so long of late that what it said may come after what was said later. */
    [[nodiscard]] bool inOrder(Instant waitedFor) const;
    void signalled(std::uint32_t resource);
    void order(std::uint32_t resource);
    void auditHealth(std::uint32_t resource);
    void auditWishes(std::uint32_t resource);
    /** The machine has stood still, and what is limited to so long may last that long from then on (D4). */
    [[nodiscard]] bool isStalled(Instant limit) const;
    /** Nobody was kept waiting on purpose of late. */
    [[nodiscard]] bool isCalm(Instant length) const;
    [[nodiscard]] bool isDeclared(std::uint32_t resource) const;
    [[nodiscard]] bool isExcused(std::uint32_t resource) const;
    [[nodiscard]] Instant delaysSince(Instant delayedThen) const;

    const Plan& plan_;
    Machine& machine_;
    Stage& stage_;
    std::function<void(std::string)> violated_;
    holdfast::monitor::ResourceMonitor* monitor_{nullptr};
    std::vector<Seen> seen_;
    bool stopping_{false};
    Instant auditedSince_{never};
    std::uint64_t calls_{0};
    std::uint64_t reports_{0};
    std::uint64_t failures_{0};
    std::uint64_t restarts_{0};
};

}  // namespace sim
