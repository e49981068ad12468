// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/manual_clock.hpp>

#include <holdfast/exec/runtime.hpp>
#include <holdfast/exec/strand.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <thread>
#include <utility>

namespace holdfast::inline v1::exec {

class ManualClock::Timers final : public TimerSet {
public:
    Timers(ManualClock& clock, Strand& strand, Expired expired)
        : clock_{clock}, strand_{strand}, expired_{std::make_shared<Expired>(std::move(expired))} {
        const std::lock_guard lock{clock_.mutex_};
        clock_.all_.insert(this);
    }
    ~Timers() override {
        remove([](const Armed&) { return true; });
        const std::lock_guard lock{clock_.mutex_};
        clock_.all_.erase(this);
    }

    void arm(core::Timer timer, core::TimerId id, core::Milliseconds duration) override {
        cancel(timer);
        const core::Time now = clock_.now();
        const std::lock_guard lock{clock_.mutex_};
        clock_.armed_.emplace(now + duration.count(), Armed{this, timer, id, now});
    }

    void cancel(core::Timer timer) override {
        remove([timer](const Armed& armed) { return armed.timer == timer; });
    }

    void cancelAll() override {
        remove([](const Armed&) { return true; });
    }

    /** Runs the handler on the strand; the future is ready when the strand dealt with it. */
    std::future<void> fire(const Armed& armed) {
        auto done = std::make_shared<std::promise<void>>();
        std::future<void> result = done->get_future();
        boost::asio::post(strand_.executor(), [expired = expired_, armed, done] {
            (*expired)(armed.timer, armed.id, armed.armedAt);
            done->set_value();
        });
        return result;
    }

    /** Ready when the strand has done what it had to do now. */
    std::future<void> settled() {
        auto done = std::make_shared<std::promise<void>>();
        std::future<void> result = done->get_future();
        boost::asio::post(strand_.executor(), [done] { done->set_value(); });
        return result;
    }

private:
    template <typename Which>
    void remove(const Which& which) {
        const std::lock_guard lock{clock_.mutex_};
        std::erase_if(clock_.armed_,
                      [&](const auto& entry) { return entry.second.owner == this && which(entry.second); });
    }

    ManualClock& clock_;
    Strand& strand_;
    std::shared_ptr<Expired> expired_;
};

// Not 0: a stamp of 0 would look like "never" to a reader in a debugger.
ManualClock::ManualClock() : now_{1'000} {}
ManualClock::~ManualClock() = default;

core::Time ManualClock::now() const noexcept { return now_.load(std::memory_order_acquire); }

std::unique_ptr<TimerSet> ManualClock::makeTimers(Strand& strand, Expired expired) {
    return std::make_unique<Timers>(*this, strand, std::move(expired));
}

bool ManualClock::sleep(std::unique_lock<std::mutex>& lock, std::condition_variable& wake, core::Milliseconds duration,
                        const std::function<bool()>& done) {
    const core::Time until = now() + duration.count();
    {
        const std::lock_guard guard{mutex_};
        sleepers_.insert(&wake);
    }
    // Real time bounds each wait: a wake-up between the test of the clock and the wait must not be lost for ever.
    bool ended = done();
    while (!ended && now() < until) {
        wake.wait_for(lock, std::chrono::milliseconds{5});
        ended = done();
    }
    const std::lock_guard guard{mutex_};
    sleepers_.erase(&wake);
    return ended;
}

void ManualClock::wakeSleepers() {
    const std::lock_guard lock{mutex_};
    for (std::condition_variable* sleeper : sleepers_) sleeper->notify_all();
}

bool ManualClock::fireNext(core::Time until, bool moveTime) {
    std::future<void> done;
    {
        const std::lock_guard lock{mutex_};
        if (armed_.empty() || armed_.begin()->first > until) return false;
        const auto [at, armed] = *armed_.begin();
        armed_.erase(armed_.begin());
        if (moveTime && at > now()) {
            now_.store(at, std::memory_order_release);
            Runtime::stallWatch().ran(at);
        }
        done = armed.owner->fire(armed);
    }
    wakeSleepers();
    done.wait_for(std::chrono::seconds{10});
    letWorkFinish();
    return true;
}

void ManualClock::watchWork(const std::function<std::size_t()>& busyWorkers) {
    const std::lock_guard lock{mutex_};
    busyWorkers_ = busyWorkers;
}

void ManualClock::letStrandsFinish() {
    std::vector<std::future<void>> settled;
    {
        const std::lock_guard lock{mutex_};
        for (Timers* timers : all_) settled.push_back(timers->settled());
    }
    for (auto& one : settled) one.wait_for(std::chrono::seconds{10});
}

void ManualClock::letWorkFinish() {
    using Steady = std::chrono::steady_clock;
    letStrandsFinish();
    const auto until = Steady::now() + std::chrono::milliseconds{20};
    for (;;) {
        std::size_t busy = 0;
        std::size_t asleep = 0;
        {
            const std::lock_guard lock{mutex_};
            if (!busyWorkers_) return;
            busy = busyWorkers_();
            asleep = sleepers_.size();
        }
        if (busy <= asleep || busy <= stuck_) {
            stuck_ = std::min(stuck_, busy);
            letStrandsFinish();  // what has just ended may have armed a timer
            return;
        }
        if (Steady::now() >= until) {
            stuck_ = busy;  // do not wait for the same ones at the next timer
            return;
        }
        std::this_thread::sleep_for(std::chrono::microseconds{50});
    }
}

void ManualClock::advance(core::Milliseconds duration) {
    letWorkFinish();
    const core::Time until = now() + duration.count();
    while (fireNext(until, true)) {
    }
    now_.store(until, std::memory_order_release);
    Runtime::stallWatch().ran(until);
    wakeSleepers();
}

void ManualClock::jump(core::Milliseconds duration) {
    now_.fetch_add(duration.count(), std::memory_order_acq_rel);
    wakeSleepers();
    const core::Time until = now();
    while (fireNext(until, false)) {
    }
    Runtime::stallWatch().tick(until);
}

}  // namespace holdfast::inline v1::exec
