// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace holdfast::inline v1::verify {

/**
 * One thread that runs jobs in their order, or one for a single job. A job that never ends keeps its thread; nobody waits.
 *
 * @par Thread safety `run` on one thread.
 */
class CallThread {
public:
    CallThread() = default;
    CallThread(const CallThread&) = delete;
    CallThread& operator=(const CallThread&) = delete;
    ~CallThread();

    void run(std::function<void()> job);
    /** On a thread of its own. */
    static void runAlone(std::function<void()> job);

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace holdfast::inline v1::verify
