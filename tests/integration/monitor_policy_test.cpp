// SPDX-License-Identifier: BSL-1.0
// Beyond one resource and one run: groups that fail, programs that are told, state that survives.
#include "monitor_bench.hpp"

#include <holdfast/os/process.hpp>

#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

using namespace holdfast;
using namespace holdfast::test;
using monitor::EntryPoint;
using monitor::GroupFailover;

namespace {

struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() /
                                 ("holdfast-policy-" + std::to_string(os::processId()) + "-" + std::to_string(++count));
    Folder() { std::filesystem::create_directories(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream stream{path / name};
        return {std::istreambuf_iterator<char>{stream}, {}};
    }
    /** A program that writes what it was told into a file. */
    [[nodiscard]] monitor::HookProgram hook(const std::string& name) const {
        return {HOOK_PROGRAM, {"append", (path / name).string()}};
    }
    static inline int count = 0;
};

std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

monitor::ResourceConfiguration member(const std::string& name, const std::string& script,
                                      std::vector<std::string> dependsOn = {}) {
    auto resource = scripted(name, script, std::move(dependsOn));
    resource.group = "g";
    return resource;
}

monitor::MonitorConfiguration grouped(std::vector<monitor::ResourceConfiguration> resources, GroupFailover failover,
                                      const monitor::HookProgram& hook = {}) {
    auto configuration = configurationOf(std::move(resources));
    monitor::GroupConfiguration group;
    group.name = "g";
    group.failover = failover;
    group.onFailed = hook;
    configuration.groups.push_back(group);
    return configuration;
}

void start(Bench& bench) {
    const auto problems = bench->prepare();
    for (const auto& problem : problems) UNSCOPED_INFO(problem.toString());
    REQUIRE(problems.empty());
    bench->start();
}

}  // namespace

