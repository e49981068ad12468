// SPDX-License-Identifier: BSL-1.0
// The Resource Monitor with agents in processes that die: attribution, isolation, and who comes back.
#include "process_host_bench.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

#include <algorithm>
#include <thread>
#include <tuple>

using namespace holdfast;
using namespace holdfast::test;

TEST_CASE("a host that cannot run is started again ever later, also where no tree is kept for it") {
    const Directory directory;
    auto options = inProcesses(directory.path);
    monitor::ProcessHostSettings settings;
    settings.hostProgram = directory.path / "missing";
    settings.reaperProgram = REAPER_PROGRAM;
    settings.runDirectory = directory.path;
    settings.adoptTimeout = 0ms;
    options.host = [settings](monitor::MemoryRegistry& registry, std::weak_ptr<monitor::HostListener> listener) {
        return std::make_unique<monitor::ProcessHost>(settings, registry, std::move(listener));
    };
    Bench bench{{scripted("a", "")}, std::move(options)};
    const auto since = std::chrono::steady_clock::now();
    CHECK(bench->prepare().size() == 1);
    CHECK(std::chrono::steady_clock::now() - since >= 300ms);  // a pause of 100 ms at least from the third death on
}

TEST_CASE("W-402 a host that is killed while resources are prepared does not have them refused") {
    HostBench bench{{scripted("a", "open-slow"), scripted("b", "open-slow")}};
    std::vector<monitor::Problem> problems;
    std::thread preparing{[&] { problems = bench->prepare(); }};
    std::int64_t killed = 0;
    static_cast<void>(eventually([&] {  // twice, in the middle of Open
        const auto process = static_cast<std::int64_t>(bench.snapshot("a").hostProcess);
        if (process != 0 && process != killed) {
            tests::endProcess(process);
            if (std::exchange(killed, process) != 0) return true;
        }
        return false;
    }));
    preparing.join();
    CHECK(problems.empty());
    CHECK(bench.logged("it is prepared once more"));
    bench->start();
    CHECK(eventually([&] { return bench.isOnline("a") && bench.isOnline("b"); }));
    bench.stop();
    CHECK(bench.nothingLeft());
}

TEST_CASE("W-400 W-101 a whole life in another process") {
    HostBench bench{{scripted("a", ""), scripted("b", "online-pends offline-pends", {"a"})}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] {
        return bench.isOnline("b") && bench.calls("b", EntryPoint::isAlive) >= 2 &&
               bench.calls("a", EntryPoint::looksAlive) >= 2;
    }));
    CHECK(bench.snapshot("a").hostProcess > 1);
    CHECK(bench.snapshot("a").hostProcess != os::processId());
    CHECK(bench.snapshot("a").hostProcess == bench.snapshot("b").hostProcess);
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK_FALSE(bench->outcome().stopFailed);
    CHECK(bench->outcome().running.empty());
    CHECK(bench.nothingLeft());
}

TEST_CASE("W-401 SeparateMonitor and host names decide who lives with whom") {
    auto alone = scripted("alone", "");
    alone.separateMonitor = true;
    auto grouped = scripted("grouped", "");
    grouped.host = "g";
    auto second = scripted("second", "");
    second.host = "g";
    HostBench bench{{scripted("common", ""), alone, grouped, second}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] {
        return bench.isOnline("common") && bench.isOnline("alone") && bench.isOnline("grouped") &&
               bench.isOnline("second");
    }));
    const auto host = [&](const char* name) { return bench.snapshot(name).hostProcess; };
    CHECK(host("grouped") == host("second"));
    CHECK(std::set{host("common"), host("alone"), host("grouped")}.size() == 3);
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("a reload ends the host of whom it removed, and one that comes back gets a new one") {
    auto alone = scripted("alone", "");
    alone.host = "h";
    HostBench bench{{scripted("common", ""), alone}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("common") && bench.isOnline("alone"); }));
    const auto common = bench.snapshot("common").hostProcess;
    for (int i = 0; i < 3; ++i) {
        const auto old = static_cast<std::int64_t>(bench.snapshot("alone").hostProcess);
        REQUIRE(old > 1);
        CHECK(bench->reload(configurationOf({scripted("common", "")})).empty());
        if (i == 0)
            CHECK(eventually([&] { return !tests::isAlive(old); }));  // the others: at once, it may still be there
        const auto problems = bench->reload(configurationOf({scripted("common", ""), alone}));
        for (const auto& problem : problems) UNSCOPED_INFO(problem.toString());
        CHECK(problems.empty());
        REQUIRE(eventually([&] { return bench.isOnline("alone"); }));
        if (i == 0) CHECK(bench.snapshot("alone").hostProcess != old);
    }
    CHECK(bench.snapshot("common").hostProcess == common);
    CHECK(bench.snapshot("common").onlines == 1);
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

