// SPDX-License-Identifier: BSL-1.0
#include "driver.hpp"

#include <chrono>
#include <random>

namespace stress {

using namespace std::chrono_literals;

namespace {

// An operation ends by its limit, after what it waited for before it could begin; far above both, and the machine is slow.
constexpr milliseconds longestOperation{30'000};

std::mt19937_64 randomOf(std::uint64_t seed, std::uint64_t thread) {
    std::seed_seq seeds{seed, thread};
    return std::mt19937_64{seeds};
}

}  // namespace

Driver::Driver(const Options& options, Judge& judge, Stalls& stalls) : options_{options}, judge_{judge} {
    for (const abi::Dword version : {abi::versionV1, abi::versionV2, abi::versionV3, abi::versionV4})
        tables_.push_back(std::make_unique<Table>(version));
    for (std::size_t number = 0; number < options.resources; ++number)
        places_.push_back(std::make_unique<Place>(number, judge, stalls));
}

Driver::~Driver() = default;

void Driver::run(Steady::time_point until) {
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < options_.callers; ++i) threads.emplace_back([this, i, until] { call(2 * i, until); });
    for (std::size_t i = 0; i < options_.terminators; ++i)
        threads.emplace_back([this, i, until] { terminate(2 * i + 1, until); });
    for (auto& thread : threads) thread.join();
    for (const auto& place : places_) {
        const std::lock_guard lock{place->calls};
        place->close();
    }
}

void Driver::call(std::uint64_t seed, Steady::time_point until) {
    auto random = randomOf(options_.seed, seed);
    while (Steady::now() < until) {
        Place& place = *places_[random() % places_.size()];
        const std::uint64_t first = random();
        const std::uint64_t second = random();
        const std::unique_lock lock{place.calls, std::try_to_lock};
        if (lock.owns_lock()) step(place, first, second);
    }
}

void Driver::terminate(std::uint64_t seed, Steady::time_point until) {
    auto random = randomOf(options_.seed, seed);
    while (Steady::now() < until) {
        if (places_[random() % places_.size()]->terminate()) terminates_.fetch_add(1);
        std::this_thread::sleep_for(std::chrono::microseconds{random() % 3'000});
    }
}

void Driver::step(Place& place, std::uint64_t random, std::uint64_t more) {
    if (!place.isOpen()) {
        place.open(*tables_[more % tables_.size()]);
        lives_.fetch_add(1);
        return;
    }
    switch (random % 16) {
        case 0: place.close(); return;
        case 1:
        case 2: place.control(more); return;
        case 3: place.cancel(); return;
        case 4:
            if (place.terminate()) terminates_.fetch_add(1);
            place.isAlive();  // at once: nothing of the old run is left
            place.looksAlive();
            return;
        case 5:
        case 6:
        case 7: operation(place, false, more); return;
        case 8:
        case 9:
        case 10:
        case 11: operation(place, true, more); return;
        default: break;
    }
    for (std::uint64_t i = more % 8; i > 0; --i) (i + random) % 3 == 0 ? place.looksAlive() : place.isAlive();
}

void Driver::operation(Place& place, bool online, std::uint64_t random) {
    operations_.fetch_add(1);
    if (!(online ? place.online() : place.offline())) return;
    const bool patient = random % 4 != 0;
    const auto end = place.waitForEnd(patient ? longestOperation : milliseconds{random / 4 % 20});
    if (end == Place::End::none) {
        if (patient) judge_.broken("W-204 an operation that neither ended nor was terminated");
        // The PendingTimeout of a monitor (W-220).
        if (place.terminate()) terminates_.fetch_add(1);
    } else {
        judge_.kept();
    }
}

}  // namespace stress
