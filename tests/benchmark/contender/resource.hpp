// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "../table/conduct.hpp"

#include <holdfast/abi/resapi.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

/**
 * A resource library as it is usually written by hand: a thread for each pending operation, a thread for each resource that
 * checks it, a verdict they keep for IsAlive, and one mutex around everything.
 *
 * No lock is held while the user's code or an engine's callback runs or while a thread is made, nothing in it polls what it
 * could wait for, and a worker that does not end costs Terminate its 300 ms and no more. It does less than
 * holdfast: no check of a late report, no age of a verdict, no undo, no log, no properties, no protection against stale ids.
 */
namespace contender {

namespace abi = holdfast::abi;

inline constexpr std::chrono::seconds pollInterval{1};
inline constexpr std::chrono::seconds heartbeat{1};
inline constexpr std::chrono::milliseconds terminateBudget{300};

/** The mutex. */
std::mutex& everything();

/** What the engine gave at Startup. */
struct Engine {
    abi::SetResourceStatusRoutine setStatus{nullptr};
};
Engine& engine();
const bench::Stage& stage();

class Resource : public std::enable_shared_from_this<Resource> {
public:
    Resource(const std::string& name, abi::ResourceHandle handle);
    Resource(const Resource&) = delete;
    Resource& operator=(const Resource&) = delete;
    ~Resource();

    abi::Dword online(abi::Handle* event);
    abi::Dword offline();
    void terminate();
    [[nodiscard]] bool alive() const;
    /** What kind of resource it is: no kind of its own. */
    abi::Dword characteristics(void* out, abi::Dword size, abi::Dword* returned) const;

private:
    enum class State { offline, onlinePending, online, offlinePending, failed };
    /** A thread, and whether it has done its work: std::thread has no join with a time limit. */
    struct Thread {
        std::thread handle;
        bool running{false};
    };

    void bringOnline();
    void takeOffline();
    void poll();
    [[nodiscard]] bool check();
    void endProcess();
    /** Makes a thread, the lock not held meanwhile; false if the system has none left. */
    [[nodiscard]] bool begin(Thread& thread, void (Resource::*work)(), std::unique_lock<std::mutex>& lock);
    void report(abi::ResourceState state, abi::Dword checkPoint);
    /** Tells both threads to stop and waits for them; a thread that does not end is left behind. */
    void stopThreads(std::unique_lock<std::mutex>& lock);
    void join(Thread& thread, std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point until);

    const bench::Conduct conduct_;
    const abi::ResourceHandle handle_;
    int event_;

    // Guarded by everything().
    std::condition_variable changed_;
    State state_{State::offline};
    bool alive_{false};
    bool stopping_{false};
    Thread worker_;
    Thread poller_;
    int process_{0};
};

}  // namespace contender
