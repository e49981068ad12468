// SPDX-License-Identifier: BSL-1.0
// The Application example agent, which runs any program, against real programs and real deaths.
#include "process_fixture.hpp"

#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <sys/stat.h>

using namespace fixture;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using holdfast::testing::FakeEngine;

namespace {

const auto& applicationType() { return holdfastAgentTypes().front(); }

PropertyBag properties(const std::string& script, PropertyBag more = {}) {
    PropertyBag all{{"Program", PropertyValue::sz("/bin/sh")},
                    {"Arguments", PropertyValue::multiSz({"-c", script})},
                    {"CheckInterval", PropertyValue::dword(50)},
                    {"ThoroughCheckEvery", PropertyValue::dword(1)}};
    for (const auto& [name, value] : more) all.set(name, value);
    return all;
}

/** The pid of the one program that runs in this directory, or 0. */
int programIn(const RunDirectory& directory) {
    const auto marked = holdfast::process::findMarked(directory.names().marker);
    for (const int pid : marked) {
        if (const auto stat = holdfast::process::readStat(pid); stat && stat->session == pid) return pid;
    }
    return 0;
}

bool logged(const FakeEngine& engine, std::string_view text) {
    const auto lines = engine.log();
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return line.text.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("a program comes online, and its end is a failure at once, with its status", "[W-1132]") {
    const RunDirectory directory;
    {
        // No check would find it in time.
        FakeEngine engine{applicationType(), properties("echo hello; read x < " + directory.file("gate") + "; exit 3",
                                                        {{"CheckInterval", PropertyValue::dword(3'600'000)}})};
        REQUIRE(mkfifo(directory.file("gate").c_str(), 0600) == 0);
        REQUIRE(engine.bringOnline());
        CHECK(engine.isAlive());
        CHECK(engine.waitForLog("hello"));
        std::ofstream{directory.file("gate")} << "go\n";
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("exited with status 3"));
        CHECK_FALSE(engine.isAlive());
        engine.terminate();
    }
    CHECK(directory.nothingLeft());
}

TEST_CASE("a killed program is a failure that names the signal, and the next online starts it anew") {
    const RunDirectory directory;
    FakeEngine engine{applicationType(), properties("exec sleep 1000")};
    REQUIRE(engine.bringOnline());
    const int first = programIn(directory);
    ::kill(first, SIGKILL);
    CHECK(engine.waitForFailure());
    CHECK(engine.waitForLog("killed by signal 9 (Killed)"));
    engine.terminate();
    engine.forgetReports();
    REQUIRE(engine.bringOnline());
    CHECK(programIn(directory) != 0);
    CHECK(programIn(directory) != first);
    engine.terminate();
    CHECK(programIn(directory) == 0);
}

TEST_CASE("a program that ends while it starts fails the online with its status") {
    const RunDirectory directory;
    FakeEngine engine{applicationType(), properties("echo no such file >&2; exit 9")};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("exited with status 9"));
    CHECK(engine.waitForLog("no such file"));
}

TEST_CASE("offline asks with the stop signal, and kills what does not obey") {
    const RunDirectory directory;
    SECTION("obeys") {
        FakeEngine engine{applicationType(),
                          properties("trap 'echo bye; exit 0' INT; echo set; while :; do sleep 0.05; done",
                                     {{"StopSignal", PropertyValue::sz("int")}})};
        REQUIRE(engine.bringOnline());
        REQUIRE(engine.waitForLog("set"));
        CHECK(engine.takeOffline());
        CHECK(engine.waitForLog("bye"));
        CHECK_FALSE(logged(engine, "did not obey"));
    }
    SECTION("does not") {
        FakeEngine engine{applicationType(), properties("trap '' TERM; echo set; while :; do sleep 0.05; done",
                                                        {{"StopPatience", PropertyValue::dword(300)}})};
        REQUIRE(engine.bringOnline());
        REQUIRE(engine.waitForLog("set"));
        CHECK(engine.takeOffline());
        CHECK(engine.waitForLog("did not obey"));
    }
    CHECK(programIn(directory) == 0);
}

TEST_CASE("W-130 terminate takes the whole tree inside the advised time, also what hides from it", "[W-132][W-1106]") {
    const RunDirectory directory;
    FakeEngine engine{applicationType(), properties(unruly)};
    REQUIRE(engine.bringOnline());
    REQUIRE(eventually([&] { return grown(directory.names().marker); }));
    engine.terminate();
    CHECK(holdfast::process::findMarked(directory.names().marker).empty());
}

