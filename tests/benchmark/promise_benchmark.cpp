// SPDX-License-Identifier: BSL-1.0

/// The numbers of the promise, measured in one run and printed as medians and tails. Nothing is asserted here: the machine is
/// shared, and tests hold the contract's own limits.

#include "../integration/scripted_agent.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/wsfc.hpp>
#include <holdfast/testing.hpp>

#include <fmt/format.h>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace scripted;
using namespace std::chrono_literals;
using holdfast::testing::FakeEngine;
namespace abi = holdfast::abi;

namespace {

using Steady = std::chrono::steady_clock;
using Samples = std::vector<double>;  // microseconds

double us(Steady::duration duration) { return std::chrono::duration<double, std::micro>(duration).count(); }

void print(const char* what, Samples samples, const char* bar) {
    std::sort(samples.begin(), samples.end());
    const auto at = [&](double share) {
        return samples[static_cast<std::size_t>(share * static_cast<double>(samples.size() - 1))];
    };
    fmt::print("{:<58} {:>10.1f} {:>10.1f} {:>10.1f} {:>10.1f}  {}\n", what, at(0.5), at(0.99), at(0.999),
               samples.back(), bar);
}

// ---- IsAlive through the C table -----------------------------------------------------------------------------------

std::shared_ptr<Script> tableScript = std::make_shared<Script>();

const holdfast::AgentTypes& types() {
    static const holdfast::AgentTypes all{typeOf(tableScript)};
    return all;
}

std::atomic<bool> online{false};

abi::Dword HOLDFAST_STDCALL setStatus(abi::ResourceHandle, abi::ResourceStatus* status) {
    if (status->state == abi::ResourceState::online) online = true;
    return 0;
}
void HOLDFAST_STDCALL logEvent(abi::ResourceHandle, abi::Dword, const abi::WideChar*, ...) {}

std::atomic<std::uint64_t> bareWord{1};
abi::Bool HOLDFAST_STDCALL bareLoad(abi::ResourceId) { return bareWord.load(std::memory_order_acquire) != 0 ? 1 : 0; }

using AliveRoutine = abi::Bool(HOLDFAST_STDCALL*)(abi::ResourceId);

double nanosecondsPerCall(AliveRoutine routine, abi::ResourceId id) {
    AliveRoutine volatile call = routine;  // as through a table: the compiler may not see what is called
    std::vector<double> rounds;
    for (int round = 0; round < 21; ++round) {
        const auto start = Steady::now();
        for (int i = 0; i < 200'000; ++i) static_cast<void>(call(id));
        rounds.push_back(us(Steady::now() - start) * 1'000 / 200'000);
    }
    std::sort(rounds.begin(), rounds.end());
    return rounds[rounds.size() / 2];
}

void isAlive() {
    Door door;
    tableScript->policy.checkInterval = 10ms;
    tableScript->isAlive = [&](Check&) {
        door.waitDeaf();
        return Verdict::alive();
    };
    abi::FunctionTable* table = nullptr;
    holdfast::adapters::startup(&types, abi::toWide("Scripted").c_str(), 0x100, 0x100, setStatus, logEvent, &table);
    const abi::ResourceId id = table->v1.open(abi::toWide("one").c_str(), nullptr, nullptr);
    abi::Handle event = nullptr;
    table->v1.online(id, &event);
    door.waitForVisitor();
    const double bare = nanosecondsPerCall(&bareLoad, id);
    const double ours = nanosecondsPerCall(table->v1.isAlive, id);
    fmt::print(
        "IsAlive through the C table, the user's check hung: {:.1f} ns median of 21 rounds; a bare atomic load through "
        "a table "
        "in the same run: {:.1f} ns (bar: 200 ns)\n\n",
        ours, bare);
    door.open();
    table->v1.terminate(id);
    table->v1.close(id);
}

// ---- Online, Terminate, instant failure ----------------------------------------------------------------------------

void onlineBesideBlocked() {
    constexpr int many = 1'000;
    Door door;
    const auto script = std::make_shared<Script>();
    script->online = [&](Operation&) { door.waitDeaf(); };
    std::vector<std::unique_ptr<FakeEngine>> blocked;
    for (int i = 0; i < many; ++i) blocked.push_back(std::make_unique<FakeEngine>(typeOf(script)));
    for (const auto& engine : blocked) engine->online();
    door.waitForVisitor(many);
    const auto quick = std::make_shared<Script>();
    std::vector<std::unique_ptr<FakeEngine>> free;
    for (int i = 0; i < 1'000; ++i) free.push_back(std::make_unique<FakeEngine>(typeOf(quick)));
    Samples samples;
    for (const auto& engine : free) {
        const auto start = Steady::now();
        engine->online();
        samples.push_back(us(Steady::now() - start));
    }
    print("Online answers, 1,000 other online() calls blocked", samples, "50 us median, 5 ms at 99.9 %");
    free.clear();
    door.open();
    blocked.clear();
}

void terminateShare() {
    Samples interruptible;
    for (int i = 0; i < 1'000; ++i) {
        const auto script = std::make_shared<Script>();
        script->online = [](Operation& operation) { operation.sleepFor(1h); };
        FakeEngine engine{typeOf(script)};
        engine.online();
        eventually([&] { return script->onlines == 1; });
        const auto start = Steady::now();
        engine.terminate();
        interruptible.push_back(us(Steady::now() - start));
    }
    print("Terminate, framework's share, interruptible online()", interruptible, "5 ms at 99 %");
    Samples wedged;
    for (int i = 0; i < 50; ++i) {
        Door door;
        const auto script = std::make_shared<Script>();
        script->online = [&](Operation&) { door.waitDeaf(); };
        FakeEngine engine{typeOf(script)};
        engine.online();
        door.waitForVisitor();
        const auto start = Steady::now();
        engine.terminate();
        wedged.push_back(us(Steady::now() - start));
        door.open();
        eventually([&] { return script->objects == 0; });
    }
    print("Terminate, framework's share, wedged online()", wedged, "120 ms (100 ms of it grace)");
}

void instantFailure() {
    Samples samples;
    for (int i = 0; i < 1'000; ++i) {
        const auto script = std::make_shared<Script>();
        FakeEngine engine{typeOf(script)};
        engine.bringOnline();
        const auto start = Steady::now();
        script->context.load()->reportFailure("gone");
        static_cast<void>(engine.waitForFailure());
        samples.push_back(us(Steady::now() - start));
    }
    print("reportFailure() to the failure event signalled", samples, "10 ms at 99 % (process death included)");
}

// ---- many idle resources -------------------------------------------------------------------------------------------

long residentKiB() {
    std::ifstream statm{"/proc/self/statm"};
    long size = 0;
    long resident = 0;
    statm >> size >> resident;
    return resident * 4;
}

double cpuSeconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void manyResources(int many) {
    const auto script = std::make_shared<Script>();
    script->policy.checkInterval = 1s;
    const long before = residentKiB();
    std::vector<std::unique_ptr<FakeEngine>> engines;
    for (int i = 0; i < many; ++i) engines.push_back(std::make_unique<FakeEngine>(typeOf(script)));
    const long opened = residentKiB();
    for (const auto& engine : engines) {
        engine->online();
        if (many > 1'000) std::this_thread::sleep_for(50us);
    }
    eventually([&] { return script->onlines == many; });
    std::this_thread::sleep_for(1s);
    const long onlineKiB = residentKiB();
    const double cpu = cpuSeconds();
    const int checks = script->checks;
    const auto start = Steady::now();
    std::this_thread::sleep_for(8s);
    const double took = us(Steady::now() - start) / 1e6;
    long threads = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/task"}) ++threads;
    fmt::print("{:>7} {:>14.1f} {:>14.1f} {:>10.2f} {:>12.0f} {:>8}\n", many,
               static_cast<double>(opened - before) / many, static_cast<double>(onlineKiB - before) / many,
               (cpuSeconds() - cpu) / took * 100, (script->checks - checks) / took, threads);
}

}  // namespace

int main() {
    isAlive();
    fmt::print("{:<58} {:>10} {:>10} {:>10} {:>10}  bar\n", "microseconds", "median", "99 %", "99.9 %", "worst");
    onlineBesideBlocked();
    terminateShare();
    instantFailure();
    fmt::print(
        "\nTrivial checks every second (bar at 1,000: 5 % of one core, 8 KiB an instance, no thread each)\n"
        "{:>7} {:>14} {:>14} {:>10} {:>12} {:>8}\n",
        "online", "KiB each open", "KiB each onl.", "% of core", "checks/s", "threads");
    for (const int many : {1, 100, 1'000, 3'000, 10'000}) manyResources(many);
}
