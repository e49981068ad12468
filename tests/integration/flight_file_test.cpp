// SPDX-License-Identifier: BSL-1.0
// What is left of a host that crashed, was killed, hung or raised an alarm: a file with its last events and its threads.
#include "process_host_bench.hpp"

#include "monitor/flight_file.hpp"
#include "monitor/flight_memory.hpp"

#include <holdfast/exec/flight_recorder.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace holdfast;
using namespace holdfast::test;
namespace json = boost::json;

namespace {

using Lines = std::vector<json::object>;

monitor::ResourceConfiguration hanging(const std::string& name, const std::string& script) {
    monitor::ResourceConfiguration resource = scripted(name, script);
    resource.type = "Hanging";
    resource.agent = FLIGHT_AGENT;
    return resource;
}

std::vector<std::filesystem::path> files(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> found;
    std::error_code error;
    for (auto entry = std::filesystem::directory_iterator{folder, error};
         !error && entry != std::filesystem::directory_iterator{}; entry.increment(error)) {
        if (entry->path().extension() == ".jsonl") found.push_back(entry->path());
    }
    std::sort(found.begin(), found.end());
    return found;
}

/** Every line of a flight file is JSON of its own. */
Lines read(const std::filesystem::path& file) {
    Lines lines;
    std::ifstream in{file};
    for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line).as_object());
    return lines;
}

std::string textOf(const json::object& line, const char* field) {
    const auto* const value = line.if_contains(field);
    return value != nullptr && value->is_string() ? std::string{value->as_string()} : std::string{};
}

/** The first file whose reason has `reason` in it, once it is written. */
Lines fileAbout(const HostBench& bench, const std::string& reason) {
    Lines found;
    const bool there = eventually([&] {
        // Said once it is whole.
        if (!bench.logged("what was recorded is in")) return false;
        for (const auto& file : files(bench.directory())) {
            std::error_code ignored;
            if (std::filesystem::file_size(file, ignored) == 0) continue;
            Lines lines = read(file);
            if (lines.empty() || !contains(textOf(lines.front(), "reason"), reason)) continue;
            found = std::move(lines);
            return true;
        }
        return false;
    });
    CHECK(there);
    return found;
}

bool hasEvent(const Lines& lines, const std::string& event, const std::string& what, const std::string& text = {}) {
    return std::any_of(lines.begin(), lines.end(), [&](const json::object& line) {
        return textOf(line, "record") == "flightEvent" && textOf(line, "event") == event &&
               (what.empty() || textOf(line, "what") == what) && contains(textOf(line, "text"), text);
    });
}

/** A thread is, or was, in a function whose name has `function` in it. */
[[maybe_unused]] bool hasFrame(const Lines& lines, const std::string& function) {
    for (const auto& line : lines) {
        if (textOf(line, "record") != "stack") continue;
        for (const auto& frame : line.at("frames").as_array()) {
            if (contains(std::string{frame.as_string()}, function)) return true;
        }
    }
    return false;
}

std::string stacksProblem(const Lines& lines) {
    for (const auto& line : lines) {
        if (textOf(line, "record") == "stacks") return textOf(line, "problem");
    }
    return {};
}

void withStacks(monitor::ProcessHostSettings& settings) { settings.stacksProgram = STACKS_PROGRAM; }
constexpr bool haveStacks = sizeof STACKS_PROGRAM > 1;

}  // namespace

