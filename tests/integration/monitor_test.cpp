// SPDX-License-Identifier: BSL-1.0
// The Resource Monitor against agents that know nothing but the C table.
#include "monitor_bench.hpp"

#include <holdfast/os/process.hpp>

#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

using namespace holdfast;
using namespace holdfast::test;
using monitor::EntryPoint;

namespace {

/** The one problem that preparing a single agent finds. */
std::string refusal(const std::filesystem::path& agent, const std::string& type) {
    auto resource = scripted("r", "");
    resource.agent = agent;
    resource.type = type;
    resource.where = {"test.toml", 3};
    Bench bench{{resource}};
    const auto problems = bench->prepare();
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.calls("r", EntryPoint::online) == 0);  // S2: no other call
    REQUIRE(problems.size() == 1);
    return problems[0].toString();
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("S2 a library that is no agent is refused in words") {
    const auto junk =
        std::filesystem::temp_directory_path() / ("holdfast-no-library-" + std::to_string(os::processId()) + ".so");
    std::ofstream{junk} << "this is no library";
    CHECK(contains(refusal(junk, "X"), "test.toml:3: resource 'r': agent '"));
    CHECK(contains(refusal(junk, "X"), "the file is no library"));
    CHECK(contains(refusal(junk.string() + ".missing", "X"), "the file does not exist"));
    CHECK(
        contains(refusal(NO_STARTUP_AGENT, "X"), "the library is no agent: it exports neither StartupEx nor Startup"));
#if defined(_WIN32)
    CHECK(contains(refusal(UNRESOLVED_AGENT, "X"), "needs what nobody provides"));  // the loader does not say what
#else
    CHECK(contains(refusal(UNRESOLVED_AGENT, "X"), "holdfastTestNobodyProvidesThis"));
#endif
    CHECK(contains(refusal(SCRIPTED_AGENT, "Scripte"), "the agent knows no resource type 'Scripte'"));
    std::filesystem::remove(junk);
}

TEST_CASE("W-017 W-021 W-025 a wrong function table is refused and nothing in it is called") {
    CHECK(contains(refusal(WRONG_TABLE_AGENT, "Version"), "version 0x0500"));
    CHECK(contains(refusal(WRONG_TABLE_AGENT, "Size"), "40 bytes"));
    CHECK(contains(refusal(WRONG_TABLE_AGENT, "IsAlive"), "has no IsAlive"));
    CHECK(contains(refusal(WRONG_TABLE_AGENT, "No table"), "without a function table"));
    CHECK(contains(refusal(WRONG_TABLE_AGENT, "Revision"), "offers no version of the resource API"));
}

TEST_CASE("S4 Open that returns NULL is refused with its last error", "[W-111]") {
    Bench bench{{scripted("r", "open-null")}};
    const auto problems = bench->prepare();
    REQUIRE(problems.size() == 1);
    CHECK(contains(problems[0].toString(), "Open failed: error 5 (access denied)"));
    bench.stop();
    CHECK(bench.stopped());
    CHECK(bench.calls("r", EntryPoint::close) == 0);  // W-111
}

TEST_CASE("W-640 what the agent says about its properties is the reason, with the line of the file") {
    Bench bench{{scripted("good", ""), scripted("bad", "refuses")}};
    const auto problems = bench->prepare();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].toString() == "test.toml:7: property \"Script\": \"refuses\" is not a word it likes");
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-538 unknown properties and wrong kinds are refused before Open") {
    auto resource = scripted("r", "");
    resource.properties.push_back({"Prt", std::int64_t{8080}, {"test.toml", 8}});
    resource.properties.push_back({"port", std::string{"many"}, {"test.toml", 9}});
    Bench bench{{resource}};
    const auto problems = bench->prepare();
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].toString() == "test.toml:8: the agent has no property 'Prt'; did you mean 'Port'?");
    CHECK(contains(problems[1].toString(), "test.toml:9: property 'port' must be an integer"));
    CHECK(bench.calls("r", EntryPoint::open) == 0);
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("S5 S16 S23 a whole life: open, online, polls, offline, close") {
    Bench bench{{scripted("r", "")}};
    REQUIRE(bench->prepare().empty());
    CHECK(bench.state("r") == MonitorState::opened);
    bench->start();
    REQUIRE(eventually(
        [&] { return bench.calls("r", EntryPoint::isAlive) >= 2 && bench.calls("r", EntryPoint::looksAlive) >= 2; }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.path("r") == std::vector{MonitorState::opened, MonitorState::onlineCalled, MonitorState::online,
                                         MonitorState::offlineCalled, MonitorState::opened, MonitorState::closed});
    CHECK(bench.calls("r", EntryPoint::terminate) == 0);
    const auto outcome = bench->outcome();
    CHECK_FALSE(outcome.failedResource);
    CHECK_FALSE(outcome.stopFailed);
    const auto rows = bench->calls();
    CHECK(std::any_of(rows.begin(), rows.end(),
                      [](const auto& row) { return row.entryPoint == EntryPoint::online && row.count == 1; }));
}

TEST_CASE("S8 S10 S11 S25 S27 S28 pending both ways") {
    Bench bench{{scripted("r", "online-pends offline-pends")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.path("r") == std::vector{MonitorState::opened, MonitorState::onlineCalled, MonitorState::onlinePending,
                                         MonitorState::online, MonitorState::offlineCalled,
                                         MonitorState::offlinePending, MonitorState::opened, MonitorState::closed});
    CHECK_FALSE(bench->outcome().stopFailed);
}

TEST_CASE("W-202 a final report before Online returned is held") {
    Bench bench{{scripted("r", "online-reports-early")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    CHECK(eventually([&] { return bench.isOnline("r"); }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("S9 W-906 an Online that fails: the agent's words arrive whole, Terminate, Failed") {
    Bench bench{{scripted("r", "online-fails")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::failed; }));
    CHECK(bench.logged("100% of what %1!s! needs is missing"));
    CHECK(bench.snapshot("r").reason == "Online failed: error 5 (access denied)");
    CHECK(bench.logged("Online failed: error 5 (access denied)"));
    CHECK(eventually([&] {
        return bench.logged("nothing runs any more and no retry is pending") || bench.snapshot("r").restartPending;
    }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench->outcome().failedResource);
}

TEST_CASE("S14 silence after 997: PendingTimeout, Terminate, Failed") {
    auto resource = scripted("r", "online-silent");
    resource.times.pendingTimeout = 50ms;
    Bench bench{{resource}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::failed; }));
    CHECK(bench.logged("Online made no progress for PendingTimeout"));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("S20 S33 IsAlive FALSE: Terminate, restart by policy, online again") {
    auto resource = scripted("r", "isalive-false");
    resource.restart.threshold = 1;
    Bench bench{{resource}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.snapshot("r").onlines == 2; }));
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::failed && bench.snapshot("r").failures == 2; }));
    CHECK(bench.logged("restarts are used up"));
    bench.stop();
    CHECK(bench.stopped());
    CHECK(bench->outcome().failedResource);
}

TEST_CASE("S18 W-321 a signalled event: IsAlive at once, no LooksAlive at all") {
    auto resource = scripted("r", "event");
    resource.times.isAlivePollInterval = 1h;
    Bench bench{{resource}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::failed; }));
    CHECK(bench.calls("r", EntryPoint::isAlive) == 1);
    CHECK(bench.calls("r", EntryPoint::looksAlive) == 0);
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("S18 legacy: a signalled event terminates without IsAlive") {
    auto resource = scripted("r", "event");
    resource.times.isAlivePollInterval = 1h;
    resource.times.terminateOnEvent = true;
    Bench bench{{resource}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::failed; }));
    CHECK(bench.calls("r", EntryPoint::isAlive) == 0);
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("S15 a stop during OnlinePending terminates and is no failure") {
    Bench bench{{scripted("r", "online-silent")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::onlinePending; }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.calls("r", EntryPoint::terminate) == 1);
    CHECK_FALSE(bench->outcome().stopFailed);
}

