// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/lane.hpp>

#include <holdfast/os/process.hpp>

#include <algorithm>
#include <exception>
#include <future>
#include <new>
#include <utility>
#include <vector>

namespace holdfast::inline v1::exec {
namespace {

class FunctionJob final : public LaneJob {
public:
    explicit FunctionJob(std::function<void()> work) : work_{std::move(work)} {}
    void run(WorkerSelf /*self*/) override { work_(); }

private:
    std::function<void()> work_;
};

}  // namespace

Lane::Lane(Spawner& spawner, Options options) : spawner_{spawner}, options_{options} {}
Lane::~Lane() = default;

void Lane::submit(std::function<void()> work) { submit(std::make_shared<FunctionJob>(std::move(work))); }

void Lane::submit(std::shared_ptr<LaneJob> job) {
    bool needsThread = false;
    {
        const std::lock_guard lock{mutex_};
        if (!stopping_ && (!options_.mayReject || live_.size() - idle_ + queue_.size() < options_.most)) {
            queue_.push_back(std::move(job));
            needsThread = queue_.size() > idle_ + spawning_;
            if (needsThread) ++spawning_;
        }
    }
    if (job) {
        job->rejected();  // D6: above the cap it fails fast
        return;
    }
    wake_.notify_one();
    if (needsThread) spawner_.want(*this);
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

void Lane::spawn() noexcept {
    std::shared_ptr<LaneJob> unlucky;
    try {
        {
            const std::lock_guard lock{mutex_};
            if (stopping_) {
                --spawning_;
                return;
            }
        }
        // Made without the lock: whoever submits must not wait for the system to create a thread.
        std::list<Worker> made(1);
        const auto self = made.begin();
        self->thread = boost::thread{[this, self] { work(self); }};
        {
            const std::lock_guard lock{mutex_};
            live_.splice(live_.end(), made);
            self->listed = true;
        }
        wake_.notify_all();
        return;
    } catch (const std::exception&) {
        const std::lock_guard lock{mutex_};
        --spawning_;
        if (options_.mayReject && !queue_.empty() && idle_ == 0) {
            unlucky = std::move(queue_.front());
            queue_.pop_front();
        }
    }
    if (unlucky) unlucky->rejected();
    // Jobs that cannot be rejected stay queued: the standby workers take them one after the other.
}

std::shared_ptr<LaneJob> Lane::next(std::unique_lock<std::mutex>& lock) {
    ++idle_;
    const auto ready = [this] { return stopping_ || !queue_.empty(); };
    while (!wake_.wait_for(lock, options_.idleTime, ready)) {
        if (live_.size() > options_.standby) break;
    }
    --idle_;
    if (queue_.empty()) return nullptr;
    std::shared_ptr<LaneJob> job = std::move(queue_.front());
    queue_.pop_front();
    return job;
}

void Lane::work(std::list<Worker>::iterator self) {
    // However this thread ends, also by a job that ends it, its handle moves to those the spawner joins.
    struct Leave {
        Lane& lane;
        std::list<Worker>::iterator self;
        ~Leave() {
            {
                const std::lock_guard lock{lane.mutex_};
                lane.retired_.splice(lane.retired_.end(), lane.live_, self);
            }
            lane.spawner_.retired(lane);
        }
    } const leave{*this, self};

    boost::this_thread::disable_interruption uninterruptible;  // D7: armed only inside the author's own calls
    std::unique_lock lock{mutex_};
    wake_.wait(lock, [&] { return self->listed; });
    --spawning_;
    while (std::shared_ptr<LaneJob> job = next(lock)) {
        lock.unlock();
        job->run({self->thread, uninterruptible});
        job.reset();  // what it holds is destroyed here, on a worker (D14)
        lock.lock();
    }
    self->ranToItsEnd = true;
}

void Lane::joinRetired() noexcept {
    std::list<Worker> ended;
    {
        const std::lock_guard lock{mutex_};
        ended.swap(retired_);
    }
    for (Worker& worker : ended) {
        if (worker.ranToItsEnd) {
            worker.thread.join();  // bounded: it is past its last job
        } else {
            os::pinThisModule();  // nobody can tell when its last instruction ran
            worker.thread.detach();
        }
    }
}

void Lane::stop() noexcept {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    wake_.notify_all();
}

bool Lane::joinAll(std::chrono::steady_clock::time_point deadline) noexcept {
    for (;;) {
        joinRetired();
        {
            const std::lock_guard lock{mutex_};
            if (live_.empty() && retired_.empty()) return true;
        }
        if (std::chrono::steady_clock::now() >= deadline) return false;
        std::this_thread::sleep_for(std::chrono::microseconds{200});
    }
}

Spawner::Spawner() : thread_{[this] { run(); }} {}

Spawner::~Spawner() {
    if (thread_.joinable()) thread_.detach();  // only after a stop() that pinned the module
}

void Spawner::want(Lane& lane) {
    {
        const std::lock_guard lock{mutex_};
        tasks_.emplace_back([&lane] { lane.spawn(); });
    }
    wake_.notify_one();
}

void Spawner::retired(Lane& lane) {
    // Notified under the lock: once the lock is free the joining thread may find this worker at its very end.
    const std::lock_guard lock{mutex_};
    tasks_.emplace_back([&lane] { lane.joinRetired(); });
    wake_.notify_one();
}

bool Spawner::stop(std::initializer_list<Lane*> lanes, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    auto joined = std::make_shared<std::promise<bool>>();
    std::future<bool> answer = joined->get_future();
    {
        const std::lock_guard lock{mutex_};
        tasks_.emplace_back([this, all = std::vector<Lane*>(lanes), deadline, joined] {
            bool everyone = true;
            for (Lane* lane : all) everyone = lane->joinAll(deadline) && everyone;
            const std::lock_guard inner{mutex_};
            stopping_ = everyone;
            joined->set_value(everyone);
        });
    }
    wake_.notify_one();
    if (!answer.get()) return false;
    wake_.notify_one();
    thread_.join();
    return true;
}

void Spawner::run() {
    std::unique_lock lock{mutex_};
    while (!stopping_) {
        wake_.wait(lock, [this] { return !tasks_.empty() || stopping_; });
        while (!tasks_.empty()) {
            const std::function<void()> task = std::move(tasks_.front());
            tasks_.pop_front();
            lock.unlock();
            task();
            lock.lock();
        }
    }
}

}  // namespace holdfast::inline v1::exec
