// SPDX-License-Identifier: BSL-1.0
#include "verify/call_thread.hpp"

#include <deque>
#include <utility>

namespace holdfast::inline v1::verify {

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
        std::thread{[state = state_] {
            for (;;) {
                std::unique_lock lock{state->mutex};
                state->changed.wait(lock, [&] { return state->over || !state->jobs.empty(); });
                if (state->jobs.empty()) return;
                const auto next = std::move(state->jobs.front());
                state->jobs.pop_front();
                lock.unlock();
                next();
            }
        }}.detach();
    }
    const std::lock_guard lock{state_->mutex};
    state_->jobs.push_back(std::move(job));
    state_->changed.notify_all();
}

void CallThread::runAlone(std::function<void()> job) { std::thread{std::move(job)}.detach(); }

}  // namespace holdfast::inline v1::verify