TEST_CASE("S26 an Offline that fails is terminated, and the outcome says so") {
    Bench bench{{scripted("r", "offline-fails")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench->outcome().stopFailed);
}

TEST_CASE("S37 an IsAlive that hangs: given up after DeadlockTimeout, its neighbour lives on") {
    auto sick = scripted("sick", "isalive-hangs");
    sick.times.deadlockTimeout = 200ms;
    Bench bench{{sick, scripted("well", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.state("sick") == MonitorState::dead; }));
    CHECK(bench.logged("IsAlive did not return within DeadlockTimeout"));
    const auto before = bench.calls("well", EntryPoint::isAlive);
    CHECK(eventually([&] { return bench.calls("well", EntryPoint::isAlive) > before + 2; }));
    bench.stop();
    REQUIRE(bench.stopped());
    const auto outcome = bench->outcome();
    CHECK(outcome.failedResource);
    CHECK(outcome.running == std::vector<std::string>{"sick: IsAlive"});
}

TEST_CASE("S37 an Open that hangs ends preparing with a reason") {
    auto sick = scripted("sick", "open-hangs");
    sick.times.deadlockTimeout = 200ms;
    Bench bench{{sick}};
    const auto problems = bench->prepare();
    REQUIRE(problems.size() == 1);
    CHECK(contains(problems[0].toString(), "did not answer"));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-102 Terminate overlaps an Online that hangs") {
    auto resource = scripted("r", "online-hangs");
    resource.times.stopPatience = 50ms;
    resource.times.deadlockTimeout = 1s;
    Bench bench{{resource}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::onlineCalled; }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.calls("r", EntryPoint::terminate) == 1);
    CHECK(bench->outcome().stopFailed);
}

