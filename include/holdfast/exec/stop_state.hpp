// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/clock.hpp>
#include <holdfast/exec/lane.hpp>
#include <holdfast/operation.hpp>

#include <boost/thread/thread.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

namespace holdfast::inline v1::exec {

/**
 * One running call's stop: the token, the author's callbacks and the interruption (D7).
 *
 * @par Thread safety All members from any thread; no lock is held while a callback runs.
 */
class StopState : public std::enable_shared_from_this<StopState> {
public:
    /** `kick` asks for `runCallbacks()` on a thread of its own. */
    StopState(Clock& clock, std::function<void(std::shared_ptr<StopState>)> kick)
        : clock_{clock}, kick_{std::move(kick)} {}

    /** Sets the token and wakes our own sleeps; no user code runs here, so the strand may call it. */
    void request(StopReason reason) noexcept;
    /** The stopper: the author's callbacks one after the other, then the interruption. */
    void runCallbacks();

    [[nodiscard]] bool requested() const noexcept {
        return reason_.load(std::memory_order_acquire) != StopReason::none;
    }
    [[nodiscard]] StopReason reason() const noexcept { return reason_.load(std::memory_order_acquire); }

    void throwIfRequested() const {
        if (requested()) throw Stopped{};
    }

    [[nodiscard]] StopCallback add(std::function<void()> callback);

    /** Throws `Stopped` when told to stop before `duration` passed. */
    void sleepFor(std::chrono::milliseconds duration);

    /** While it lives, an interruption reaches the calling worker; afterwards none is left over for its next job (D7). */
    class Interruptible {
    public:
        Interruptible(StopState& state, WorkerSelf self);
        Interruptible(const Interruptible&) = delete;
        Interruptible& operator=(const Interruptible&) = delete;
        ~Interruptible();

    private:
        StopState& state_;
        boost::this_thread::restore_interruption enabled_;
    };

private:
    class Registered;
    struct Callback {
        std::uint64_t id;
        std::function<void()> function;
    };
    void remove(std::uint64_t id) noexcept;
    void setWorker(boost::thread* worker) noexcept;

    Clock& clock_;
    const std::function<void(std::shared_ptr<StopState>)> kick_;
    std::atomic<StopReason> reason_{StopReason::none};
    std::mutex mutex_;  // guards all below
    std::condition_variable wake_;
    std::list<Callback> callbacks_;
    std::uint64_t lastId_{0};
    std::uint64_t runningId_{0};
    std::thread::id runningOn_;
    boost::thread* worker_{nullptr};
};

}  // namespace holdfast::inline v1::exec
