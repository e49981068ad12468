// SPDX-License-Identifier: BSL-1.0
#include "verify/call_thread.hpp"

#include <boost/thread/thread.hpp>

#include <deque>
#include <utility>

namespace holdfast::inline v1::verify {
namespace {

// Boost's, because a std::thread of MinGW that is detached before it has begun may never begin.
void runDetached(std::function<void()> job) { boost::thread{std::move(job)}.detach(); }

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
