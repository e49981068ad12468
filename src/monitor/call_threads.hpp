// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace holdfast::inline v1::monitor {

/**
 * Threads for calls into agents: as many as calls run, rotated so that no agent comes to rely on one (W-104).
 *
 * @par Thread safety Every member from any thread. Destroying it waits up to a second for running jobs; what still runs
 *      then keeps its thread, which owns all it touches here.
 */
class CallThreads {
public:
    CallThreads();
    CallThreads(const CallThreads&) = delete;
    CallThreads& operator=(const CallThreads&) = delete;
    ~CallThreads();

    /** Runs `job` on another thread; false if the system has no more threads. */
    [[nodiscard]] bool run(std::function<void()> job);

    struct State;

private:
    std::shared_ptr<State> state_;
};

}  // namespace holdfast::inline v1::monitor
