// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/runtime.hpp>

#include "immortal.hpp"
#include "os/no_winsock.hpp"
#include "steady_clock.hpp"

#include <holdfast/exec/flight_recorder.hpp>
#include <holdfast/os/process.hpp>
#include <holdfast/os/slim_mutex.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <new>
#include <optional>
#include <thread>
#include <vector>

namespace holdfast::inline v1::exec {
namespace {

/** The process's runtime. Made at the first use and never destroyed: static destructors must not join threads (W-004). */
struct Process {
    os::SlimMutex mutex;  // guards all below
    std::shared_ptr<Runtime> runtime;
    std::size_t leases{0};
    Runtime::Options next;
    std::vector<std::shared_ptr<Runtime>> abandoned;  // each for a thread that may never end, or had no time to
};

/** With the mutex held. One whose threads have ended since; one at a time, because an Open waits for it. */
std::shared_ptr<Runtime> takeFinished(std::vector<std::shared_ptr<Runtime>>& abandoned) noexcept {
    const auto finished =
        std::find_if(abandoned.begin(), abandoned.end(), [](const auto& runtime) { return runtime->stopIfDone(); });
    if (finished == abandoned.end()) return nullptr;
    std::shared_ptr<Runtime> taken = std::move(*finished);
    abandoned.erase(finished);
    return taken;
}

Process& process() { return immortal<Process>(); }

constinit StallWatch processStalls;
// Set while a clock other than the system's is in use.
constinit std::atomic<Clock*> testClock{nullptr};

// What a clean Close has left of its 300 ms: nothing of the author's runs any more by then.
constexpr std::chrono::milliseconds stopPatience{200};

}  // namespace

struct Runtime::Threads {
    explicit Threads(const Options& options)
        : clock{options.clock ? options.clock : std::make_shared<SteadyClock>()},
          context{static_cast<int>(options.poolThreads)},
          guard{boost::asio::make_work_guard(context)},
          ticker{context},
          workers{spawner, {options.mostWorkers, 0, true}},
          control{spawner, {0, 2, false}},
          terminators{spawner, {0, 2, false}} {}

    void tick() {
        const core::Time now = os::coarseNow();
        if (lastTick != 0 && now - lastTick > core::Limits::stall.count()) {
            flightRecorder().record({FlightKind::stall, FlightPhase::instant, FlightSubject::none, 0, 0, 0,
                                     std::chrono::nanoseconds{core::Milliseconds{now - lastTick}}.count()});
        }
        lastTick = now;
        processStalls.tick(now);
        ticker.expires_after(StallWatch::tickInterval);
        ticker.async_wait([this](const boost::system::error_code& error) {
            if (!error) tick();
        });
    }

    /** One pool thread. Out of memory costs the event at hand: every wait in the machine has a timer of its own. */
    void serve() {
        for (;;) {
            try {
                context.run();
                return;
            } catch (const std::exception&) {
            }
        }
    }

    bool stopWorkers() {
        workers.stop();
        control.stop();
        terminators.stop();
        return spawner.stop(stopPatience);
    }

    void stopPool() {
        guard.reset();
        context.stop();
        for (std::thread& thread : pool) thread.join();  // bounded: only framework code runs there
        pool.clear();
    }

    [[nodiscard]] std::size_t busy() const {
        std::size_t result = 0;
        for (const Lane* lane : {&workers, &control, &terminators}) {
            const Lane::Counts counts = lane->counts();
            result += counts.threads - counts.idle + counts.queued;
        }
        return result;
    }

    std::shared_ptr<Clock> clock;
    boost::asio::io_context context;
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
    boost::asio::steady_timer ticker;
    core::Time lastTick{0};  // of the pool thread that ticks, one at a time
    Spawner spawner;
    Lane workers;
    Lane control;
    Lane terminators;
    std::vector<std::thread> pool;
};

Runtime::Runtime(const Options& options) {
    const os::BlockSignals inherited;  // D8: signals belong to the host's own threads
    auto threads = std::make_unique<Threads>(options);
    try {
        threads->control.warm();
        threads->terminators.warm();
        for (std::size_t i = 0; i < options.poolThreads; ++i) {
            threads->pool.emplace_back([raw = threads.get()] { raw->serve(); });
        }
    } catch (const std::exception&) {
        threads->stopPool();
        if (!threads->stopWorkers()) {
            os::pinThisModule();
            static_cast<void>(threads.release());
        }
        throw;
    }
    threads_ = std::move(threads);
    if (options.clock) {
        testClock.store(options.clock.get(), std::memory_order_release);
        options.clock->watchWork([raw = threads_.get()] { return raw->busy(); });
        processStalls.start(options.clock->now());
    } else {
        processStalls.start(os::coarseNow());
        boost::asio::post(threads_->context, [raw = threads_.get()] { raw->tick(); });
    }
}

Runtime::~Runtime() = default;

bool Runtime::stop() noexcept {
    if (!threads_->stopWorkers()) return false;
    stopRest();
    return true;
}

bool Runtime::stopIfDone() noexcept {
    if (!threads_->spawner.everyoneEnded()) return false;
    threads_->spawner.end();
    stopRest();
    return true;
}

void Runtime::stopRest() noexcept {
    threads_->stopPool();
    threads_->clock->watchWork({});
    testClock.store(nullptr, std::memory_order_release);
}

boost::asio::io_context& Runtime::pool() noexcept { return threads_->context; }
Clock& Runtime::clock() noexcept { return *threads_->clock; }
Lane& Runtime::workers() noexcept { return threads_->workers; }
Lane& Runtime::control() noexcept { return threads_->control; }
Lane& Runtime::terminators() noexcept { return threads_->terminators; }

StallWatch& Runtime::stallWatch() noexcept { return processStalls; }

core::Time Runtime::coarseNow() noexcept {
    const Clock* const clock = testClock.load(std::memory_order_acquire);
    return clock == nullptr ? os::coarseNow() : clock->now();
}

std::unique_ptr<Runtime::Lease> Runtime::acquire() {
    Process& all = process();
    std::shared_ptr<Runtime> finished;  // destroyed after the mutex is free again
    const std::lock_guard lock{all.mutex};
    if (!all.runtime) {
        finished = takeFinished(all.abandoned);
        all.runtime = std::make_shared<Runtime>(all.next);
    }
    auto lease = std::make_unique<Lease>(all.runtime);
    ++all.leases;
    return lease;
}

void Runtime::setOptions(Options options) {
    Process& all = process();
    const std::lock_guard lock{all.mutex};
    all.next = std::move(options);
}

bool Runtime::isRunning() noexcept {
    Process& all = process();
    const std::lock_guard lock{all.mutex};
    return all.runtime != nullptr;
}

Runtime::Lease::~Lease() {
    Process& all = process();
    const std::lock_guard lock{all.mutex};
    if (--all.leases != 0) return;
    if (!runtime_->stop()) {
        // D8: a thread of ours may never end. The library stays mapped, and its runtime stays for the thread.
        os::pinThisModule();
        try {
            all.abandoned.push_back(all.runtime);
        } catch (const std::exception&) {
            static_cast<void>(new (std::nothrow) std::shared_ptr<Runtime>{all.runtime});
        }
    }
    all.runtime.reset();
}

}  // namespace holdfast::inline v1::exec
