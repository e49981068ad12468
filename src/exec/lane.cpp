// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/lane.hpp>

#include "immortal.hpp"

#include <holdfast/os/process.hpp>
#include <holdfast/os/slim_mutex.hpp>

#if !defined(_WIN32)
#include <pthread.h>
#endif

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace holdfast::inline v1::exec {
namespace {

class FunctionJob final : public LaneJob {
public:
    explicit FunctionJob(std::function<void()> work) : work_{std::move(work)} {}
    void run(WorkerSelf /*self*/) override { work_(); }

private:
    std::function<void()> work_;
};

/** Threads that user code ended from inside, by their handles. */
struct Lost {
    os::SlimMutex mutex;  // guards threads
    std::list<boost::thread> threads;
};

}  // namespace

// ---- Lane ------------------------------------------------------------------------------------------------------------

Lane::Lane(Spawner& spawner, Options options) : spawner_{spawner}, options_{options} { spawner_.add(*this); }
Lane::~Lane() { spawner_.remove(*this); }

void Lane::submit(std::function<void()> work) { submit(std::make_shared<FunctionJob>(std::move(work))); }

void Lane::submit(const std::shared_ptr<LaneJob>& job) {
    bool needsThread = false;
    bool taken = false;
    {
        const std::lock_guard lock{mutex_};
        if (!stopping_ && (!options_.mayReject || live_.size() - idle_ + queue_.size() < options_.most)) {
            queue_.push_back(job);
            taken = true;
            needsThread = shortOfWorkers();
            if (needsThread) ++spawning_;
            callOne();
        }
    }
    if (!taken) {
        job->rejected();  // D6: above the cap it fails fast
        return;
    }
    if (needsThread) spawner_.want(*this);
}

/**
 * With the mutex held. One at a time: who was called calls the next before it begins, if there still is a job (see `work`). Of many
 * short jobs that come together a few workers do all, and jobs that block still find one each. Where workers stand by (D6) each job
 * calls one: it must not wait until another's thread gets a processor.
 */
void Lane::callOne() noexcept {
    if ((called_ != 0 && options_.standby == 0) || idleOrder_.empty()) return;
    Worker& worker = *idleOrder_.front();
    worker.place.splice(worker.place.begin(), idleOrder_, worker.at);
    worker.called = true;
    ++called_;
    worker.wake.notify_one();  // with the mutex: if this thread stopped before it, nobody else would be called
}

void Lane::warm() {
    std::size_t missing = 0;
    {
        const std::lock_guard lock{mutex_};
        missing = options_.standby - std::min(options_.standby, live_.size() + spawning_);
        spawning_ += missing;
    }
    for (; missing > 0; --missing) spawner_.want(*this);
}

Lane::Counts Lane::counts() const {
    const std::lock_guard lock{mutex_};
    return {live_.size(), idle_, queue_.size()};
}

bool Lane::askForOneMore() noexcept {
    const std::lock_guard lock{mutex_};
    if (stopping_ || !(shortOfWorkers() || live_.size() + spawning_ < options_.standby)) return false;
    ++spawning_;
    return true;
}

bool Lane::spawn() noexcept {
    std::vector<std::shared_ptr<LaneJob>> unlucky;
    bool made = true;
    try {
        {
            std::unique_lock lock{mutex_};
            // Of many short jobs that come together a few workers do all, so while jobs are being taken they get a moment. Not so for
            // a standby, which is there before it is needed (D6), nor where all that came before block.
            if (options_.standby == 0 && std::exchange(looked_, taken_) != taken_) {
                lock.unlock();
                std::this_thread::sleep_for(std::chrono::microseconds{100});
                lock.lock();
            }
            const bool needed = options_.standby > 0 || queue_.size() >= idle_ + spawning_;
            if (stopping_ || !needed) {
                --spawning_;
                return true;
            }
        }
        // Made without the lock: whoever submits must not wait for the system to create a thread.
        std::list<Worker> one(1);
        const auto self = one.begin();
        self->thread = boost::thread{[this, self] { work(self); }};
        {
            const std::lock_guard lock{mutex_};
            live_.splice(live_.end(), one);
            self->listed = true;
            self->wake.notify_one();  // under the lock: afterwards the worker may be gone
        }
    } catch (const std::exception&) {
        made = false;
        const std::lock_guard lock{mutex_};
        --spawning_;
        // Jobs that cannot be rejected stay queued, for a worker that comes free or for the spawner's next attempt.
        try {
            while (options_.mayReject && shortOfWorkers()) {
                unlucky.push_back(queue_.back());
                queue_.pop_back();
            }
        } catch (const std::exception&) {  // no memory either: the next attempt deals with the rest
        }
    }
    for (const auto& job : unlucky) job->rejected();
    return made;
}

/** False: nobody called for so long that the worker may go. */
bool Lane::waitForCall(Worker& self, std::unique_lock<std::mutex>& lock) {
    self.called = false;
    idleOrder_.splice(idleOrder_.begin(), self.place);
    ++idle_;
    const auto ready = [&] { return self.called || stopping_; };
    bool stays = true;
    while (!self.wake.wait_for(lock, options_.idleTime, ready)) {
        stays = live_.size() - leaving_ <= options_.standby;
        if (!stays) break;
    }
    --idle_;
    if (self.called) {
        --called_;
    } else {
        self.place.splice(self.place.begin(), idleOrder_, self.at);
    }
    return stays;
}

std::shared_ptr<LaneJob> Lane::next(Worker& self, std::unique_lock<std::mutex>& lock) {
    // Who is called may find that a worker which became free has taken the job.
    while (queue_.empty()) {
        if (stopping_ || !waitForCall(self, lock)) break;
    }
    if (queue_.empty()) {
        ++leaving_;
        return nullptr;
    }
    std::shared_ptr<LaneJob> job = std::move(queue_.front());
    queue_.pop_front();
    ++taken_;
    return job;
}

void Lane::work(std::list<Worker>::iterator self) {
    // However this thread ends, also by a job that ends it, its handle moves to those the joiner looks at.
    struct Leave {
        Lane& lane;
        std::list<Worker>::iterator self;
        ~Leave() {
            {
                const std::lock_guard lock{lane.mutex_};
                if (self->ranToItsEnd) --lane.leaving_;
                lane.retired_.splice(lane.retired_.end(), lane.live_, self);
            }
            lane.spawner_.retired(lane);
        }
    };

    std::unique_lock lock{mutex_};
    self->wake.wait(lock, [&] { return self->listed; });
    lock.unlock();
    const Leave leave{*this, self};
    boost::this_thread::disable_interruption uninterruptible;  // D7: armed only inside the author's own calls
    lock.lock();
    --spawning_;
    while (std::shared_ptr<LaneJob> job = next(*self, lock)) {
        if (!queue_.empty()) callOne();
        lock.unlock();
        job->run({self->thread, uninterruptible});
        job.reset();  // what it holds is destroyed here, on a worker (D14)
        lock.lock();
    }
    self->ranToItsEnd = true;
    lock.unlock();
}

void Lane::joinRetired() noexcept {
    std::list<Worker> ended;
    {
        const std::lock_guard lock{mutex_};
        ended.swap(retired_);
    }
    for (Worker& worker : ended) {
        if (worker.ranToItsEnd) {
            worker.thread.join();  // as long as the author's thread_local destructors take: only the joiner waits
            continue;
        }
        // Boost.Thread's join() would wait for ever for a thread that was ended from inside, so the system's own does it. The
        // handle then stands for nothing that may be detached: it is kept, and with it the code that owns its storage.
        os::pinThisModule();
#if !defined(_WIN32)  // there a thread that ends itself unwinds nothing and never comes here
        ::pthread_join(worker.thread.native_handle(), nullptr);
#endif
        try {
            auto& lost = immortal<Lost>();
            const std::lock_guard lock{lost.mutex};
            lost.threads.push_back(std::move(worker.thread));
        } catch (const std::exception&) {
            static_cast<void>(new (std::nothrow) boost::thread{std::move(worker.thread)});
        }
    }
}

void Lane::stop() noexcept {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        for (Worker& worker : live_) worker.wake.notify_one();
    }
}

