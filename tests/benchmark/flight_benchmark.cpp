// SPDX-License-Identifier: BSL-1.0

/// What the flight recorder costs: nanoseconds per event, alone and with four writers, and IsAlive with its count of polls.
/// Nothing is asserted here: the machine is shared.

#include "../integration/scripted_agent.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/wsfc.hpp>
#include <holdfast/exec/flight_reader.hpp>
#include <holdfast/exec/flight_recorder.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace scripted;
using namespace holdfast::exec;
namespace abi = holdfast::abi;

namespace {

using Steady = std::chrono::steady_clock;

constexpr int rounds = 21;
constexpr int perRound = 200'000;

/** Median of the rounds, in nanoseconds per call. */
template <typename Call>
double median(const Call& call) {
    std::vector<double> took;
    for (int round = 0; round < rounds; ++round) {
        const auto start = Steady::now();
        for (int i = 0; i < perRound; ++i) call(i);
        took.push_back(std::chrono::duration<double, std::nano>(Steady::now() - start).count() / perRound);
    }
    std::sort(took.begin(), took.end());
    return took[took.size() / 2];
}

FlightNote noteOf(int number, std::string_view text) {
    return {FlightKind::checkpoint,
            FlightPhase::instant,
            FlightSubject::onlineJob,
            1,
            static_cast<std::uint32_t>(number),
            1,
            0,
            text};
}

void events() {
    FlightRecorder& recorder = flightRecorder();
    constexpr std::string_view step = "waiting for the database to accept connections";
    fmt::print("one event, one thread:              {:6.1f} ns\n",
               median([&](int i) { recorder.record(noteOf(i, {})); }));
    fmt::print("with a text of {} bytes:            {:6.1f} ns\n", step.size(),
               median([&](int i) { recorder.record(noteOf(i, step)); }));
    fmt::print("reading the clock, of that:         {:6.1f} ns\n", median([](int) {
                   static std::atomic<std::int64_t> sink;
                   sink.store(Steady::now().time_since_epoch().count(), std::memory_order_relaxed);
               }));
    constexpr int writers = 4;
    std::atomic<int> ready{0};
    std::vector<std::thread> threads;
    std::vector<double> took(writers);
    for (int writer = 0; writer < writers; ++writer) {
        threads.emplace_back([&, writer] {
            ++ready;
            while (ready < writers) std::this_thread::yield();
            took[static_cast<std::size_t>(writer)] = median([&](int i) { recorder.record(noteOf(i, step)); });
        });
    }
    for (std::thread& thread : threads) thread.join();
    std::sort(took.begin(), took.end());
    std::string problem;
    const auto reader = FlightReader::open(recorder.block(), problem);
    fmt::print("the same, four threads at once:     {:6.1f} ns (slowest {:.1f}); {} of {} events lost\n", took[1],
               took[3], reader ? reader->lost() : 0, reader ? reader->recorded() : 0);
    const auto start = Steady::now();
    const std::size_t kept = reader ? reader->events().size() : 0;
    fmt::print("reading {} events:                {:6.1f} us\n", kept,
               std::chrono::duration<double, std::micro>(Steady::now() - start).count());
}

std::shared_ptr<Script> script = std::make_shared<Script>();

const holdfast::AgentTypes& types() {
    static const holdfast::AgentTypes all{typeOf(script)};
    return all;
}

abi::Dword HOLDFAST_STDCALL setStatus(abi::ResourceHandle, abi::ResourceStatus*) { return 0; }
void HOLDFAST_STDCALL logEvent(abi::ResourceHandle, abi::Dword, const abi::WideChar*, ...) {}

void polls() {
    abi::FunctionTable* table = nullptr;
    holdfast::adapters::startup(&types, abi::toWide("Scripted").c_str(), 0x100, 0x100, setStatus, logEvent, &table);
    const abi::ResourceId id = table->v1.open(abi::toWide("one").c_str(), nullptr, nullptr);
    abi::Handle event = nullptr;
    table->v1.online(id, &event);
    eventually([&] { return table->v1.isAlive(id) != 0; });
    auto volatile isAlive = table->v1.isAlive;  // as through a table: the compiler may not see what is called
    fmt::print("IsAlive, its polls counted:         {:6.1f} ns\n",
               median([&](int) { static_cast<void>(isAlive(id)); }));
    fmt::print("IsAlive, were each poll recorded:   {:6.1f} ns\n", median([&](int i) {
                   static_cast<void>(isAlive(id));
                   flightRecorder().record(noteOf(i, {}));
               }));
    table->v1.terminate(id);
    table->v1.close(id);
}

}  // namespace

int main() {
    events();
    polls();
}
