// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/configuration.hpp>
#include <holdfast/os/child.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Runs the programs that people want run: one queue for each, in order, one run at a time; nobody waits for them.
 *
 * A queue holds `capacity` runs. A program that cannot keep up loses the oldest ones that nobody waits for, and is told of
 * how many; each run is killed after the timeout. What programs write is logged, up to `linesPerRun` lines each.
 *
 * @par Thread safety Every member from any thread; `said` and `ended` are called on the queues' threads.
 */
class ProgramQueues {
public:
    static constexpr std::size_t capacity = 64;
    static constexpr std::size_t linesPerRun = 20;

    struct Run {
        HookProgram program;
        std::vector<std::pair<std::string, std::string>> environment;
        std::string resource;         ///< whom its log lines are about; empty: the monitor
        std::string what;             ///< what it is run for, for the log: "notify"
        std::function<void()> ended;  ///< however it ended; a run with one is never dropped
    };
    enum class Level { information, warning, error };
    using Say = std::function<void(const Run&, Level, std::string)>;

    explicit ProgramQueues(Say said) : said_{std::move(said)} {}
    ProgramQueues(const ProgramQueues&) = delete;
    ProgramQueues& operator=(const ProgramQueues&) = delete;
    ~ProgramQueues() { finish(std::chrono::milliseconds{0}); }

    void push(Run run);
    void timeout(std::chrono::milliseconds limit) { limit_ = limit.count(); }
    /** Waits for what is queued up to `patience`, then kills what runs and drops the rest. Nothing is run afterwards. */
    void finish(std::chrono::milliseconds patience);

private:
    struct Queue {
        std::deque<Run> runs;
        std::size_t dropped{0};
        bool working{false};
        std::thread worker;
    };

    void work(Queue& queue);
    void perform(const Run& run);

    const Say said_;
    std::atomic<std::int64_t> limit_{10'000};  // ms
    std::atomic<bool> cancelled_{false};

    std::mutex mutex_;
    std::condition_variable idle_;
    std::map<std::pair<std::string, std::vector<std::string>>, std::unique_ptr<Queue>> queues_;  // guarded by mutex_
    bool closed_{false};
};

}  // namespace holdfast::inline v1::monitor
