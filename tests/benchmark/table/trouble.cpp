// SPDX-License-Identifier: BSL-1.0
/// Measurements with something that hangs, blocks or dies.
#include "engine.hpp"
#include "is_alive.hpp"
#include "scenarios.hpp"

#include <atomic>
#include <csignal>
#include <memory>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

void require(bool holds, const char* what) {
    if (!holds) throw std::runtime_error{what};
}

}  // namespace

void measureHung(const Options& options, Rows& rows) {
    const Library library{options.library};
    const auto measure = [&](const char* what, const Resource& polled) {
        const PollCost cost = pollCost(library.table().isAlive, {polled.id()}, options.rounds);
        rows.samples({what, options.subject}, "ns", cost.batches);
        rows.samples({std::string{what} + ".single", options.subject}, "ns", cost.singles);
    };
    auto* const plain = new Resource{library, "plain"};  // none is destroyed: their calls hang to the end
    auto* const hung = new Resource{library, "check-hangs"};
    require(plain->bringOnline(), "a resource does not come online");
    measure("isAlive.nothingHangs", *plain);
    require(hung->bringOnline(), "the resource whose check hangs does not come online");
    require(Door::one().waitFor(1), "its check does not begin");
    measure("isAlive.anotherHangs", *plain);
    measure("isAlive.itselfHangs", *hung);
    rows.samples({"looksAlive.itselfHangs", options.subject}, "ns",
                 pollCost(library.table().looksAlive, {hung->id()}, options.rounds).batches);
}

void measureBlocked(const Options& options, Rows& rows) {
    const Library library{options.library};
    std::vector<double> answers;
    std::vector<double> blockedAnswers;
    std::vector<double> done;
    for (std::size_t i = 0; i < options.blocked; ++i) {
        auto* const one = new Resource{library, "online-blocks " + std::to_string(i)};
        const auto start = Clock::now();
        const bool pends = one->online();
        blockedAnswers.push_back(microseconds(Clock::now() - start));
        if (!pends) {
            rows.stopped({"online.othersBlocked", options.subject},
                         "at " + std::to_string(i) + " blocked ones: Online answers " + std::to_string(one->failure()));
            return;
        }
    }
    require(Door::one().waitFor(options.blocked), "not every online() began");
    // 1,000 of them at least: 99.9 % is to mean something.
    const std::size_t calls = options.blocked < 1'000 ? options.blocked : 1'000;
    std::vector<std::unique_ptr<Resource>> free;
    for (std::size_t i = 0; i < calls; ++i) {
        free.push_back(std::make_unique<Resource>(library, "plain " + std::to_string(i)));
    }
    for (const auto& one : free) {
        const auto start = Clock::now();
        static_cast<void>(one->online());
        answers.push_back(microseconds(Clock::now() - start));
        require(one->finished(abi::ResourceState::online), "it does not come online beside blocked ones");
        done.push_back(microseconds(one->reportedAt() - start));
    }
    rows.samples({"online.othersBlocked", options.subject}, "us", answers);
    rows.samples({"online.othersBlocked.done", options.subject}, "us", done);
    rows.samples({"online.blocks", options.subject}, "us", blockedAnswers);
}

void measureBurst(const Options& options, Rows& rows) {
    const Library library{options.library};
    std::vector<std::unique_ptr<Resource>> many;
    for (std::size_t i = 0; i < options.blocked; ++i) {
        many.push_back(std::make_unique<Resource>(library, "plain " + std::to_string(i)));
    }
    Resource polled{library, "plain"};
    require(polled.bringOnline(), "a resource does not come online");
    std::atomic<bool> done{false};
    std::thread engine{[&] {
        for (const auto& one : many) static_cast<void>(one->online());
        for (const auto& one : many) static_cast<void>(one->finished(abi::ResourceState::online));
        for (const auto& one : many) one->terminate();
        done.store(true, std::memory_order_release);
    }};
    std::vector<double> samples;
    while (!done.load(std::memory_order_acquire)) {
        const auto start = Clock::now();
        static_cast<void>(polled.isAlive());
        samples.push_back(microseconds(Clock::now() - start) * 1'000);
        std::this_thread::sleep_for(std::chrono::microseconds{10});
    }
    engine.join();
    rows.samples({"isAlive.burst", options.subject}, "ns", samples);
}

void measureTerminate(const Options& options, Rows& rows) {
    const Library library{options.library};
    std::vector<double> waiting;
    for (std::size_t i = 0; i < options.rounds; ++i) {
        Resource one{library, "online-waits"};
        require(one.online(), "Online is refused");
        std::this_thread::sleep_for(std::chrono::milliseconds{2});  // its online() waits by now
        const auto start = Clock::now();
        one.terminate();
        waiting.push_back(microseconds(Clock::now() - start));
    }
    std::vector<double> wedged;
    Door& door = Door::one();
    for (std::size_t i = 0; i < options.wedged; ++i) {
        door.shut();
        auto* const one = new Resource{library, "online-blocks"};
        require(one->online(), "Online is refused");
        require(door.waitFor(1), "online() does not begin");
        const auto start = Clock::now();
        one->terminate();
        wedged.push_back(microseconds(Clock::now() - start));
        door.open();
        require(door.empty(), "online() does not end");
    }
    rows.samples({"terminate.interruptible", options.subject}, "us", waiting);
    rows.samples({"terminate.wedged", options.subject}, "us", wedged);
}

void measureDeath(const Options& options, Rows& rows) {
    const Library library{options.library};
    std::vector<double> signalled;
    Resource one{library, "process"};
    // Who polls needs half a second on average for each: fewer kills tell as much about it.
    const std::size_t kills = options.subject == "holdfast" ? options.kills : (options.kills + 4) / 5;
    for (std::size_t i = 0; i < kills; ++i) {
        require(one.bringOnline(), "its program does not start");
        const int pid = takeStarted();
        require(pid > 0, "its program is not known");
        // At any moment of the second between two polls.
        std::this_thread::sleep_for(
            std::chrono::milliseconds{5 + i * 379 % 1'000 / (options.subject == "holdfast" ? 20 : 1)});
        const auto start = Clock::now();
        ::kill(pid, SIGKILL);
        require(one.failureSignalled(), "nobody notices that the program was killed");
        signalled.push_back(microseconds(Clock::now() - start) / 1'000);
        one.terminate();
    }
    rows.samples({"death.signalled", options.subject}, "ms", signalled);
}

}  // namespace bench
