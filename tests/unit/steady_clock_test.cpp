// SPDX-License-Identifier: BSL-1.0
// When checks come, by the system's clock. What a busy machine makes late is asked for nothing; too early is always wrong.
#include "exec/steady_clock.hpp"

#include <holdfast/exec/strand.hpp>

#include <boost/asio/io_context.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <vector>

using namespace holdfast;
using namespace std::chrono_literals;
using core::Timer;
using Steady = std::chrono::steady_clock;

namespace {

/** Resources that become due for a check, on one pool that the test itself runs. */
class Due {
public:
    explicit Due(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            all_.push_back(std::make_unique<One>(pool_));
            One& one = *all_.back();
            one.timers = clock_.makeTimers(
                one.strand, [&one](Timer, core::TimerId, core::Time) { one.took = Steady::now() - one.armed; });
        }
    }
    void arm(std::chrono::milliseconds interval) {
        for (auto& one : all_) {
            one->armed = Steady::now();
            one->timers->arm(Timer::checkDue, 1, interval);
        }
    }
    void cancel() {
        for (auto& one : all_) one->timers->cancel(Timer::checkDue);
    }
    /** How long each took from its arm() on, shortest first. */
    std::vector<Steady::duration> wait() {
        pool_.restart();
        pool_.run_for(60s);  // ends when nothing is armed any more
        std::vector<Steady::duration> took;
        for (auto& one : all_) took.push_back(one->took);
        std::sort(took.begin(), took.end());
        return took;
    }

private:
    struct One {
        explicit One(boost::asio::io_context& pool) : strand{pool} {}
        exec::Strand strand;
        Steady::time_point armed;
        Steady::duration took{Steady::duration::max()};
        std::unique_ptr<exec::TimerSet> timers;
    };
    boost::asio::io_context pool_;
    exec::SteadyClock clock_;
    std::vector<std::unique_ptr<One>> all_;
};

}  // namespace

TEST_CASE("checks of resources that come online together are spread over the interval, then come an interval apart") {
    constexpr std::chrono::milliseconds interval = 2s;
    Due due{60};
    due.arm(interval);
    const auto first = due.wait();
    CHECK(first.front() >= interval / 4);
    CHECK(first.front() < interval);   // on a machine that is late by three quarters of it this may fail
    CHECK(first[26] >= interval / 2);  // of 60, whatever the machine does
    CHECK(first[44] >= interval * 3 / 4);
    CHECK(first.back() < 60s);

    due.arm(interval);
    const auto second = due.wait();
    CHECK(second.front() >= interval);  // CheckInterval is the pause between two checks
    CHECK(second.back() < 60s);
}

TEST_CASE("the first check of a later run is spread again, and what was cancelled does not come") {
    constexpr std::chrono::milliseconds interval = 1s;
    Due due{8};
    due.arm(interval);
    due.cancel();
    CHECK(due.wait().front() == Steady::duration::max());
    due.arm(4 * interval);
    const auto again = due.wait();
    CHECK(again.front() >= interval);
    CHECK(again.front() < 4 * interval);
    CHECK(again.back() < 60s);
}
