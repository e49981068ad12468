// SPDX-License-Identifier: BSL-1.0
/// The floor: what the system and the libraries below charge for what holdfast cannot do without.
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>

#include <benchmark/benchmark.h>

#include <linux/futex.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>

extern char** environ;

namespace {

std::atomic<std::uint64_t> word{1};
int load(void* /*id*/) { return word.load(std::memory_order_acquire) != 0 ? 1 : 0; }

/** What IsAlive cannot be quicker than. */
void atomicLoad(benchmark::State& state) {
    int (*volatile call)(void*) = &load;  // as through a table: the compiler may not see what is called
    for (auto _ : state) benchmark::DoNotOptimize(call(nullptr));
}
BENCHMARK(atomicLoad)->UseRealTime();

void futex(std::atomic<std::uint32_t>& on, int operation, std::uint32_t value) {
    ::syscall(SYS_futex, &on, operation, value, nullptr, nullptr, 0);
}
void hand(std::atomic<std::uint32_t>& turn, std::uint32_t to) {
    turn.store(to, std::memory_order_release);
    futex(turn, FUTEX_WAKE_PRIVATE, 1);
}
void await(std::atomic<std::uint32_t>& turn, std::uint32_t mine) {
    for (std::uint32_t now = 0; (now = turn.load(std::memory_order_acquire)) != mine;) {
        if (now == 2) return;
        futex(turn, FUTEX_WAIT_PRIVATE, now);
    }
}

/** Another thread is woken, and wakes this one. */
void futexRoundTrip(benchmark::State& state) {
    std::atomic<std::uint32_t> turn{0};  // 0: this thread's, 1: the other's, 2: the end
    std::thread other{[&] {
        for (;;) {
            await(turn, 1);
            if (turn.load(std::memory_order_acquire) == 2) return;
            hand(turn, 0);
        }
    }};
    for (auto _ : state) {
        hand(turn, 1);
        await(turn, 0);
    }
    hand(turn, 2);
    other.join();
}
BENCHMARK(futexRoundTrip)->UseRealTime();

/** What a monitor of an agent that is a program cannot be quicker than. */
void spawnTrue(benchmark::State& state) {
    char program[] = "/bin/true";
    char* const arguments[] = {program, nullptr};
    for (auto _ : state) {
        pid_t pid = 0;
        if (::posix_spawn(&pid, program, nullptr, nullptr, arguments, environ) != 0) {
            state.SkipWithError("/bin/true does not start");
            break;
        }
        ::waitpid(pid, nullptr, 0);
    }
}
BENCHMARK(spawnTrue)->UseRealTime()->Unit(benchmark::kMicrosecond);

/** Posted and run by the same thread, nobody else about. */
void asioPost(benchmark::State& state) {
    boost::asio::io_context context{1};
    int ran = 0;
    for (auto _ : state) {
        boost::asio::post(context, [&] { ++ran; });
        context.poll_one();
    }
    benchmark::DoNotOptimize(ran);
}
BENCHMARK(asioPost)->UseRealTime();

/** To a strand of another thread's pool, and its answer back: what Online cannot be quicker than. */
void strandHop(benchmark::State& state) {
    boost::asio::io_context context{1};
    auto guard = boost::asio::make_work_guard(context);
    const auto strand = boost::asio::make_strand(context);
    std::thread pool{[&] { context.run(); }};
    std::mutex mutex;
    std::condition_variable answered;
    bool answer = false;
    for (auto _ : state) {
        boost::asio::post(strand, [&] {
            {
                const std::lock_guard lock{mutex};
                answer = true;
            }
            answered.notify_one();
        });
        std::unique_lock lock{mutex};
        answered.wait(lock, [&] { return answer; });
        answer = false;
    }
    guard.reset();
    pool.join();
}
BENCHMARK(strandHop)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