TEST_CASE("W-462 a group that fails over goes down in order, its hook runs, it comes back, once per FailoverThreshold",
          "[W-340]") {
    const Folder folder;
    auto bad = member("web", "", {"disk"});
    bad.restart.threshold = 1;
    Bench bench{grouped({member("disk", "offline-pends"), bad, member("cache", ""), scripted("other", "")},
                        GroupFailover::restart, folder.hook("hook"))};
    start(bench);
    const auto all = [&] { return bench.isOnline("disk") && bench.isOnline("web") && bench.isOnline("cache"); };
    REQUIRE(eventually(all));
    bench->fail("web", "the first: a restart");
    REQUIRE(eventually([&] { return bench.snapshot("web").onlines == 2; }));
    CHECK(folder.read("hook").empty());
    CHECK(bench.snapshot("disk").onlines == 1);

    bench->fail("web", "the second: a failover");
    REQUIRE(eventually([&] { return bench.snapshot("web").onlines == 3 && all(); }));
    CHECK(folder.read("hook") == "failover|bench|g|web|||declared failed: the second: a failover\n");
    CHECK(bench.snapshot("disk").onlines == 2);
    CHECK(bench.snapshot("cache").onlines == 2);
    CHECK(bench.snapshot("other").onlines == 1);
    CHECK(bench.calls("disk", EntryPoint::offline) == 1);

    bench->fail("web", "the third: a restart, as on another node");
    REQUIRE(eventually([&] { return bench.snapshot("web").onlines == 4; }));
    bench->fail("web", "the fourth: too many failovers");
    REQUIRE(eventually([&] { return lines(folder.read("hook")) == 2; }));
    CHECK(folder.read("hook").find("given-up|bench|g|web|||declared failed: the fourth: too many failovers\n") !=
          std::string::npos);
    CHECK(bench.state("web") == MonitorState::failed);
    CHECK(bench.isOnline("disk"));                // what still works goes on
    CHECK(bench.snapshot("web").restartPending);  // W-463
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("a group that stays leaves the others alone and runs its hook") {
    const Folder folder;
    Bench bench{grouped({member("disk", ""), member("web", "online-fails", {"disk"})}, GroupFailover::stay,
                        folder.hook("hook"))};
    start(bench);
    REQUIRE(eventually([&] { return lines(folder.read("hook")) == 1; }));
    CHECK(folder.read("hook").rfind("failover|bench|g|web|||", 0) == 0);
    CHECK(bench.isOnline("disk"));
    CHECK(bench.state("web") == MonitorState::failed);
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("a group that goes offline stays so until people ask for one of it, also over the end of the monitor") {
    const Folder folder;
    auto configuration = grouped({member("disk", ""), member("web", "", {"disk"}), scripted("other", "")},
                                 GroupFailover::offline, folder.hook("hook"));
    configuration.state = folder.path / "state";
    {
        Bench bench{configuration};
        start(bench);
        REQUIRE(eventually([&] { return bench.isOnline("web"); }));
        bench->fail("web", "a test");
        REQUIRE(eventually([&] { return lines(folder.read("hook")) == 1; }));
        CHECK(bench.state("disk") == MonitorState::opened);  // before the hook ran
        CHECK(bench.state("web") == MonitorState::opened);
        CHECK(bench.isOnline("other"));
        bench.stop();
        CHECK(bench.stopped());
    }
    Bench bench{configuration};
    start(bench);
    REQUIRE(eventually([&] { return bench.isOnline("other"); }));
    std::this_thread::sleep_for(100ms);
    CHECK(bench.state("disk") == MonitorState::opened);
    bench->online("web");
    REQUIRE(eventually([&] { return bench.isOnline("web") && bench.isOnline("disk"); }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("a hook that hangs holds its group for the hook timeout, not longer") {
    auto configuration = grouped({member("web", "")}, GroupFailover::restart, {HOOK_PROGRAM, {"sleep", "1000"}});
    configuration.hookTimeout = 200ms;
    Bench bench{configuration};
    start(bench);
    REQUIRE(eventually([&] { return bench.isOnline("web"); }));
    bench->fail("web", "a test");
    REQUIRE(eventually([&] { return bench.snapshot("web").onlines == 2; }));
    CHECK(bench.logged("took too long and was killed"));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-412 a provider that failed starts again when what depends on it is down, and that comes back") {
    auto disk = scripted("disk", "isalive-false");
    disk.restart.threshold = 1;
    disk.restart.delay = 0ms;
    Bench bench{{disk, scripted("web", "offline-pends", {"disk"})}};
    start(bench);
    REQUIRE(eventually([&] { return bench.snapshot("web").onlines == 2 && bench.isOnline("web"); }));
    std::chrono::steady_clock::time_point restarted;
    for (const auto& record : bench.records()) {
        const auto* call = std::get_if<monitor::CallRecord>(&record.what);
        if (call != nullptr && record.resource == "disk" && call->entryPoint == EntryPoint::online)
            restarted = call->start;
    }
    std::chrono::system_clock::time_point down;
    std::chrono::system_clock::time_point again;
    for (const auto& record : bench.records()) {
        const auto* state = std::get_if<monitor::StateRecord>(&record.what);
        if (state == nullptr) continue;
        if (record.resource == "web" && state->to == MonitorState::opened &&
            state->from == MonitorState::offlinePending)
            down = record.time;
        if (record.resource == "disk" && state->from == MonitorState::failed && again == decltype(again){})
            again = record.time;
    }
    REQUIRE(down != decltype(down){});
    CHECK(down <= again);
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-463 after RetryPeriodOnFailure there is one attempt more, then it is up to people", "[W-340]") {
    auto resource = scripted("r", "online-fails");
    resource.restart.threshold = 1;
    resource.restart.period = 50ms;
    resource.restart.retryPeriodOnFailure = 100ms;
    Bench bench{{resource}};
    start(bench);
    REQUIRE(eventually([&] { return bench.calls("r", EntryPoint::online) == 3; }));  // first, restart, attempt
    REQUIRE(
        eventually([&] { return bench.state("r") == MonitorState::failed && !bench.snapshot("r").restartPending; }));
    std::this_thread::sleep_for(400ms);
    CHECK(bench.calls("r", EntryPoint::online) == 3);
    bench->online("r");
    REQUIRE(eventually([&] { return bench.calls("r", EntryPoint::online) >= 4; }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-462 RestartAction 0 never restarts, 1 never fails the group over") {
    const Folder folder;
    auto never = member("never", "online-fails");
    never.restart.action = core::RestartAction::never;
    never.restart.threshold = 5;
    auto here = member("here", "online-fails");
    here.restart.action = core::RestartAction::restart;
    here.restart.threshold = 2;
    Bench bench{grouped({never, here}, GroupFailover::restart, folder.hook("hook"))};
    start(bench);
    REQUIRE(eventually([&] { return bench.calls("here", EntryPoint::online) == 3; }));
    REQUIRE(eventually(
        [&] { return bench.state("here") == MonitorState::failed && bench.snapshot("here").failures == 3; }));
    CHECK(bench.calls("never", EntryPoint::online) == 1);
    CHECK(folder.read("hook").empty());
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE(
    "notifications tell every change of state in order, with the reason of a failure; a resource may have its own") {
    const Folder folder;
    auto web = scripted("web", "", {"disk"});
    web.notify = folder.hook("web");
    auto configuration = configurationOf({scripted("disk", ""), web});
    configuration.notify = folder.hook("all");
    {
        Bench bench{configuration};
        start(bench);
        REQUIRE(eventually([&] { return bench.isOnline("web"); }));
        bench->fail("web", "somebody said so");
        REQUIRE(eventually([&] { return bench.state("web") == MonitorState::failed; }));
        bench.stop();
        CHECK(bench.stopped());
    }  // what is queued is still run
    CHECK(folder.read("all") ==
          "state|bench||disk|Offline|OnlinePending|\nstate|bench||disk|OnlinePending|Online|\n"
          "state|bench||disk|Online|OfflinePending|\nstate|bench||disk|OfflinePending|Offline|\n");
    CHECK(folder.read("web") ==
          "state|bench||web|Offline|OnlinePending|\nstate|bench||web|OnlinePending|Online|\n"
          "state|bench||web|Online|Failed|declared failed: somebody said so\n"
          "state|bench||web|Failed|Offline|\n");
}

TEST_CASE("a notification that hangs holds nobody up") {
    auto configuration = configurationOf({scripted("a", ""), scripted("b", "", {"a"})});
    configuration.notify = {HOOK_PROGRAM, {"sleep", "1000"}};
    configuration.hookTimeout = 200ms;
    Bench bench{configuration};
    start(bench);
    REQUIRE(eventually([&] { return bench.isOnline("b"); }));
    REQUIRE(eventually([&] { return bench.logged("took too long and was killed"); }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-465 PersistentState: the last wish holds over the end of the monitor, without it everything starts") {
    const Folder folder;
    auto persistent = scripted("persistent", "");
    persistent.persistentState = true;
    auto configuration = configurationOf({persistent, scripted("plain", ""), scripted("above", "", {"persistent"})});
    configuration.state = folder.path / "state";
    {
        Bench bench{configuration};
        start(bench);
        REQUIRE(eventually([&] { return bench.isOnline("above") && bench.isOnline("plain"); }));
        bench->offline("persistent");
        bench->offline("plain");
        REQUIRE(eventually([&] { return bench.state("persistent") == MonitorState::opened; }));
        bench.stop();
    }
    {
        Bench bench{configuration};
        CHECK_FALSE(bench.snapshot("persistent").wanted);
        start(bench);
        REQUIRE(eventually([&] { return bench.isOnline("plain"); }));
        std::this_thread::sleep_for(100ms);
        CHECK(bench.state("persistent") == MonitorState::opened);
        CHECK(bench.state("above") == MonitorState::opened);
        bench->online("persistent");
        REQUIRE(eventually([&] { return bench.isOnline("above"); }));
        bench.stop();
    }
    Bench bench{configuration};
    start(bench);
    REQUIRE(eventually([&] { return bench.isOnline("persistent"); }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("properties that people set outlive the monitor, until the file says something new") {
    const Folder folder;
    auto configuration = configurationOf({scripted("r", "online-pends")});
    configuration.state = folder.path / "state";
    const auto script = [](Bench& bench) {
        const auto properties = bench->properties("r");
        return properties.find("Script") == nullptr ? std::string{}
                                                    : std::get<std::string>(properties.find("Script")->data());
    };
    {
        Bench bench{configuration};
        start(bench);
        REQUIRE(eventually([&] { return bench.isOnline("r"); }));
        CHECK(bench->setProperties("r", {{"script", std::string{"offline-pends"}, {}}}).code ==
              abi::code::resourcePropertiesStored);
        CHECK(bench->reload(configuration).empty());
        CHECK(script(bench) == "offline-pends");  // the file has not changed
        bench.stop();
    }
    {
        Bench bench{configuration};
        start(bench);
        CHECK(script(bench) == "offline-pends");
        bench.stop();
    }
    configuration.resources[0].properties[0].value = std::string{"online-pends offline-pends"};
    Bench bench{configuration};
    start(bench);
    CHECK(script(bench) == "online-pends offline-pends");
    CHECK(bench.logged("property 'script' is again what the file says"));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("a restarted monitor does not forget RestartThreshold") {
    const Folder folder;
    auto resource = scripted("r", "");
    resource.restart.threshold = 1;
    auto configuration = configurationOf({resource});
    configuration.state = folder.path / "state";
    {
        Bench bench{configuration};
        start(bench);
        REQUIRE(eventually([&] { return bench.isOnline("r"); }));
        bench->fail("r", "the first");
        REQUIRE(eventually([&] { return bench.snapshot("r").onlines == 2; }));
        bench.stop();
    }
    Bench bench{configuration};
    start(bench);
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    bench->fail("r", "the second");
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::failed; }));
    std::this_thread::sleep_for(100ms);
    CHECK(bench.state("r") == MonitorState::failed);
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("a second monitor on the same state is refused before anything starts, and the first one does not notice") {
    const Folder folder;
    auto configuration = configurationOf({scripted("r", "")});
    configuration.state = folder.path / "state";
    Bench first{configuration};
    start(first);
    REQUIRE(eventually([&] { return first.isOnline("r"); }));
    Bench second{configuration};
    const auto problems = second->prepare();
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].text.find("another monitor (process " + std::to_string(os::processId()) + ")") == 0);
    CHECK(second.calls("r", EntryPoint::open) == 0);
    second.stop();
    CHECK(first.isOnline("r"));
    first.stop();
    CHECK(first.stopped());
}