namespace {

/** What a script does, how its end is told, and in which call. */
using WayToDie = std::tuple<std::string, std::string, std::string>;

std::vector<WayToDie> waysToDie() {
#if defined(_WIN32)
    return {
        {"isalive-segv", "ended by exception 0xC0000005 (access violation)", "IsAlive"},
        {"isalive-overflow", "ended by exception 0xC00000FD (stack overflow)", "IsAlive"},
        {"isalive-divide", "ended by exception 0xC0000094 (integer division by zero)", "IsAlive"},
        {"isalive-raise", "ended by exception 0xE0001234", "IsAlive"},
        {"looksalive-abort", "ended by abort()", "LooksAlive"},
        {"isalive-exit", "ended with status 3", "IsAlive"},
        {"isalive-forks", "ended by abort()", "IsAlive"},
    };
#else
    return {
        {"isalive-segv", "killed by signal 11 (SIGSEGV)", "IsAlive"},
        {"isalive-overflow", "killed by signal 11 (SIGSEGV)", "IsAlive"},
        {"looksalive-abort", "killed by signal 6 (SIGABRT)", "LooksAlive"},
        {"isalive-exit", "ended with status 3", "IsAlive"},
        {"isalive-exit-now", "ended with status 4", "IsAlive"},
        {"isalive-forks", "killed by signal 6 (SIGABRT)", "IsAlive"},
    };
#endif
}

}  // namespace

TEST_CASE("W-402 S38 S39 whoever crashes its host is named and gets a host of its own; its neighbour only comes back") {
    const auto [script, ending, call] = GENERATE(Catch::Generators::from_range(waysToDie()));
    CAPTURE(script);
    auto bad = scripted("bad", script);
    // Its neighbour shall have been online by then, or there would be nothing to come back to.
    bad.times.isAlivePollInterval = bad.times.looksAlivePollInterval = 300ms;
    bad.restart.threshold = 0;
    bad.restart.action = core::RestartAction::restart;
    HostBench bench{{scripted("good", ""), bad}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("good"); }));
    REQUIRE(eventually([&] { return bench.snapshot("bad").failures == 1; }));
    REQUIRE(eventually([&] { return bench.snapshot("good").onlines == 2; }));
    const auto reason = bench.snapshot("bad").reason;
    CAPTURE(reason);
#if defined(__SANITIZE_ADDRESS__)
    // AddressSanitizer may be quicker than the host's own handler, and ends it with status 1.
    CHECK((contains(reason, ending) || contains(reason, "its host ended with status 1;")));
#elif defined(__SANITIZE_THREAD__)
    // exit() destroys the agent's statics under its other calls. ThreadSanitizer sees that, and says so with a status of its own.
    CHECK((contains(reason, ending) || (script == "isalive-exit" && contains(reason, "ended with status 66"))));
#else
    CHECK(contains(reason, ending));
