// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/stop_state.hpp>

#include "guard.hpp"

#include <utility>

namespace holdfast::inline v1::exec {

class StopState::Registered final : public StopCallback::Registration {
public:
    Registered(std::shared_ptr<StopState> state, std::uint64_t id) : state_{std::move(state)}, id_{id} {}
    ~Registered() override { state_->remove(id_); }

private:
    std::shared_ptr<StopState> state_;
    std::uint64_t id_;
};

void StopState::request(StopReason reason) noexcept {
    StopReason none = StopReason::none;
    if (!reason_.compare_exchange_strong(none, reason, std::memory_order_acq_rel)) return;
    const std::lock_guard lock{mutex_};
    wake_.notify_all();
}

void StopState::runCallbacks() {
    std::unique_lock lock{mutex_};
    if (runningId_ != 0) return;  // another stopper is at it and will find what was added
    while (!callbacks_.empty()) {
        std::list<Callback> one;
        one.splice(one.begin(), callbacks_, callbacks_.begin());
        runningId_ = one.front().id;
        runningOn_ = std::this_thread::get_id();
        lock.unlock();
        {
            const OnLeave done{[&] {
                lock.lock();
                runningId_ = 0;
                runningOn_ = {};
                wake_.notify_all();
            }};
            // What the author's function holds dies here as well, without our lock: it may block or call back.
            const OnLeave destroy{[&] { one.clear(); }};
            static_cast<void>(
                guarded(one.front().function));  // it was told not to throw; the stop goes on all the same
        }
    }
    if (worker_ != nullptr) worker_->interrupt();
}

StopCallback StopState::add(std::function<void()> callback) {
    std::uint64_t id = 0;
    {
        const std::lock_guard lock{mutex_};
        id = ++lastId_;
        callbacks_.push_back({id, std::move(callback)});
    }
    if (requested()) kick_(shared_from_this());
    return StopCallback{std::make_unique<Registered>(shared_from_this(), id)};
}

void StopState::remove(std::uint64_t id) noexcept {
    std::list<Callback> removed;  // dies after the lock is gone
    std::unique_lock lock{mutex_};
    for (auto callback = callbacks_.begin(); callback != callbacks_.end(); ++callback) {
        if (callback->id != id) continue;
        removed.splice(removed.begin(), callbacks_, callback);
        break;
    }
    // A callback that hangs keeps its call from ending: that call is wedged, and Terminate deals with it.
    wake_.wait(lock, [&] { return runningId_ != id || runningOn_ == std::this_thread::get_id(); });
    lock.unlock();
}

void StopState::sleepFor(std::chrono::milliseconds duration) {
    std::unique_lock lock{mutex_};
    if (clock_.sleep(lock, wake_, duration, [this] { return requested(); })) throw Stopped{};
}

void StopState::setWorker(boost::thread* worker) noexcept {
    const std::lock_guard lock{mutex_};
    worker_ = worker;
}

StopState::Interruptible::Interruptible(StopState& state, WorkerSelf self)
    : state_{state}, enabled_{self.uninterruptible} {
    state_.setWorker(&self.thread);
}

StopState::Interruptible::~Interruptible() {
    state_.setWorker(nullptr);
    try {
        boost::this_thread::interruption_point();  // what came too late must not hit the next job
    } catch (const boost::thread_interrupted&) {
    }
}

}  // namespace holdfast::inline v1::exec
