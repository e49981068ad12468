// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/engine_link.hpp>
#include <holdfast/exec/lane.hpp>
#include <holdfast/os/event.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>

namespace holdfast::inline v1::exec {

/**
 * One resource's way out: reports, failure signals and log lines leave one at a time, in order, on a control worker that
 * exists only while there is something to send. An engine that blocks in a callback delays this resource's reports only.
 *
 * A report begins only while its generation's gate is open; whoever closes the gate knows that none begins afterwards.
 *
 * @par Thread safety All members from any thread; no lock is held during a callback.
 */
class Reporter : public std::enable_shared_from_this<Reporter> {
public:
    /**
     * `engineStopped` is told the generation whose report the engine answered with "terminate"; `flight` is the resource's
     * number in the flight recorder.
     */
    Reporter(Lane& lane, std::shared_ptr<EngineLink> link, std::function<void(core::Generation)> engineStopped,
             std::uint32_t flight)
        : lane_{lane}, link_{std::move(link)}, engineStopped_{std::move(engineStopped)}, flight_{flight} {}

    void open(core::Generation generation);
    void close();  ///< from now on no report begins

    void report(core::Generation generation, const StatusReport& status);
    void log(LogLevel level, std::string text);

    /**
     * D12: a signal of an older run is dropped, and a reset of a newer one is never undone. It waits for the reports that
     * were made before it, never for log lines.
     */
    void resetEvent(core::Generation run);
    void signal(core::Generation run);  ///< and then `EngineLink::signalFailure`, unless a stop was accepted meanwhile
    [[nodiscard]] void* eventHandle() const noexcept { return event_.handle(); }
    [[nodiscard]] const os::Event& event() const noexcept { return event_; }

    /** Nothing is sent any more (W-117). */
    void shut();
    /** Waits until no callback is under way; false after `patience`. */
    bool waitIdle(std::chrono::milliseconds patience);
    /**
     * The same for reports and failure signals alone: a line that the engine is slow to take does not count, nor does the
     * callback in which this is called.
     */
    bool waitReported(std::chrono::milliseconds patience);
    /** Waits until everything queued was sent; false after `patience`. */
    bool flush(std::chrono::milliseconds patience);

    static constexpr std::size_t mostLines = 1'000;  ///< lines waiting; more are counted and dropped

private:
    struct Report {
        core::Generation generation;
        StatusReport status;
    };
    struct Line {
        LogLevel level;
        std::string text;
    };
    struct Failure {
        core::Generation generation;
    };
    using Item = std::variant<Report, Line, Failure>;

    void push(Item item, std::unique_lock<std::mutex>& lock);
    void startDraining(std::unique_lock<std::mutex>& lock);
    void drain();
    void send(const Item& item, std::unique_lock<std::mutex>& lock);
    void settleSignal();

    Lane& lane_;
    const std::shared_ptr<EngineLink> link_;
    const std::function<void(core::Generation)> engineStopped_;
    const std::uint32_t flight_;
    os::Event event_;

    std::mutex mutex_;  // guards all below, and the event against a late signal
    std::condition_variable idle_;
    std::list<Item> queue_;     // a list: an empty deque would take 600 bytes of every idle resource
    core::Generation open_{0};  // 0: closed
    core::Generation run_{0};
    core::Generation signal_{0};  // a run whose failure is to be signalled once the reports are out; 0: none
    std::size_t reports_{0};      // queued or under way
    std::size_t lines_{0};
    std::size_t lost_{0};
    bool draining_{false};
    bool calling_{false};
    std::thread::id reporting_;  // who is in it with anything but a log line; none: nobody
    bool shut_{false};
};

}  // namespace holdfast::inline v1::exec
