// SPDX-License-Identifier: BSL-1.0
// The Application example agent on Windows, against real programs and real deaths.
#include "../process_contexts.hpp"

#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <windows.h>

#include <filesystem>
#include <fstream>

using namespace fixture;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using holdfast::testing::FakeEngine;

namespace {

const auto& applicationType() { return holdfastAgentTypes().front(); }

std::string ownName() { return "application-" + std::to_string(::GetCurrentProcessId()); }

PropertyBag properties(std::vector<std::string> arguments, const PropertyBag& more = {}) {
    PropertyBag all{{"Program", PropertyValue::sz(PROGRAM)},
                    {"Arguments", PropertyValue::multiSz(std::move(arguments))},
                    {"CheckInterval", PropertyValue::dword(50)},
                    {"ThoroughCheckEvery", PropertyValue::dword(1)}};
    for (const auto& [name, value] : more) all.set(name, value);
    return all;
}

/** Of the last start, from "pid N runs". */
DWORD pidOf(const FakeEngine& engine) {
    DWORD pid = 0;
    for (const auto& line : engine.log()) {
        const auto at = line.text.find("pid ");
        if (at != std::string::npos) pid = static_cast<DWORD>(std::strtoul(line.text.c_str() + at + 4, nullptr, 10));
    }
    return pid;
}

bool lives(DWORD pid) {
    HANDLE const process = ::OpenProcess(SYNCHRONIZE, FALSE, pid);
    if (process == nullptr) return false;
    const bool result = ::WaitForSingleObject(process, 0) == WAIT_TIMEOUT;
    ::CloseHandle(process);
    return result;
}

bool logged(const FakeEngine& engine, std::string_view text) {
    const auto lines = engine.log();
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return line.text.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a program comes online, and its end is a failure at once, with its status", "[W-1132]") {
    // No check would find it in time.
    FakeEngine engine{applicationType(),
                      properties({"later", "700", "3"}, {{"CheckInterval", PropertyValue::dword(3'600'000)}}),
                      ownName()};
    REQUIRE(engine.bringOnline());
    CHECK(engine.isAlive());
    CHECK(engine.waitForFailure());
    CHECK(engine.waitForLog("exited with status 3"));
    CHECK_FALSE(engine.isAlive());
    engine.terminate();
    engine.forgetReports();
    CHECK(engine.bringOnline());  // and the next online starts it anew
    engine.terminate();
}

TEST_CASE("a program that ends while it starts fails the online with its status") {
    FakeEngine engine{applicationType(), properties({"exit", "9"}, {{"StartTime", PropertyValue::dword(2'000)}}),
                      ownName()};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("exited with status 9"));
}

TEST_CASE("offline sets the stop event, and kills what does not obey") {
    SECTION("obeys") {
        FakeEngine engine{applicationType(), properties({"obey"}), ownName()};
        REQUIRE(engine.bringOnline());
        REQUIRE(engine.waitForLog("set"));
        CHECK(engine.takeOffline());
        CHECK(engine.waitForLog("bye"));
        CHECK_FALSE(logged(engine, "did not obey"));
    }
    SECTION("does not") {
        FakeEngine engine{applicationType(), properties({"sleep"}, {{"StopPatience", PropertyValue::dword(300)}}),
                          ownName()};
        REQUIRE(engine.bringOnline());
        CHECK(engine.takeOffline());
        CHECK(engine.waitForLog("did not obey"));
    }
}

TEST_CASE("W-130 terminate takes the whole tree inside the advised time, also what is detached from it",
          "[W-132][W-1106]") {
    FakeEngine engine{applicationType(), properties({"family"}), ownName()};
    REQUIRE(engine.bringOnline());
    const auto pids = [&] {
        std::vector<DWORD> found;
        for (const auto& line : engine.log()) {
            const auto at = line.text.find("pid ");
            if (at != std::string::npos && line.text.find("runs") == std::string::npos) {
                found.push_back(static_cast<DWORD>(std::strtoul(line.text.c_str() + at + 4, nullptr, 10)));
            }
        }
        return found;
    };
    REQUIRE(eventually([&] { return pids().size() == 3; }));
    const auto since = ::GetTickCount64();
    engine.terminate();
    CHECK(::GetTickCount64() - since < 1'000);
    for (const DWORD pid : pids()) CHECK_FALSE(lives(pid));
}

TEST_CASE("a health command decides, and its last words are the reason") {
    const auto flag = std::filesystem::temp_directory_path() / (ownName() + ".flag");
    std::ofstream{flag} << "up";
    const std::string command = std::string{PROGRAM} + " healthy " + flag.string();
    FakeEngine engine{applicationType(), properties({"sleep"}, {{"HealthCommand", PropertyValue::sz(command)}}),
                      ownName()};
    REQUIRE(engine.bringOnline());
    CHECK(engine.isAlive());
    std::filesystem::remove(flag);
    CHECK(engine.waitForFailure());
    CHECK(engine.waitForLog("HealthCommand exited with status 1: the flag is down for a pid"));
    engine.terminate();
}

TEST_CASE("a terminate during a slow online leaves nothing") {
    FakeEngine engine{applicationType(), properties({"sleep"}, {{"StartTime", PropertyValue::dword(3'600'000)}}),
                      ownName()};
    REQUIRE(engine.online() == FakeEngine::Answer::pending);
    std::this_thread::sleep_for(500ms);
    const DWORD pid = pidOf(engine);
    engine.terminate();
    if (pid != 0) CHECK_FALSE(lives(pid));
    CHECK(engine.close());
}

TEST_CASE("settings that Windows cannot keep are refused before anything starts") {
    const auto refuses = [&](const PropertyBag& more, std::string_view reason) {
        FakeEngine engine{applicationType(), properties({"sleep"}, more), ownName()};
        CHECK_FALSE(engine.bringOnline());
        CHECK(engine.waitForLog(reason));
    };
    refuses({{"User", PropertyValue::sz("somebody")}}, "cannot be set on Windows");
    refuses({{"CommandLine", PropertyValue::sz("cmd.exe")}}, "set CommandLine, or Program");
    refuses({{"StopSignal", PropertyValue::sz("HUP")}}, "StopSignal");
}