#endif
    CHECK(contains(reason, "at work was 'bad' in " + call));
    CHECK(bench.snapshot("bad").separateMonitor);
    CHECK_FALSE(bench.snapshot("good").separateMonitor);
    CHECK(bench.snapshot("good").failures == 0);  // nothing is held against it
    CHECK(eventually([&] { return bench.snapshot("bad").external == abi::ResourceState::failed; }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("W-440 S37 a host is killed for a call that never returns, whichever it is; the culprit is isolated",
          "[W-445]") {
    const auto script = GENERATE(as<std::string>{}, "online-hangs", "isalive-hangs", "looksalive-hangs");
    CAPTURE(script);
    auto bad = scripted("bad", script);
    bad.times.deadlockTimeout = 3s;  // for the start of its host, too
    bad.restart.threshold = 1;
    HostBench bench{{scripted("good", ""), bad}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("good"); }));
    const auto before = bench.snapshot("good").hostProcess;
    REQUIRE(eventually([&] { return bench.snapshot("bad").failures >= 1; }));
    CHECK(contains(bench.snapshot("bad").reason, "did not return within DeadlockTimeout"));
    REQUIRE(eventually([&] { return bench.snapshot("good").onlines == 2; }));
    CHECK(bench.snapshot("good").hostProcess != before);
    CHECK(bench.snapshot("bad").separateMonitor);
    // Alone now, its second hang takes nobody with it.
    REQUIRE(eventually([&] { return bench.snapshot("bad").failures >= 2; }));
    CHECK(bench.snapshot("good").onlines == 2);
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("W-443 a Terminate that hangs is a deadlock too") {
    auto bad = scripted("bad", "terminate-hangs");
    bad.times.deadlockTimeout = 3s;  // for the start of its host, too
    HostBench bench{{scripted("good", ""), bad}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("bad") && bench.isOnline("good"); }));
    REQUIRE(bench->fail("bad", "to see its Terminate"));
    REQUIRE(eventually([&] { return bench.snapshot("good").onlines == 2; }));
    CHECK(bench.snapshot("bad").separateMonitor);
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("S39 a host that is killed from outside is nobody's fault; dependents wait for their providers (W-412)") {
    HostBench bench{{scripted("disk", "online-pends"), scripted("share", "online-pends", {"disk"}),
                     scripted("other", "", {"share"})}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    for (std::uint64_t round = 1; round <= 5; ++round) {
        CAPTURE(round);
        REQUIRE(eventually([&] { return bench.snapshot("other").onlines == round && bench.isOnline("other"); }));
        const auto host = bench.snapshot("disk").hostProcess;
        REQUIRE(host > 1);  // 0 would be this test itself
        REQUIRE(tests::endProcess(static_cast<std::int64_t>(host)));
        REQUIRE(eventually([&] { return !bench.isOnline("other"); }));
    }
    REQUIRE(eventually([&] { return bench.isOnline("other"); }));
    CHECK(bench.snapshot("disk").failures == 0);
    CHECK_FALSE(bench.snapshot("disk").separateMonitor);
    // Whenever one went online, what it stands on was online.
    std::set<std::string> online;
    for (const auto& record : bench.records()) {
        const auto* state = std::get_if<monitor::StateRecord>(&record.what);
        if (state == nullptr) continue;
        if (state->to == MonitorState::onlineCalled) {
            if (record.resource == "share") CHECK(online.contains("disk"));
            if (record.resource == "other") CHECK(online.contains("share"));
        }
        if (state->external == abi::ResourceState::online)
            online.insert(record.resource);
        else
            online.erase(record.resource);
    }
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("S2 S4 what is wrong with a library is said in words across the process, too") {
    auto missing = scripted("missing", "");
    missing.agent = "/nowhere/agent.so";
    HostBench bench{{scripted("null", "open-null"), scripted("crash", "open-segv"), missing}};
    const auto problems = bench->prepare();
    std::string all;
    for (const auto& problem : problems) all += problem.toString() + "\n";
    CAPTURE(all);
    CHECK(contains(all, "the file does not exist"));
    CHECK(contains(all, "at work was 'crash' in Open"));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("one run directory, one monitor") {
    const Directory directory;
    const Bench first{{scripted("r", "")}, inProcesses(directory.path)};
    try {
        const Bench second{{scripted("r", "")}, inProcesses(directory.path)};
        FAIL("a second monitor took the directory");
    } catch (const std::runtime_error& error) {
        CHECK(contains(error.what(), "another monitor uses it (process " + std::to_string(os::processId()) + ")"));
    }
}

TEST_CASE("S1 who is only to be there, and crashes when it is opened, is not opened again and again") {
    HostBench bench{{scripted("r", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    REQUIRE(bench->offline("r"));
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::opened; }));
    CHECK(bench->setProperties("r", {{"Script", "open-segv", {}}}).code == abi::code::success);
    REQUIRE(bench.snapshot("r").hostProcess > 1);
    REQUIRE(tests::endProcess(static_cast<std::int64_t>(bench.snapshot("r").hostProcess)));
    REQUIRE(eventually([&] { return bench.snapshot("r").separateMonitor; }));
    const auto deaths = [&] {
        const auto path = bench.path("r");
        return std::count(path.begin(), path.end(), MonitorState::dead);
    };
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::unloaded; }));
    std::this_thread::sleep_for(1s);  // longer than the pauses between its hosts
    CHECK(deaths() == 2);
    CHECK(bench->online("r"));  // but people may
    CHECK(eventually([&] { return bench.snapshot("r").failures >= 1; }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("a resource that a reload removes and that crashes in its Close makes room for its successor") {
    HostBench bench{{scripted("common", ""), scripted("r", "close-segv")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("common") && bench.isOnline("r"); }));
    auto elsewhere = scripted("r", "");
    elsewhere.host = "elsewhere";
    CHECK(bench->reload(configurationOf({scripted("common", ""), elsewhere})).empty());
    REQUIRE(eventually([&] { return bench.isOnline("r") && bench.snapshot("common").onlines == 2; }));
    CHECK(bench.snapshot("common").failures == 0);
    CHECK(bench->snapshot().size() == 2);
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("a reload that is refused because an agent hangs leaves no call behind") {
    HostBench bench{{scripted("common", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("common"); }));
    auto hangs = scripted("hangs", "open-hangs");
    hangs.times.deadlockTimeout = 500ms;
    hangs.host = "h";
    CHECK_FALSE(bench->reload(configurationOf({scripted("common", ""), hangs})).empty());
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench->outcome().running.empty());
    CHECK(bench.nothingLeft());
}

TEST_CASE("what an agent prints is heard, and is UTF-8 whatever it was") {
    HostBench bench{{scripted("r", "online-prints")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    CHECK(eventually([&] { return bench.logged("print \xef\xbf\xbd \xef\xbf\xbd"); }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("an agent that logs faster than anybody reads does not fill the monitor") {
    HostBench bench{{scripted("r", "online-floods")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    const auto online = [&] { return bench.isOnline("r"); };
    REQUIRE((eventually(online) || eventually(online)));  // a hundred thousand lines: under Wine that takes a while
    std::size_t lines = 0;
    for (const auto& record : bench.records()) {
        const auto* log = std::get_if<monitor::LogRecord>(&record.what);
        if (log != nullptr && log->text == "on and on") ++lines;
    }
    CHECK(lines >= 1'000);
    CHECK(lines < 100'000);
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}
