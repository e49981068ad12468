// SPDX-License-Identifier: BSL-1.0
#include "verify/call_thread.hpp"

#include "os/detached_thread.hpp"

#include <deque>
#include <stdexcept>
#include <utility>

namespace holdfast::inline v1::verify {
namespace {

/** Without a thread no call can be made, and nothing can be said of the library. */
void runDetached(std::function<void()> job) {
    if (!os::runDetached(std::move(job))) throw std::runtime_error{"the system has no more threads"};
}

}  // namespace

struct CallThread::State {
    std::mutex mutex;  // guards all below
    std::condition_variable changed;
    std::deque<std::function<void()>> jobs;
    bool over{false};
};

CallThread::~CallThread() {
    if (!state_) return;
    const std::lock_guard lock{state_->mutex};
    state_->over = true;
    state_->changed.notify_all();
}

void CallThread::run(std::function<void()> job) {
    if (!state_) {
        state_ = std::make_shared<State>();
        runDetached([state = state_] {
            for (;;) {
                std::unique_lock lock{state->mutex};
                state->changed.wait(lock, [&] { return state->over || !state->jobs.empty(); });
                if (state->jobs.empty()) return;
                const auto next = std::move(state->jobs.front());
                state->jobs.pop_front();
                lock.unlock();
                next();
            }
        });
    }
    const std::lock_guard lock{state_->mutex};
    state_->jobs.push_back(std::move(job));
    state_->changed.notify_all();
}

void CallThread::runAlone(std::function<void()> job) { runDetached(std::move(job)); }

}  // namespace holdfast::inline v1::verify
