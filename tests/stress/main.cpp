// SPDX-License-Identifier: BSL-1.0
/// Random calls with concurrent Terminate (W-1150). The seed decides which calls are made and how the agent misbehaves; what the
/// system's scheduler makes of it is its own, so a seed that failed may need more than one run to fail again. Without --seed it is a random one.
///   holdfast_stress [--seconds N] [--seed N]
#include "driver.hpp"
#include "support/own_process.hpp"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string_view>
#include <thread>

namespace {

using namespace std::chrono_literals;
using stress::Steady;

std::uint64_t numberOf(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc{} && end == text.data() + text.size()) return value;
    fmt::print(stderr, "'{}' is no number\n", text);
    std::exit(2);
}

/** Waits for what wedged calls still hold: they end by themselves. */
template <typename Condition>
bool eventually(const Condition& condition) {
    for (const auto until = Steady::now() + 20s; Steady::now() < until; std::this_thread::sleep_for(10ms)) {
        if (condition()) return true;
    }
    return condition();
}

/** Who hangs is not waited for for ever; what would be lost is said. */
void watch(std::chrono::seconds longest, std::uint64_t seed) {
    std::thread{[longest, seed] {
        std::this_thread::sleep_for(longest);
        fmt::print(stderr, "FAILED: it has not ended {} s after its time; repeat: holdfast_stress --seed {}\n", 60,
                   seed);
        std::_Exit(EXIT_FAILURE);
    }}.detach();
}

}  // namespace

int main(int count, char** arguments) {
    std::uint64_t seconds = 600;
    stress::Driver::Options options;
    options.seed = std::random_device{}() % 1'000'000'000;  // another one each time; --seed repeats it
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string_view word{arguments[i]};
        if (word == "--seconds") {
            seconds = numberOf(arguments[i + 1]);
        } else if (word == "--seed") {
            options.seed = numberOf(arguments[i + 1]);
        } else {
            fmt::print(stderr, "unknown option '{}'; known are --seconds N, --seed N\n", word);
            return 2;
        }
    }
    fmt::print("seed {}, {} resources, {} threads that call and {} that only terminate, {} s\n", options.seed,
               options.resources, options.callers, options.terminators, seconds);
    std::fflush(stdout);
    watch(std::chrono::seconds{seconds + 60}, options.seed);

    stress::Stalls stalls;
    stress::Judge judge;
    stress::room().seed = options.seed;
    stress::room().judge = &judge;
    const auto& subjects = stress::room().subjects;  // read while no resource is open
    const auto objects = [&] {
        int sum = 0;
        for (const auto& subject : subjects) sum += subject.objects.load() + subject.inside.load();
        return sum;
    };
    const auto settle = [&] {
        if (!eventually([&] { return objects() == 0; })) judge.broken("W-116 objects are left of closed resources");
    };

    // Twice, so that what is made once is no leak: a part of the time first, then all the rest.
    const auto begin = Steady::now();
    stress::Driver driver{options, judge, stalls};
    driver.run(begin + std::chrono::milliseconds{seconds * 200});
    settle();
    const auto before = holdfast::tests::ownProcess();
    driver.run(begin + std::chrono::milliseconds{seconds * 1'000});
    settle();
    // What was wedged at its Close kept the threads of the library; they are few, whatever came before (D8).
    constexpr std::size_t fewThreads = 60;
    const auto flat = [&](const holdfast::tests::OwnProcess& now) {
        return now.threads <= before.threads + fewThreads && now.handles <= before.handles + 4 * fewThreads;
    };
    eventually([&] { return flat(holdfast::tests::ownProcess()); });
    const auto after = holdfast::tests::ownProcess();
    if (!flat(after)) judge.broken("W-1110 threads or handles are left");
    for (const auto& subject : subjects) {
        if (subject.running) judge.broken("W-132 something runs of a resource that is closed");
    }
    if (!eventually([] { return stress::unansweredCalls() == 0; })) judge.broken("W-151 a control call without an end");
    if (stress::strays() != 0) judge.broken(fmt::format("W-117 {} callbacks for closed resources", stress::strays()));

    std::uint64_t members = 0;
    for (const auto& subject : subjects) members += subject.members;
    fmt::print("{} lives, {} calls, {} operations, {} Terminates, {} members of the agent, {} failures signalled\n",
               driver.lives(), stress::callCount(), driver.operations(), driver.terminates(), members,
               stress::signals());
    fmt::print("longest call {} ms without stalls; {} promises kept, {} excused by stalls ({} ms in all)\n",
               stress::worstCall().count(), judge.keptCount(), judge.excusedCount(),
               std::chrono::duration_cast<std::chrono::milliseconds>(stalls.soFar()).count());
    fmt::print("threads {} -> {}, handles {} -> {}, memory {} KiB -> {} KiB\n", before.threads, after.threads,
               before.handles, after.handles, before.residentKibibytes, after.residentKibibytes);
    if (judge.brokenCount() == 0) {
        fmt::print("every promise was kept\n");
        return 0;
    }
    for (const auto& text : judge.texts()) fmt::print("BROKEN: {}\n", text);
    fmt::print("{} promises broken; repeat: holdfast_stress --seconds {} --seed {}\n", judge.brokenCount(), seconds,
               options.seed);
    return 1;
}
