// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/thread/thread.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace holdfast::inline v1::exec {

/** What a job may know of the worker it runs on. */
struct WorkerSelf {
    boost::thread& thread;
    boost::this_thread::disable_interruption& uninterruptible;
};

/** Something to run on a worker of its own. `run` and `rejected` exclude each other; one of them is called once. */
class LaneJob {
public:
    LaneJob() = default;
    LaneJob(const LaneJob&) = delete;
    LaneJob& operator=(const LaneJob&) = delete;
    virtual ~LaneJob() = default;
    /** On a worker with interruption disabled. May end its thread. */
    virtual void run(WorkerSelf self) = 0;
    /** There is no thread to be had (D6). Must not block. */
    virtual void rejected() noexcept {}
};

class Spawner;

/**
 * Workers for one sort of job: made on demand, kept for a while, never shared by two jobs at a time.
 *
 * Whoever submits never creates a thread itself: an idle worker takes the job at once, otherwise the spawner makes one.
 *
 * @par Thread safety All members from any thread; no lock is held while a job runs.
 */
class Lane {
public:
    struct Options {
        std::size_t most;     ///< jobs at a time; more are rejected
        std::size_t standby;  ///< idle workers that never retire
        bool mayReject;       ///< false: jobs wait for a thread instead (terminate, stops, reports)
        std::chrono::milliseconds idleTime{5'000};
    };
    Lane(Spawner& spawner, Options options);
    Lane(const Lane&) = delete;
    Lane& operator=(const Lane&) = delete;
    ~Lane();

    void submit(std::shared_ptr<LaneJob> job);
    /** Runs `work` as a job that cannot be rejected meaningfully. */
    void submit(std::function<void()> work);

    /** Makes the standby workers. */
    void warm();

    struct Counts {
        std::size_t threads;
        std::size_t idle;
        std::size_t queued;
    };
    [[nodiscard]] Counts counts() const;

    /** No more jobs; idle workers end. */
    void stop() noexcept;

private:
    friend class Spawner;
    struct Worker {
        boost::thread thread;
        bool listed{false};       // its handle is where the spawner will look for it
        bool ranToItsEnd{false};  // false: a job ended the thread, and Boost.Thread's join() would wait for ever
    };
    void spawn() noexcept;                                                  // on the spawner's thread
    void joinRetired() noexcept;                                            // on the spawner's thread
    bool joinAll(std::chrono::steady_clock::time_point deadline) noexcept;  // on the spawner's thread
    void work(std::list<Worker>::iterator self);
    std::shared_ptr<LaneJob> next(std::unique_lock<std::mutex>& lock);

    Spawner& spawner_;
    const Options options_;
    mutable std::mutex mutex_;  // guards all below
    std::condition_variable wake_;
    std::deque<std::shared_ptr<LaneJob>> queue_;
    std::list<Worker> live_;
    std::list<Worker> retired_;
    std::size_t idle_{0};
    std::size_t spawning_{0};
    bool stopping_{false};
};

/**
 * The one thread that creates and joins workers, so that neither an engine's thread nor the strand pool waits for either.
 *
 * @par Thread safety All members from any thread.
 */
class Spawner {
public:
    Spawner();
    Spawner(const Spawner&) = delete;
    Spawner& operator=(const Spawner&) = delete;
    ~Spawner();

    void want(Lane& lane);
    void retired(Lane& lane);
    /** Joins every worker of `lanes`; false if some still ran after `patience`. Ends the spawner's thread. */
    bool stop(std::initializer_list<Lane*> lanes, std::chrono::milliseconds patience);

private:
    void run();
    std::mutex mutex_;  // guards tasks_, stopping_
    std::condition_variable wake_;
    std::deque<std::function<void()>> tasks_;
    bool stopping_{false};
    std::thread thread_;
};

}  // namespace holdfast::inline v1::exec
