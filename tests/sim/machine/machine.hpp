// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One imagined machine: threads that are fibers of one real thread, a clock that only moves when nobody can run, and a
/// seeded scheduler that decides at every call into the system who goes on. What runs on it is the code that is shipped:
/// its calls of pthread_*, clock_gettime, epoll_wait and so on find the functions of this program (calls_*.cpp) first.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sim {

/** Nanoseconds since the machine was switched on; never negative. */
using Instant = std::int64_t;
inline constexpr Instant never = INT64_MAX;
inline constexpr Instant oneMs = 1'000'000;

/** Small, fast, and the same everywhere (splitmix64). */
class Chance {
public:
    explicit Chance(std::uint64_t seed) noexcept : state_{seed} {}
    std::uint64_t next() noexcept {
        state_ += 0x9E37'79B9'7F4A'7C15U;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30U)) * 0xBF58'476D'1CE4'E5B9U;
        mixed = (mixed ^ (mixed >> 27U)) * 0x94D0'49BB'1331'11EBU;
        return mixed ^ (mixed >> 31U);
    }
    /** 0 to `bound` - 1; 0 if `bound` is 0. */
    std::uint32_t below(std::uint32_t bound) noexcept {
        return static_cast<std::uint32_t>(((next() >> 32U) * bound) >> 32U);
    }
    bool hits(std::uint32_t perMille) noexcept { return below(1'000) < perMille; }

private:
    std::uint64_t state_;
};

/** How a schedule treats its threads. */
struct Weather {
    std::uint32_t preemption{50};  ///< per mille of the calls into the system at which another thread goes on
    std::uint32_t delay{2};        ///< per mille at which the thread gets no processor for a while
    Instant longestDelay{20 * oneMs};
    std::uint32_t spurious{5};  ///< per mille of the calls at which some waiter wakes for no reason (POSIX allows it)
    bool priorities{false};  ///< each thread has a random priority, which changes now and then; otherwise all are equal
};

/** Threads and locks that can die together; 0 is the monitor, which does not die. */
using ProcessNumber = std::uint32_t;

struct Fiber;

class Machine {
public:
    Machine(std::uint64_t seed, Weather weather);
    Machine(const Machine&) = delete;
    Machine& operator=(const Machine&) = delete;
    ~Machine();

    enum class End {
        finished,  ///< every thread has ended
        stuck,     ///< nobody can run, and no clock will help
        stopped,   ///< by `stop`
        endless,   ///< more than `mostSteps`
    };
    /** Runs `first` as the first thread, and all that follows from it. On the real thread. */
    End run(std::function<void()> first);

    /** Ends `run` at once, from one of its threads: what they hold is lost. */
    [[noreturn]] void stop();

    [[nodiscard]] Instant now() const noexcept { return now_; }
    /** For decisions of the world that are part of the schedule. */
    Chance& chance() noexcept { return chance_; }
    /** Time for which runnable threads were kept waiting on purpose, all in all. */
    [[nodiscard]] Instant delayed() const noexcept { return delayed_; }
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
    [[nodiscard]] std::uint64_t switches() const noexcept { return switches_; }
    /** Of every decision so far: equal for equal schedules. */
    [[nodiscard]] std::uint64_t digest() const noexcept { return digest_; }
    /** Who waits for what, one line each. */
    [[nodiscard]] std::string threads() const;
    [[nodiscard]] std::size_t living() const noexcept { return living_.size(); }

    // ---- processes ----
    [[nodiscard]] ProcessNumber process() const noexcept;
    /** Threads made by the running one from here on belong to `process`; the old value. */
    ProcessNumber enter(ProcessNumber process) noexcept;
    /** Locks from `begin` on, `size` bytes, are the monitor's; those of this program's own variables are so anyway. */
    void ownLocks(const void* begin, std::size_t size);
    /** Its threads run no more, but the caller, if it is one of them, until `kill`. They first give back what they hold of
     *  the monitor's locks. */
    void silence(ProcessNumber process);
    /** The rest of `silence`: does not return to a thread of that process. */
    void kill(ProcessNumber process);

    // ---- what calls_*.cpp is made of; on a thread of the machine ----
    /** A call into the system: some other thread may go on first. */
    void point();
    /** Waits until `wake` is called with `what`, or until `deadline`. False: the deadline came. */
    bool wait(const void* what, Instant deadline, const char* why);
    /** Those that wait for `what`: one, chosen by chance, or all of them. */
    void wake(const void* what, bool everyone);
    void sleepUntil(Instant deadline);
    /** Nobody runs for so long, and then everybody may. */
    void pause(Instant length);
    /** How long threads were kept waiting on purpose between these two: at most. */
    [[nodiscard]] Instant delaysBetween(Instant begin, Instant end) const;
    /** When the last of those that lasted so long ended; 0 if there was none. */
    [[nodiscard]] Instant resumedFrom(Instant length) const;
    /** Lets others run until something has happened. */
    void yield();
    Fiber* start(std::function<void*()> work);
    [[nodiscard]] Fiber* self() const noexcept { return running_; }
    /** The running thread is at its end. */
    void finish();
    /** A lock was taken (+1) or given back (-1). */
    void noteLock(const void* lock, int change) noexcept;
    /** Timers that are no thread's (timerfd): called when nobody can run. */
    struct TimerSource {
        virtual ~TimerSource() = default;
        [[nodiscard]] virtual Instant next() const = 0;
        virtual void due(Instant now) = 0;
    };
    void source(TimerSource* timers) noexcept { source_ = timers; }
    void tick() noexcept { now_ += 200; }

    static Machine* current() noexcept { return current_; }
    /** Whether one of its threads runs, and not the real one. */
    [[nodiscard]] bool simulates() const noexcept { return running_ != main_.get(); }

private:
    void runOther(bool mayStay);
    void switchTo(Fiber* next);
    void leave(End end);
    [[nodiscard]] Fiber* choose(bool mayStay);
    bool advance();
    void expire();
    void makeReady(Fiber* fiber);

    static Machine* current_;

    Chance chance_;
    Weather weather_;
    Instant now_{1'000'000 * oneMs};
    Instant delayed_{0};
    std::vector<std::pair<Instant, Instant>> delays_;  // from when, for how long
    std::uint64_t steps_{0};
    std::uint64_t switches_{0};
    std::uint64_t digest_{0xCBF2'9CE4'8422'2325U};
    Fiber* running_{nullptr};
    std::unique_ptr<Fiber> main_;
    std::vector<Fiber*> living_;
    std::vector<Fiber*> ready_;  // without the running one
    std::vector<std::unique_ptr<Fiber>> all_;
    std::vector<std::pair<const std::byte*, std::size_t>> ownLocks_;
    TimerSource* source_{nullptr};
    End end_{End::finished};
    std::uint32_t nextFiber_{0};
};

}  // namespace sim