TEST_CASE("a host that crashes leaves what its agents' last calls and checkpoints were") {
    auto bad = hanging("gives up", "abort");
    bad.restart.threshold = 1;
    HostBench bench{{bad}, withStacks};
    REQUIRE(bench->prepare().empty());
    bench->start();
    const Lines lines = fileAbout(bench, "its host was");
    REQUIRE_FALSE(lines.empty());
    CHECK(textOf(lines.front(), "record") == "flight");
    CHECK(lines.front().at("version").as_int64() == 1);
    CHECK(lines.front().at("pid").as_int64() > 0);
    CHECK(hasEvent(lines, "checkpoint", "", "about to give up"));
    CHECK(hasEvent(lines, "job", "online"));
    CHECK(hasEvent(lines, "call", "Online"));
    CHECK(std::any_of(lines.begin(), lines.end(), [](const auto& line) { return textOf(line, "by") == "host"; }));
    CHECK(std::any_of(lines.begin(), lines.end(),
                      [](const auto& line) { return textOf(line, "resource") == "gives up"; }));
    CHECK(stacksProblem(lines).empty());  // nobody looked: it was dead
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("a host that is killed from outside leaves the last checkpoint too") {
    HostBench bench{{hanging("slow", "pend")}, withStacks};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.logged("half of it is done"); }));
    tests::endProcess(static_cast<std::int64_t>(bench.snapshot("slow").hostProcess));
    const Lines lines = fileAbout(bench, "its host was killed");
    CHECK(hasEvent(lines, "checkpoint", "", "half of it is done"));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("a library without holdfast has its calls recorded by its host") {
    auto bad = scripted("bad", "online-segv");
    bad.restart.threshold = 1;
    HostBench bench{{bad}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    const Lines lines = fileAbout(bench, "its host ");  // "was ended by a signal", and otherwise under AddressSanitizer
    CHECK(hasEvent(lines, "call", "Open"));
    const auto last =
        std::find_if(lines.rbegin(), lines.rend(), [](const auto& line) { return textOf(line, "event") == "call"; });
    REQUIRE(last != lines.rend());
    CHECK(textOf(*last, "what") == "Online");
    CHECK(textOf(*last, "phase") == "begin");
    CHECK(textOf(*last, "resource") == "bad");
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("W-440 a deadlocked host is looked at before it is killed: the file names the function that hangs") {
    auto bad = scripted("bad", "online-hangs");
    bad.times.deadlockTimeout = 3s;  // for the start of its host, too
    bad.restart.threshold = 1;
    HostBench bench{{scripted("good", ""), bad}, withStacks};
    REQUIRE(bench->prepare().empty());
    bench->start();
    const Lines lines = fileAbout(bench, "killed because of 'bad'");
    CHECK(hasEvent(lines, "call", "Online"));
    if (haveStacks) {
        INFO(stacksProblem(lines));
        CHECK(std::any_of(lines.begin(), lines.end(),
                          [](const auto& line) { return textOf(line, "record") == "stack"; }));
#if !defined(_WIN32)
        CHECK(hasFrame(lines, "onlineIt"));
#endif
    }
    REQUIRE(eventually([&] { return bench.snapshot("good").onlines == 2; }));  // and it was killed all the same
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("an alarm of an agent with holdfast inside writes a file with the hanging function; everything goes on") {
    HostBench bench{{scripted("good", ""), hanging("bad", "hang")}, withStacks};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.logged("waiting for what never comes") && bench.isOnline("good"); }));
    bench->stop();  // Offline, then Terminate, and both hang: a wedged worker
    const Lines lines = fileAbout(bench, "'bad': ");
    CHECK(hasEvent(lines, "checkpoint", "", "waiting for what never comes"));
    CHECK(hasEvent(lines, "wedged", ""));
    CHECK(hasEvent(lines, "alarm", ""));
    if (haveStacks) {
        INFO(stacksProblem(lines));
#if defined(_WIN32)
        // dbghelp tells no names of what is not exported (docs/flight-recorder.md).
        CHECK(std::any_of(lines.begin(), lines.end(), [](const auto& line) {
            return textOf(line, "record") == "stack" && !line.at("frames").as_array().empty();
        }));
#else
        CHECK(hasFrame(lines, "waitForWhatNeverComes"));
#endif
    }
    CHECK(bench.logged("flight recorder: last step"));
}

