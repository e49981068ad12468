// SPDX-License-Identifier: BSL-1.0
// The Resource Monitor against agents of every version of the function table.
#include "monitor_bench.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#if defined(_WIN32)
#include <windows.h>
#endif

using namespace holdfast;
using namespace holdfast::test;
using monitor::EntryPoint;

namespace {

monitor::ResourceConfiguration of(const std::filesystem::path& agent, const std::string& type,
                                  bool withProperty = false) {
    auto resource = scripted("r", withProperty ? "anything" : "");
    resource.agent = agent;
    resource.type = type;
    resource.where = {"test.toml", 3};
    return resource;
}

/** The one problem that preparing it finds, or nothing. */
std::string problemOf(const std::filesystem::path& agent, const std::string& type, bool withProperty = false) {
    Bench bench{{of(agent, type, withProperty)}};
    const auto problems = bench->prepare();
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.calls("r", EntryPoint::online) == 0);
    REQUIRE(problems.size() <= 1);
    return problems.empty() ? "" : problems[0].toString();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/** One of several of the library that has both start-up routines. */
monitor::ResourceConfiguration named(const std::string& name, const std::string& type) {
    auto resource = scripted(name, "");
    resource.agent = BOTH_AGENT;
    resource.type = type;
    return resource;
}

/** Whether this process has loaded it. */
bool mapped(const std::filesystem::path& library) {
#if defined(_WIN32)
    return ::GetModuleHandleW(library.filename().c_str()) != nullptr;
#else
    std::ifstream maps{"/proc/self/maps"};
    const std::string all{std::istreambuf_iterator<char>{maps}, {}};
    return contains(all, library.filename().string());
#endif
}

}  // namespace

// First in the file: nobody has loaded the library yet.
TEST_CASE("W-001 W-013 a library is loaded for its first resource and started once per type, again after the last") {
    const std::vector two{named("a", "V2"), named("b", "V2")};
    std::vector three = two;
    three.push_back(named("c", "Plain"));
    Bench bench{three};
    CHECK_FALSE(mapped(BOTH_AGENT));
    REQUIRE(bench->prepare().empty());
    CHECK(mapped(BOTH_AGENT));
    CHECK(bench.logged("start-ups so far: 2"));
    CHECK_FALSE(bench.logged("start-ups so far: 3"));
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("a") && bench.isOnline("b") && bench.isOnline("c"); }));
    // One of two goes and comes back: the type was never without a resource.
    REQUIRE(bench->reload(configurationOf({three[0], three[2]})).empty());
    REQUIRE(eventually([&] { return bench.calls("b", EntryPoint::close) == 1; }));
    REQUIRE(bench->reload(configurationOf(three)).empty());
    REQUIRE(eventually([&] { return bench.isOnline("b"); }));
    CHECK_FALSE(bench.logged("start-ups so far: 3"));
    // Both go and come back, while another type keeps the library loaded.
    REQUIRE(bench->reload(configurationOf({three[2]})).empty());
    REQUIRE(eventually(
        [&] { return bench.calls("a", EntryPoint::close) == 1 && bench.calls("b", EntryPoint::close) == 2; }));
    REQUIRE(bench->reload(configurationOf(three)).empty());
    REQUIRE(eventually([&] { return bench.isOnline("a") && bench.isOnline("b"); }));
    CHECK(bench.logged("start-ups so far: 3"));
    CHECK_FALSE(bench.logged("start-ups so far: 4"));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-012 StartupEx is called where it exists, Startup where it alone does") {
    struct Row {
        const char* agent;
        const char* started;
        const char* online;
    };
    for (const Row& row : {Row{BOTH_AGENT, "started by StartupEx", "online by OnlineV2"},
                           Row{ONLY_STARTUP_EX_AGENT, "started by StartupEx", "online by OnlineV2"},
                           Row{ONLY_STARTUP_AGENT, "started by Startup", "online by Online"}}) {
        CAPTURE(row.agent);
        Bench bench{{of(row.agent, "V2")}};
        REQUIRE(bench->prepare().empty());
        bench->start();
        REQUIRE(eventually([&] { return bench.isOnline("r"); }));
        CHECK(bench.logged(row.started));
        CHECK(bench.logged(row.online));
        bench.stop();
        CHECK(bench.stopped());
    }
}

