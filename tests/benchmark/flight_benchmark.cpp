// SPDX-License-Identifier: BSL-1.0

/// What the flight recorder costs: nanoseconds per event, alone and with four writers, and IsAlive with its count of polls.
/// Nothing is asserted here: the machine is shared.
///   flight_benchmark [--quick] [--json FILE]

#include "../integration/scripted_agent.hpp"
#include "rows.hpp"

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

int rounds = 21;
bench::Rows rows;

void say(const char* what, const char* words, double nanoseconds) {
    fmt::print("{:<36}{:6.1f} ns\n", words, nanoseconds);
    rows.value({what, "holdfast"}, "ns", nanoseconds);
}

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
    say("flight.event", "one event, one thread", median([&](int i) { recorder.record(noteOf(i, {})); }));
    say("flight.eventWithText", "with a text of 46 bytes", median([&](int i) { recorder.record(noteOf(i, step)); }));
    say("flight.clock", "reading the clock, of that", median([](int) {
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
    say("flight.fourThreads", "the same, four threads at once", took[1]);
    fmt::print("  slowest of the four {:.1f} ns; {} of {} events lost\n", took[3], reader ? reader->lost() : 0,
               reader ? reader->recorded() : 0);
    const auto start = Steady::now();
    const std::size_t kept = reader ? reader->events().size() : 0;
    fmt::print("  reading {} events took {:.1f} us\n", kept,
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
    say("flight.isAlive", "IsAlive, its polls counted", median([&](int) { static_cast<void>(isAlive(id)); }));
    say("flight.isAliveRecorded", "IsAlive, were each poll recorded", median([&](int i) {
            static_cast<void>(isAlive(id));
            flightRecorder().record(noteOf(i, {}));
        }));
    table->v1.terminate(id);
    table->v1.close(id);
}

}  // namespace

int main(int argc, char** argv) {
    std::string json;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--quick") rounds = 3;
        if (option == "--json" && i + 1 < argc) json = argv[++i];
    }
    events();
    polls();
    if (!json.empty()) rows.write(json);
}
