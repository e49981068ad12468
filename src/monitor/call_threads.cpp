// SPDX-License-Identifier: BSL-1.0
#include "monitor/call_threads.hpp"

#include "os/detached_thread.hpp"

#include <holdfast/os/process.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {
constexpr std::chrono::seconds idleLife{5};
constexpr std::chrono::seconds farewell{1};
}  // namespace

struct CallThreads::State {
    struct Seat {
        std::condition_variable wake;
        std::function<void()> job;
    };
    std::mutex mutex;
    std::condition_variable left;
    std::deque<std::shared_ptr<Seat>> idle;  // taken from the front, returned to the back: rotation
    std::size_t threads{0};
    bool stopping{false};

    /** Counts a thread out however it ends: an agent may have ended it under us. */
    struct Departure {
        State& state;
        ~Departure() {
            const std::lock_guard lock{state.mutex};
            --state.threads;
            state.left.notify_all();
        }
    };

    static void serve(const std::shared_ptr<State>& state, std::function<void()> job) {
        const Departure departure{*state};
        const auto seat = std::make_shared<Seat>();
        for (;;) {
            job();
            job = nullptr;
            std::unique_lock lock{state->mutex};
            if (state->stopping) return;
            state->idle.push_back(seat);
            seat->wake.wait_for(lock, idleLife, [&] { return seat->job != nullptr || state->stopping; });
            if (!seat->job) {
                std::erase(state->idle, seat);
                return;
            }
            job = std::exchange(seat->job, nullptr);
        }
    }
};

CallThreads::CallThreads() : state_{std::make_shared<State>()} {}

CallThreads::~CallThreads() {
    std::unique_lock lock{state_->mutex};
    state_->stopping = true;
    for (const auto& seat : state_->idle) seat->wake.notify_all();
    state_->left.wait_for(lock, farewell, [&] { return state_->threads == 0; });
}

bool CallThreads::run(std::function<void()> job) {
    std::unique_lock lock{state_->mutex};
    if (!state_->idle.empty()) {
        const auto seat = state_->idle.front();
        state_->idle.pop_front();
        seat->job = std::move(job);
        seat->wake.notify_one();
        return true;
    }
    ++state_->threads;
    lock.unlock();
    const os::BlockSignals blocked;  // D8
    const bool runs =
        os::runDetached([state = state_, work = std::move(job)]() mutable { State::serve(state, std::move(work)); });
    if (!runs) {
        lock.lock();
        --state_->threads;
    }
    return runs;
}

}  // namespace holdfast::inline v1::monitor