TEST_CASE("a terminate during a slow online leaves nothing") {
    const RunDirectory directory;
    FakeEngine engine{applicationType(),
                      properties("exec sleep 1000", {{"StartTime", PropertyValue::dword(3'600'000)}})};
    REQUIRE(engine.online() == FakeEngine::Answer::pending);
    REQUIRE(eventually([&] { return programIn(directory) != 0; }));
    engine.terminate();
    CHECK(programIn(directory) == 0);
}

TEST_CASE("a health command decides, and its last words are the reason") {
    const RunDirectory directory;
    const std::string flag = directory.file("healthy");
    const std::string script = directory.file("health.sh");
    std::ofstream{script} << "#!/bin/sh\nkill -0 $PROGRAM_PID || exit 4\ntest -e " << flag
                          << " && exit 0\necho the flag is down\nexit 1\n";
    fs::permissions(script, fs::perms{0755});
    FakeEngine engine{applicationType(), properties("exec sleep 1000", {{"HealthCommand", PropertyValue::sz(script)}})};
    REQUIRE(engine.online() == FakeEngine::Answer::pending);
    std::this_thread::sleep_for(600ms);  // it waits for its health
    std::ofstream{flag} << "up";
    REQUIRE(engine.waitFor("Online"));
    CHECK(engine.isAlive());
    SECTION("it says no") {
        fs::remove(flag);
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("HealthCommand exited with status 1: the flag is down"));
    }
    SECTION("it hangs") {
        engine.terminate();
        engine.forgetReports();
        std::ofstream{script} << "#!/bin/sh\ntest -e " << flag << " && exit 0\nsleep 1000\n";
        engine.setProperties(properties("exec sleep 1000", {{"HealthCommand", PropertyValue::sz(script)},
                                                            {"HealthTimeout", PropertyValue::dword(300)}}));
        REQUIRE(engine.bringOnline());
        fs::remove(flag);
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("HealthCommand did not end in time"));
    }
    engine.terminate();
}

TEST_CASE("D17 what an earlier host left is adopted if its settings are the same, else it is ended and started anew") {
    const RunDirectory directory{"10000"};
    {
        // An earlier host: nobody in this process holds its tree any more.
        TestContext context;
        TestOperation operation;
        holdfast::ProcessSettings settings = shell("exec sleep 1000");
        settings.adoptable = true;
        settings.limits.coreSize = 0;  // as the agent asks for it
        const auto process = holdfast::Process::start(context, settings, operation);
    }
    const int before = programIn(directory);
    REQUIRE(before != 0);
    SECTION("the same") {
        FakeEngine engine{applicationType(), properties("exec sleep 1000")};
        REQUIRE(engine.bringOnline());
        CHECK(programIn(directory) == before);
        CHECK(engine.waitForLog("took over pid"));
        ::kill(before, SIGKILL);
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("killed by signal 9"));
        engine.terminate();
    }
    SECTION("others") {
        FakeEngine engine{applicationType(), properties("exec sleep 999")};
        REQUIRE(engine.bringOnline());
        CHECK(programIn(directory) != before);
        CHECK_FALSE(lives(before));
        engine.terminate();
    }
    SECTION("the same, but it ended meanwhile") {
        ::kill(before, SIGTERM);
        REQUIRE(eventually([&] { return !lives(before); }));
        FakeEngine engine{applicationType(), properties("exec sleep 1000")};
        REQUIRE(engine.bringOnline());
        CHECK(engine.waitForLog("while nobody watched: killed by signal 15"));
        engine.terminate();
    }
    CHECK(directory.nothingLeft());
}

TEST_CASE("a killed reaper costs an online application nothing") {
    const RunDirectory directory;
    FakeEngine engine{applicationType(), properties("exec sleep 1000")};
    REQUIRE(engine.bringOnline());
    const int program = programIn(directory);
    ::kill(directory.reaper(), SIGKILL);
    CHECK(engine.waitForLog("a new one took it over"));
    CHECK(engine.isAlive());
    CHECK(programIn(directory) == program);
    CHECK_FALSE(engine.failureSignalled());
    engine.terminate();
    CHECK(programIn(directory) == 0);
}

TEST_CASE("settings that contradict each other are refused before anything starts") {
    const RunDirectory directory;
    const auto refuses = [&](const PropertyBag& more, std::string_view reason) {
        FakeEngine engine{applicationType(), properties("exec sleep 1000", more)};
        CHECK_FALSE(engine.bringOnline());
        CHECK(engine.waitForLog(reason));
    };
    refuses({{"CommandLine", PropertyValue::sz("/bin/true")}}, "set CommandLine, or Program");
    refuses({{"Environment", PropertyValue::multiSz({"nonsense"})}}, "NAME=value");
    refuses({{"HealthCommand", PropertyValue::sz("'open")}}, "not closed");
    refuses({{"StopSignal", PropertyValue::sz("KILL")}}, "StopSignal");
    CHECK(programIn(directory) == 0);
}