bool Lane::joinAll(std::chrono::steady_clock::time_point deadline) noexcept {
    for (;;) {
        joinRetired();
        {
            const std::lock_guard lock{mutex_};
            if (everyoneEnded()) return true;
        }
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
}

// ---- Spawner ---------------------------------------------------------------------------------------------------------

Spawner::Spawner() {
    spawner_ = std::thread{[this] { spawnLoop(); }};
    try {
        joiner_ = std::thread{[this] { joinLoop(); }};
    } catch (...) {
        {
            const std::lock_guard lock{mutex_};
            ending_ = true;
        }
        spawnWake_.notify_all();
        spawner_.join();
        throw;
    }
}

Spawner::~Spawner() { end(); }

void Spawner::end() noexcept {
    {
        const std::lock_guard lock{mutex_};
        ending_ = true;
    }
    spawnWake_.notify_all();
    joinWake_.notify_all();
    if (spawner_.joinable()) spawner_.join();
    if (joiner_.joinable()) joiner_.join();
}

void Spawner::add(Lane& lane) {
    const std::lock_guard lock{mutex_};
    lanes_.push_back({&lane, 0, false});
}

void Spawner::remove(Lane& lane) noexcept {
    const std::lock_guard lock{mutex_};
    std::erase_if(lanes_, [&](const Known& known) { return known.lane == &lane; });
}

void Spawner::want(Lane& lane) noexcept {
    {
        const std::lock_guard lock{mutex_};
        for (Known& known : lanes_) {
            if (known.lane == &lane) ++known.wanted;
        }
    }
    spawnWake_.notify_one();
}

void Spawner::retired(Lane& lane) noexcept {
    // Notified under the lock: once it is free, the joiner may find this worker at its very end and this object gone.
    const std::lock_guard lock{mutex_};
    for (Known& known : lanes_) {
        if (known.lane == &lane) known.retired = true;
    }
    joinWake_.notify_one();
}

bool Spawner::stop(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    deadline_ = std::chrono::steady_clock::now() + patience;
    stopping_ = true;
    joinWake_.notify_all();
    // A thread_local destructor of the author's may keep the joiner for ever; it does not keep us.
    ended_.wait_until(lock, deadline_ + std::chrono::milliseconds{20}, [this] { return answered_; });
    const bool all = answered_ && allJoined_;
    lock.unlock();
    if (all) end();
    return all;
}

bool Spawner::everyoneEnded() const {
    const std::lock_guard lock{mutex_};
    return !joining_ && std::all_of(lanes_.begin(), lanes_.end(), [](const Known& known) {
        const std::lock_guard laneLock{known.lane->mutex_};
        return known.lane->everyoneEnded();
    });
}

void Spawner::spawnLoop() {
    std::unique_lock lock{mutex_};
    const auto wanted = [this] {
        return std::any_of(lanes_.begin(), lanes_.end(), [](const Known& known) { return known.wanted != 0; });
    };
    const auto make = [&](Known& known) {
        --known.wanted;
        Lane& lane = *known.lane;
        lock.unlock();
        const bool made = lane.spawn();
        lock.lock();
        return made;
    };
    // Terminate, stops and reports do not wait until every thread of a thousand blocked calls is made.
    const auto makeUrgent = [&] {
        // NOLINTNEXTLINE(modernize-loop-convert): the lock is given up inside
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            while (lanes_[i].lane->options_.standby > 0 && lanes_[i].wanted != 0) {
                if (!make(lanes_[i])) retry_ = true;
            }
        }
    };
    while (!ending_) {
        if (retry_) {
            spawnWake_.wait_for(lock, retryInterval,
                                [this] { return ending_; });  // asking sooner would find none either
        } else {
            spawnWake_.wait(lock, [&] { return ending_ || wanted(); });
        }
        const bool again = std::exchange(retry_, false);
        // NOLINTNEXTLINE(modernize-loop-convert): the lock is given up inside
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            Lane& lane = *lanes_[i].lane;
            bool made = true;
            while (lanes_[i].wanted != 0) {
                makeUrgent();
                if (lanes_[i].wanted != 0) made = make(lanes_[i]) && made;
            }
            while (again && made && lane.askForOneMore()) {
                lock.unlock();
                made = lane.spawn();
                lock.lock();
            }
            if (!made) retry_ = true;
        }
    }
}

void Spawner::joinLoop() {
    std::unique_lock lock{mutex_};
    while (!ending_) {
        joinWake_.wait(lock, [this] {
            return ending_ || (stopping_ && !answered_) ||
                   std::any_of(lanes_.begin(), lanes_.end(), [](const Known& known) { return known.retired; });
        });
        // NOLINTNEXTLINE(modernize-loop-convert): the lock is given up inside
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            if (!std::exchange(lanes_[i].retired, false)) continue;
            Lane& lane = *lanes_[i].lane;
            joining_ = true;
            lock.unlock();
            lane.joinRetired();
            lock.lock();
            joining_ = false;
        }
        if (!stopping_ || answered_) continue;
        bool everyone = true;
        // NOLINTNEXTLINE(modernize-loop-convert): the lock is given up inside
        for (std::size_t i = 0; i < lanes_.size(); ++i) {
            Lane& lane = *lanes_[i].lane;
            joining_ = true;
            lock.unlock();
            everyone = lane.joinAll(deadline_) && everyone;
            lock.lock();
            joining_ = false;
        }
        allJoined_ = everyone;
        answered_ = true;
        ended_.notify_all();
    }
}

}  // namespace holdfast::inline v1::exec