TEST_CASE("a call that does not come back is looked at long before its deadlock limit, and its host lives on") {
    HostBench bench{{scripted("good", ""), scripted("bad", "offline-hangs")}, [](auto& settings) {
                        withStacks(settings);
                        settings.flightAfter = 200ms;
                    }};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("good") && bench.isOnline("bad"); }));
    const auto host = bench.snapshot("good").hostProcess;
    const auto polls = bench.calls("good", EntryPoint::isAlive);
    REQUIRE(bench->offline("bad"));
    const Lines lines = fileAbout(bench, "'bad': Offline has been running for ");
    CHECK(hasEvent(lines, "call", "Offline"));
#if !defined(_WIN32)
    if (haveStacks) CHECK(hasFrame(lines, "offlineIt"));
#endif
    CHECK(eventually([&] { return bench.calls("good", EntryPoint::isAlive) > polls + 5; }));
    CHECK(bench.snapshot("good").hostProcess == host);
    CHECK(bench.snapshot("good").onlines == 1);
}

TEST_CASE("a healthy run leaves no flight file") {
    HostBench bench{{scripted("one", ""), hanging("two", "")}, withStacks};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("one") && bench.isOnline("two"); }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
    CHECK(files(bench.directory()).empty());
}

TEST_CASE("only the newest twenty flight files are kept, and other files are left alone") {
    const Directory directory;
    std::filesystem::create_directories(directory.path);
    std::ofstream{directory.path / "other.jsonl"} << "{}\n";
    monitor::FlightIncident incident{"group a/b: \xC3\xA4", "why", 1, std::chrono::system_clock::now()};
    std::filesystem::path last;
    for (int i = 0; i < 25; ++i) {
        incident.time += std::chrono::milliseconds{1};
        last = monitor::writeFlightFile(directory.path, incident, "{}\n");
    }
    CHECK(files(directory.path).size() == monitor::mostFlightFiles + 1);
    CHECK(std::filesystem::exists(last));
    CHECK(last.filename().string().starts_with("flight-group-a-b"));
    CHECK(std::filesystem::exists(directory.path / "other.jsonl"));
}

TEST_CASE("a host that spoiled its recorder costs its events, and no more") {
    std::vector<exec::flight_layout::Word> words(monitor::FlightMemory::size / 8);
    void* const memory = words.data();
    exec::FlightRecorder good;
    REQUIRE(good.useMemory(monitor::FlightMemory::region(memory, 2)));
    good.record(
        {exec::FlightKind::log, exec::FlightPhase::instant, exec::FlightSubject::none, 1, 0, 0, 0, "no \xFF UTF-8"});
    exec::FlightRecorder bad;
    REQUIRE(bad.useMemory(monitor::FlightMemory::region(memory, 1)));
    bad.record({exec::FlightKind::log});
    auto* const spoiled = reinterpret_cast<exec::flight_layout::Word*>(monitor::FlightMemory::region(memory, 1).data());
    spoiled[exec::flight_layout::entryWord] = ~0ULL;
    auto* const lying = reinterpret_cast<exec::flight_layout::Word*>(monitor::FlightMemory::region(memory, 2).data());
    lying[exec::flight_layout::systemWord] = 0x7FFF'FFFF'FFFF'FFFF;
    const std::string text = monitor::flightText({"host", "why", 1, std::chrono::system_clock::now()}, memory);
    const auto end = text.find('\n');
    const auto first = json::parse(text.substr(0, end)).as_object();
    CHECK(first.at("rings").as_array().size() == 2);
    const auto event = json::parse(text.substr(end + 1, text.find('\n', end + 1) - end - 1)).as_object();
    CHECK(textOf(event, "event") == "log");
    CHECK_FALSE(contains(textOf(event, "text"), "\xFF"));
    CHECK(monitor::stackLines("no json\n[1]\n{\"record\":\"stack\"}\n{\"cut", "late") ==
          "{\"record\":\"stack\"}\n{\"record\":\"stacks\",\"problem\":\"late\"}\n");
}
