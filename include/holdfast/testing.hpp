// SPDX-License-Identifier: BSL-1.0
#pragma once

/// For authors' own tests: an engine to call the agent, and a clock moved by hand. Link holdfast::testing.

#include <holdfast/exec/manual_clock.hpp>
#include <holdfast/resource.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::testing {

/**
 * While it lives, time moves only by `advance`: make it before the first FakeEngine, destroy it after the last one.
 *
 * @par Errors The constructor throws std::logic_error while resources are open.
 */
class ManualTime {
public:
    ManualTime();
    ManualTime(const ManualTime&) = delete;
    ManualTime& operator=(const ManualTime&) = delete;
    ~ManualTime();

    /** Moves on, through every timer on the way. */
    void advance(std::chrono::milliseconds duration) { clock_->advance(duration); }
    /** Moves on at once, as if the machine had been suspended meanwhile (D4). */
    void suspend(std::chrono::milliseconds duration) { clock_->jump(duration); }

private:
    std::shared_ptr<exec::ManualClock> clock_;
};

/** What the agent reported (W-203): `state` is a word such as "OnlinePending", "Online", "Failed". */
struct Report {
    std::string state;
    std::uint32_t checkPoint;
};

struct LogLine {
    LogLevel level;
    std::string text;
};

/**
 * One resource of `type`, opened, and the calls an engine makes.
 *
 * Waiting members take real time and give up after `patience`, so that a test ends even if the agent does not.
 *
 * @par Thread safety All members from any thread.
 */
class FakeEngine {
public:
    static constexpr std::chrono::seconds patience{10};

    explicit FakeEngine(std::shared_ptr<const AgentType> type, PropertyBag properties = {}, std::string name = "test",
                        std::chrono::milliseconds syncGrace = std::chrono::milliseconds{0});
    FakeEngine(const FakeEngine&) = delete;
    FakeEngine& operator=(const FakeEngine&) = delete;
    ~FakeEngine();  ///< closes it

    /** What the entry point returned. */
    enum class Answer { done, pending, refused, failed };
    Answer online();
    Answer offline();
    Answer terminate();
    /** False if something wedged was left behind. */
    bool close();
    [[nodiscard]] bool isAlive() const;
    [[nodiscard]] bool failureSignalled() const;

    /** online() and the wait for the final report; true if it was "Online". */
    bool bringOnline();
    /** offline() and the wait; true if it was "Offline". */
    bool takeOffline();
    /** Waits for a report of `state`; true if it came. */
    bool waitFor(std::string_view state);
    /** Waits for a log line that contains `text`. */
    bool waitForLog(std::string_view text);
    /** Waits until the failure event is signalled. */
    [[nodiscard]] bool waitForFailure() const;

    [[nodiscard]] std::vector<Report> reports() const;
    [[nodiscard]] std::vector<LogLine> log() const;
    void forgetReports();

    /** What the resource's private properties are from the next Online on. */
    void setProperties(PropertyBag properties);
    /** What the resource depends on from now on, as Context::dependencies() reads it. */
    void setDependencies(Dependencies dependencies);
    /** The next stop is explained so (W-650). */
    void announce(StateChangeReason reason);
    /** The resource has another name from now on (W-651). */
    void rename(std::string name);
    void notify(DependencyNotice notice);
    /** Every further report is answered with "terminate" (W-206). */
    void answerTerminate(bool yes);
    /** Every further report and line blocks until this is called with false. */
    void block(bool yes);

private:
    class Link;
    std::shared_ptr<Link> link_;
    abi::ResourceId id_{nullptr};
};

}  // namespace holdfast::inline v1::testing
