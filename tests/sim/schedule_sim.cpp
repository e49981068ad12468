// SPDX-License-Identifier: BSL-1.0

#include "schedule_world.hpp"

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include <cstdlib>
#include <random>

namespace {

std::uint64_t number(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): one thread
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

TEST_CASE("No status is late, doubled or lost, and no copy runs twice, over 100,000 random schedules") {
    std::random_device device;
    const std::uint64_t seed = number("HOLDFAST_SIM_SEED", device());
    const std::uint64_t schedules = number("HOLDFAST_SIM_SCHEDULES", 100'000);
    fmt::print("seed {} (HOLDFAST_SIM_SEED repeats it)\n", seed);
    std::uint64_t events = 0;
    std::uint64_t reports = 0;
    std::uint64_t onlines = 0;
    std::uint64_t failures = 0;
    std::uint64_t violations = 0;
    for (std::uint64_t i = 0; i < schedules; ++i) {
        sim::World world{seed + i};
        const std::string violation = world.run();
        events += world.events;
        reports += world.reports;
        onlines += world.onlines;
        failures += world.failures;
        if (!violation.empty()) {
            if (++violations <= 5) FAIL_CHECK("seed " << seed + i << ": " << violation);
        }
    }
    fmt::print("{} schedules: {} events, {} online() calls, {} reports, {} failures, {} violations\n", schedules,
               events, onlines, reports, failures, violations);
    CHECK(violations == 0);
    CHECK(onlines > schedules);  // it did what it is for
    CHECK(failures > schedules / 10);
}
