// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/thread/thread.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

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
 * @par Errors `submit` throws std::bad_alloc and has then done nothing.
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

    void submit(const std::shared_ptr<LaneJob>& job);
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
        std::condition_variable wake;
        std::list<Worker*> place{this};  // its place in idleOrder_ while it is not there: moving it allocates nothing
        const std::list<Worker*>::iterator at{place.begin()};
        bool called{false};       // taken out of idleOrder_ for a job
        bool listed{false};       // its handle is where the joiner will look for it
        bool ranToItsEnd{false};  // false: a job ended the thread, and Boost.Thread's join() would wait for ever
    };
    /** One thread; false if the system has none. On the spawner's thread. */
    bool spawn() noexcept;
    /** Counts one more thread as asked for, if jobs or the standby lack one. */
    [[nodiscard]] bool askForOneMore() noexcept;
    // On the joiner's thread.
    void joinRetired() noexcept;
    bool joinAll(std::chrono::steady_clock::time_point deadline) noexcept;

    void work(std::list<Worker>::iterator self);
    std::shared_ptr<LaneJob> next(Worker& self, std::unique_lock<std::mutex>& lock);
    [[nodiscard]] bool waitForCall(Worker& self, std::unique_lock<std::mutex>& lock);
    void callOne() noexcept;
    [[nodiscard]] bool shortOfWorkers() const noexcept { return queue_.size() > idle_ + spawning_; }
    [[nodiscard]] bool everyoneEnded() const noexcept { return live_.empty() && retired_.empty() && spawning_ == 0; }

    Spawner& spawner_;
    const Options options_;
    mutable std::mutex mutex_;  // guards all below
    std::deque<std::shared_ptr<LaneJob>> queue_;
    std::list<Worker> live_;
    std::list<Worker> retired_;
    // Who waits and was not called yet. The last to become idle is called first: it is the warmest, and whoever is not needed for
    // a while stays uncalled and retires.
    std::list<Worker*> idleOrder_;
    std::size_t idle_{0};      // these, and who was called and has not woken up yet
    std::size_t called_{0};    // that one
    std::size_t leaving_{0};   // workers that are on their way from live_ to retired_
    std::size_t spawning_{0};  // threads that were asked for and have not looked at the queue yet
    std::uint64_t taken_{0};   // jobs, ever
    std::uint64_t looked_{0};  // what `taken_` was when the spawner looked last
    bool stopping_{false};
};

/**
 * Creates and joins workers on two threads of its own, so that neither an engine's thread nor the strand pool ever waits
 * for either, and a thread that does not want to end delays no new one.
 *
 * @par Thread safety All members from any thread; `want` and `retired` neither allocate nor throw.
 */
class Spawner {
public:
    Spawner();  ///< throws std::system_error when the system has no threads
    Spawner(const Spawner&) = delete;
    Spawner& operator=(const Spawner&) = delete;
    ~Spawner();

    void want(Lane& lane) noexcept;
    void retired(Lane& lane) noexcept;
    /** Joins every worker and ends; false if some still ran after `patience`. Then the spawner must not be destroyed. */
    bool stop(std::chrono::milliseconds patience);
    /** After `stop`: whether every worker was joined since; waits for none. */
    [[nodiscard]] bool everyoneEnded() const;
    /** Once everyone has ended, and before any lane is destroyed: joins its own two threads, which may still look at one. */
    void end() noexcept;

private:
    friend class Lane;
    struct Known {
        Lane* lane;
        std::size_t wanted;
        bool retired;
    };
    void add(Lane& lane);
    void remove(Lane& lane) noexcept;
    void spawnLoop();
    void joinLoop();

    static constexpr std::chrono::milliseconds retryInterval{50};

    mutable std::mutex mutex_;  // guards all below but the threads; before a lane's own
    std::condition_variable spawnWake_;
    std::condition_variable joinWake_;
    std::condition_variable ended_;
    std::vector<Known> lanes_;
    bool retry_{false};    // the system had no thread for someone
    bool joining_{false};  // the joiner may be waiting for a thread
    bool ending_{false};
    bool stopping_{false};
    bool allJoined_{false};
    bool answered_{false};
    std::chrono::steady_clock::time_point deadline_;
    std::thread spawner_;
    std::thread joiner_;
};

}  // namespace holdfast::inline v1::exec
