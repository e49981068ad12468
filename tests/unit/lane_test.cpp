// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/lane.hpp>

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

using namespace holdfast::exec;
using namespace std::chrono_literals;

namespace {

template <typename Condition>
bool eventually(const Condition& condition) {
    const auto until = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
        if (std::chrono::steady_clock::now() > until) return false;
        std::this_thread::sleep_for(1ms);
    }
    return true;
}

/** A lane of a spawner of its own, stopped in the end. */
struct Stage {
    explicit Stage(Lane::Options options) : lane{spawner, options} {}
    Stage(const Stage&) = delete;
    Stage& operator=(const Stage&) = delete;
    ~Stage() {
        lane.stop();
        CHECK(spawner.stop(10s));
    }
    Spawner spawner;
    Lane lane;
};

}  // namespace

TEST_CASE("D6 each job of a lane runs once, while its workers retire and are made again") {
    // They retire after a moment, so that jobs meet workers on their way out, just called, and just made.
    Stage stage{{4'096, 0, true, 1ms}};
    constexpr int submitters = 3;
    constexpr int jobs = 2'000;
    std::atomic<int> ran{0};
    std::vector<std::thread> threads;
    for (int submitter = 0; submitter < submitters; ++submitter) {
        threads.emplace_back([&] {
            for (int i = 0; i < jobs; ++i) {
                stage.lane.submit([&] { ran.fetch_add(1, std::memory_order_relaxed); });
                if (i % 50 == 0) std::this_thread::sleep_for(1ms);
            }
        });
    }
    for (auto& thread : threads) thread.join();
    CHECK(eventually([&] { return ran == submitters * jobs; }));
    CHECK(eventually([&] { return stage.lane.counts().threads == 0; }));
    CHECK(stage.lane.counts().queued == 0);
    CHECK(ran == submitters * jobs);
}

TEST_CASE("D6 a job finds a thread however many others block") {
    Stage stage{{4'096, 0, true, 10ms}};
    std::mutex mutex;
    std::condition_variable opened;
    bool open = false;
    std::atomic<int> inside{0};
    constexpr int blocked = 50;
    for (int i = 0; i < blocked; ++i) {
        stage.lane.submit([&] {
            std::unique_lock lock{mutex};
            ++inside;
            opened.wait(lock, [&] { return open; });
        });
    }
    CHECK(eventually([&] { return inside == blocked; }));
    std::atomic<bool> ran{false};
    stage.lane.submit([&] { ran = true; });
    CHECK(eventually([&] { return ran.load(); }));
    {
        const std::lock_guard lock{mutex};
        open = true;
    }
    opened.notify_all();
    CHECK(eventually([&] { return stage.lane.counts().threads == 0; }));
}

TEST_CASE("D6 a lane keeps its standby, and no more than it") {
    Stage stage{{0, 2, false, 1ms}};
    stage.lane.warm();
    CHECK(eventually([&] { return stage.lane.counts().idle == 2; }));
    std::atomic<int> ran{0};
    for (int i = 0; i < 100; ++i) stage.lane.submit([&] { ++ran; });
    CHECK(eventually([&] { return ran == 100; }));
    // One on its way counts as a thread before it is idle, so this is what it comes to and not what it never leaves.
    const auto settled = [&] {
        const Lane::Counts counts = stage.lane.counts();
        return counts.threads == 2 && counts.idle == 2;
    };
    CHECK(eventually(settled));
    std::this_thread::sleep_for(20ms);  // many times what a worker waits before it retires
    CHECK(eventually(settled));
}
