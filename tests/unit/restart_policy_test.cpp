// SPDX-License-Identifier: BSL-1.0
#include <holdfast/core/restart_policy.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace holdfast::core;
using namespace std::chrono_literals;
using Kind = RestartDecision::Kind;

namespace {

RestartPolicy::Time at(std::int64_t ms) { return RestartPolicy::Time{std::chrono::milliseconds{ms}}; }

RestartSettings settings(std::uint32_t threshold, std::chrono::milliseconds period,
                         RestartAction action = RestartAction::restartThenFailover) {
    RestartSettings s;
    s.threshold = threshold;
    s.period = period;
    s.action = action;
    return s;
}

}  // namespace

TEST_CASE("W-460 threshold restarts inside a period are tolerated, one more is exceeded") {
    struct Row {
        std::string name;
        std::uint32_t threshold;
        std::chrono::milliseconds period;
        std::vector<std::int64_t> failures;
        std::vector<Kind> decisions;
    };
    const std::vector<Row> rows{
        {"the document's example: third failure in the window",
         2,
         200ms,
         {0, 50, 100},
         {Kind::restart, Kind::restart, Kind::failover}},
        {"the document's example, spread out: never",
         2,
         200ms,
         {0, 150, 300, 450},
         {Kind::restart, Kind::restart, Kind::restart, Kind::restart}},
        {"exactly one period apart is still inside it", 1, 200ms, {0, 200}, {Kind::restart, Kind::failover}},
        {"older than the period is forgotten", 1, 200ms, {0, 201}, {Kind::restart, Kind::restart}},
        {"an exceeded failure is not a restart and is not counted",
         1,
         200ms,
         {0, 100, 201},
         {Kind::restart, Kind::failover, Kind::restart}},
        {"threshold 0: at once", 0, 200ms, {0}, {Kind::failover}},
        {"period 0: only the same instant counts", 1, 0ms, {0, 0, 1}, {Kind::restart, Kind::failover, Kind::restart}},
    };
    for (const Row& row : rows) {
        INFO(row.name);
        RestartPolicy policy{settings(row.threshold, row.period)};
        REQUIRE(row.failures.size() == row.decisions.size());
        for (std::size_t i = 0; i < row.failures.size(); ++i) {
            INFO("failure " << i);
            CHECK(policy.failed(at(row.failures[i])).kind == row.decisions[i]);
        }
    }
}

TEST_CASE("W-461 defaults: one restart in 15 minutes, RestartDelay 500 ms, one retry after an hour") {
    RestartPolicy policy;
    const auto first = policy.failed(at(0));
    CHECK(first.kind == Kind::restart);
    CHECK(first.delay == 500ms);
    const auto second = policy.failed(at(899'999));
    CHECK(second.kind == Kind::failover);
    CHECK(second.retries);
    CHECK(second.retryAfter == 1h);
    CHECK(policy.failed(at(900'001)).kind == Kind::restart);
}

TEST_CASE("W-462 what exceeding means depends on RestartAction") {
    RestartPolicy over{settings(0, 200ms, RestartAction::restartThenFailover)};
    CHECK(over.failed(at(0)).kind == Kind::failover);
    RestartPolicy stays{settings(0, 200ms, RestartAction::restart)};
    CHECK(stays.failed(at(0)).kind == Kind::stay);
    CHECK(stays.failed(at(0)).retries);
    RestartPolicy never{settings(5, 200ms, RestartAction::never)};
    const auto decision = never.failed(at(0));
    CHECK(decision.kind == Kind::stay);
    CHECK_FALSE(decision.retries);  // W-463: only if RestartAction allows restarts
}

TEST_CASE("W-463 one final attempt after RetryPeriodOnFailure, then manual", "[W-340]") {
    RestartPolicy policy{settings(1, 200ms, RestartAction::restart)};
    CHECK(policy.failed(at(0)).kind == Kind::restart);
    CHECK(policy.failed(at(10)).retries);
    policy.retrying();
    CHECK(policy.restarts(at(20)) == 0);
    const auto last = policy.failed(at(20));
    CHECK(last.kind == Kind::stay);
    CHECK_FALSE(last.retries);
    SECTION("an attempt that came online starts afresh") {
        policy.retrying();
        policy.recovered();
        CHECK(policy.failed(at(30)).kind == Kind::restart);
    }
}

TEST_CASE("W-463 0xFFFFFFFF switches the retry off") {
    auto s = settings(0, 200ms);
    s.retryPeriodOnFailure = RestartSettings::never;
    RestartPolicy policy{s};
    CHECK_FALSE(policy.failed(at(0)).retries);
}

TEST_CASE("W-464 the counter is forgotten with the period, the property is not touched") {
    RestartPolicy policy{settings(2, 200ms)};
    (void)policy.failed(at(0));
    (void)policy.failed(at(1));
    CHECK(policy.restarts(at(100)) == 2);
    CHECK(policy.restarts(at(1'000)) == 0);
    CHECK(policy.settings().threshold == 2);
    CHECK(policy.settings().period == 200ms);
}

TEST_CASE("S13 cannot come online on this node, or on any") {
    RestartPolicy policy{settings(5, 200ms)};
    CHECK(policy.failed(at(0), RestartPlace::anotherNode).kind == Kind::failover);
    const auto nowhere = policy.failed(at(0), RestartPlace::nowhere);
    CHECK(nowhere.kind == Kind::stay);
    CHECK_FALSE(nowhere.retries);
    CHECK(policy.restarts(at(0)) == 0);
}

TEST_CASE("W-460 thresholds above the ring's capacity are neither cut nor endless") {
    constexpr std::uint32_t threshold = 1'000;
    static_assert(threshold > RestartPolicy::capacity);
    RestartPolicy policy{settings(threshold, 100'000ms)};
    std::int64_t now = 0;
    for (std::uint32_t i = 0; i < threshold; ++i, now += 10) REQUIRE(policy.failed(at(now)).kind == Kind::restart);
    CHECK(policy.failed(at(now)).kind == Kind::failover);
    // All but the slices of the last period are forgotten, at most one slice late.
    CHECK(policy.failed(at(now + 100'000 + 100'000 / 64 + 2)).kind == Kind::restart);
    CHECK(policy.restarts(at(now + 200'000 + 100'000 / 64 + 2)) <= 1);
}

TEST_CASE("W-460 no window ever holds more restarts than a large threshold") {
    constexpr std::uint32_t threshold = 100;
    constexpr std::int64_t period = 10'000;
    RestartPolicy policy{settings(threshold, std::chrono::milliseconds{period})};
    std::vector<std::int64_t> restarted;
    std::uint64_t random = 42;
    std::int64_t now = 0;
    for (int i = 0; i < 5'000; ++i) {
        random = random * 6364136223846793005ULL + 1442695040888963407ULL;
        now += static_cast<std::int64_t>(random >> 58);  // 0 to 63 ms
        if (policy.failed(at(now)).kind == Kind::restart) restarted.push_back(now);
    }
    std::size_t tail = 0;
    for (std::size_t i = 0; i < restarted.size(); ++i) {
        while (restarted[i] - restarted[tail] > period) ++tail;
        REQUIRE(i - tail + 1 <= threshold);
    }
    CHECK(restarted.size() > 10 * threshold);  // and it does not starve either
}

TEST_CASE("W-460 a threshold of 0xFFFFFFFF means always") {
    RestartPolicy policy{settings(0xFFFF'FFFF, 900'000ms)};
    for (int i = 0; i < 100'000; ++i) REQUIRE(policy.failed(at(i)).kind == Kind::restart);
}