TEST_CASE("S38 an exception that leaves the C table, or a thread that ends in it") {
#if defined(_WIN32)
    // A thread that ends there leaves no trace: its call counts as one that never returns.
    const auto scripts = {"online-throws"};
#else
    const auto scripts = {"online-throws", "online-ends-thread"};
#endif
    for (const char* script : scripts) {
        INFO(script);
        Bench bench{{scripted("sick", script), scripted("well", "")}};
        REQUIRE(bench->prepare().empty());
        bench->start();
        REQUIRE(eventually([&] { return bench.state("sick") == MonitorState::dead && bench.isOnline("well"); }));
        CHECK(bench.logged("an exception left Online"));
        bench.stop();
        CHECK(bench.stopped());
    }
}

TEST_CASE("W-117 callbacks after Close are refused and change nothing") {
    Bench bench{{scripted("r", "speaks-after-close"), scripted("stays", "offline-pends")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r") && bench.isOnline("stays"); }));
    bench.stop();
    REQUIRE(bench.stopped());
    std::this_thread::sleep_for(200ms);  // the agent speaks 50 ms after its Close
    CHECK(bench.state("r") == MonitorState::closed);
}

TEST_CASE("W-412 providers first up, dependents first down, and a lost provider takes its dependents along",
          "[W-900]") {
    auto disk = scripted("disk", "isalive-false");
    disk.restart.threshold = 1;
    disk.times.isAlivePollInterval = 100ms;
    Bench bench{{scripted("share", "", {"service"}), scripted("service", "online-pends", {"disk"}), disk}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("share"); }));
    REQUIRE(eventually([&] { return bench.snapshot("disk").onlines == 2; }));  // disk failed once and came back
    REQUIRE(eventually([&] { return bench.snapshot("share").onlines == 2 || bench.snapshot("disk").failures == 2; }));
    bench.stop();
    REQUIRE(bench.stopped());
    // At no time was a dependent started under a provider that was not online, nor a provider stopped before it.
    std::map<std::string, abi::ResourceState> now;
    for (const auto& record : bench.records()) {
        const auto* state = std::get_if<monitor::StateRecord>(&record.what);
        if (state == nullptr) continue;
        if (state->to == MonitorState::onlineCalled && record.resource == "service")
            CHECK(now["disk"] == abi::ResourceState::online);
        if (state->to == MonitorState::onlineCalled && record.resource == "share")
            CHECK(now["service"] == abi::ResourceState::online);
        if (state->to == MonitorState::offlineCalled && record.resource == "disk")
            CHECK(now["service"] == abi::ResourceState::offline);
        now[record.resource] = state->external;
    }
}