TEST_CASE("W-017 W-021 W-025 a table of a version not asked for, of a wrong size or with a hole is refused") {
    CHECK(contains(problemOf(BOTH_AGENT, "Beyond"), "version 0x0500"));
    CHECK(contains(problemOf(BOTH_AGENT, "Nothing"), "version 0x0000"));
    CHECK(contains(problemOf(BOTH_AGENT, "Between"), "version 0x0350, which does not exist"));
    CHECK(contains(problemOf(BOTH_AGENT, "Wrong size"), "88 bytes; version 0x0200 has 96"));
    CHECK(contains(problemOf(BOTH_AGENT, "No Offline"), "has no Offline"));
    CHECK(contains(problemOf(BOTH_AGENT, "No Terminate"), "has no Terminate"));
    CHECK(contains(problemOf(ONLY_STARTUP_AGENT, "V3"), "version 0x0300"));  // Startup was asked for V1
}

TEST_CASE("W-021 W-025 odd sizes are accepted with a note, missing control functions without one", "[W-602]") {
    for (const char* type : {"Header counted", "Whole counted"}) {
        CAPTURE(type);
        Bench bench{{of(BOTH_AGENT, type)}};
        REQUIRE(bench->prepare().empty());
        bench->start();
        REQUIRE(eventually([&] { return bench.isOnline("r"); }));
        CHECK(bench.logged("accepted"));
        bench.stop();
        CHECK(bench.stopped());
    }
    // Every control code answered with "invalid function": the monitor does its default.
    Bench bench{{of(BOTH_AGENT, "Bare", true)}};
    REQUIRE(bench->prepare().empty());
    CHECK(bench.logged("the agent does not validate properties; accepted as they are"));
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-022 W-151 W-153 every version lives its whole life, its slots called as its version lays them out",
          "[W-1127]") {
    const std::string type = GENERATE("V1", "V2", "V3", "V4");
    CAPTURE(type);
    // Its type control names the properties, and its resource control refuses every list: by EndControlCall in V3 and V4.
    CHECK_FALSE(problemOf(BOTH_AGENT, type, true).empty());
    Bench bench{{of(BOTH_AGENT, type)}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r") && bench.calls("r", EntryPoint::isAlive) > 0; }));
    const std::string suffix = type == "V1" ? "" : "V2";
    CHECK(bench.logged("opened by Open" + suffix));
    CHECK(bench.logged("online by Online" + suffix));
    bench.stop();
    CHECK(bench.stopped());
    CHECK(bench.logged("offline by Offline" + suffix));
    CHECK_FALSE(bench.logged("odd"));
}

TEST_CASE("W-151 EndControlCall counts once: a second one for the same call is refused") {
    Bench bench{{of(BOTH_AGENT, "V4", true)}};
    CHECK(bench->prepare().size() == 1);
    CHECK(eventually([&] { return bench.logged("the second end is refused"); }));
    CHECK(bench.logged("which names no open resource"));  // whose it was is not known any more
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-200 W-204 SetResourceStatusEx ends a pending Online, in the form that has no WaitHint too") {
    Bench bench{{of(BOTH_AGENT, "Pends")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-324 S21 SignalFailure fails the resource; one about something embedded does not") {
    auto resource = of(BOTH_AGENT, "Fails");
    resource.times.isAlivePollInterval = 1h;
    resource.times.looksAlivePollInterval = 1h;
    Bench bench{{resource}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::failed; }));
    CHECK(bench.calls("r", EntryPoint::isAlive) == 0);
    CHECK(bench.calls("r", EntryPoint::terminate) == 1);
    CHECK(bench.logged("access denied (5)"));
    CHECK(bench.snapshot("r").failures == 1);
    bench.stop();
    CHECK(bench.stopped());
}