TEST_CASE("an administrator's wish outlives the restart policy") {
    Bench bench{{scripted("r", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    CHECK(bench->offline("r"));
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::opened; }));
    CHECK(bench->online("r"));
    CHECK(eventually([&] { return bench.isOnline("r"); }));
    CHECK_FALSE(bench->online("nobody"));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-104 successive calls come from different threads") {
    Bench bench{{scripted("a", ""), scripted("b", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    const auto threads = [&] {
        std::set<std::uint64_t> seen;
        for (const auto& record : bench.records()) {
            if (const auto* call = std::get_if<monitor::CallRecord>(&record.what);
                call != nullptr && record.resource == "a")
                seen.insert(call->thread);
        }
        return seen.size();
    };
    CHECK(eventually([&] { return threads() >= 2; }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-122 private properties are read anew at each Online") {
    Bench bench{{scripted("r", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    bench->registry().set("Resources\\r\\Parameters", PropertyBag{{"Script", PropertyValue::sz("online-fails")}});
    CHECK(bench->offline("r"));
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::opened; }));
    CHECK(bench->online("r"));
    CHECK(eventually([&] { return bench.state("r") == MonitorState::failed; }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("destroying a running monitor terminates what runs") {
    auto bench = std::make_unique<Bench>(std::vector{scripted("r", "online-pends")});
    REQUIRE((*bench)->prepare().empty());
    (*bench)->start();
    bench.reset();
    SUCCEED();
}

TEST_CASE("S21 a resource that people declare failed is terminated and restarted by policy") {
    auto resource = scripted("r", "");
    resource.restart.threshold = 1;
    Bench bench{{resource}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    CHECK_FALSE(bench->fail("nobody", "why not"));
    REQUIRE(bench->fail("r", "the disk looks odd"));
    REQUIRE(eventually([&] { return bench.snapshot("r").onlines == 2; }));
    CHECK(bench.calls("r", EntryPoint::terminate) == 1);
    CHECK(bench.snapshot("r").reason == "declared failed: the disk looks odd");
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-640 properties set while online are stored, answered 5024 and used at the next Online") {
    Bench bench{{scripted("r", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    const auto unknown = bench->setProperties("r", {{"Prt", std::int64_t{1}, {}}});
    CHECK(unknown.code == abi::code::invalidParameter);
    REQUIRE(unknown.problems.size() == 1);
    CHECK(unknown.problems[0] == "the agent has no property 'Prt'; did you mean 'Port'?");
    CHECK(bench->setProperties("r", {{"script", std::string{"online-fails"}, {}}}).code == 5024);
    CHECK(bench.isOnline("r"));
    REQUIRE(bench->offline("r"));
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::opened; }));
    CHECK_FALSE(bench.snapshot("r").wanted);
    CHECK(bench->setProperties("r", {{"Port", std::int64_t{8080}, {}}}).code == 0);
    CHECK(bench->properties("r").find("Port") != nullptr);
    REQUIRE(bench->online("r"));
    CHECK(eventually([&] { return bench.state("r") == MonitorState::failed; }));
    CHECK(bench->setProperties("nobody", {}).code == abi::code::resourceNotFound);
    bench.stop();
    CHECK(bench.stopped());
}
