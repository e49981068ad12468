// SPDX-License-Identifier: BSL-1.0
// Hosts on Linux: their guards, the marks in their environment, and programs in their place.
#include "process_host_bench.hpp"

#include "monitor/marked_processes.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

using namespace holdfast;
using namespace holdfast::test;

namespace {

/** A program of a few lines in place of one of ours. */
struct ScriptFile {
    explicit ScriptFile(const std::string& text)
        : path{std::filesystem::temp_directory_path() / ("holdfast-script-" + std::to_string(::getpid()))} {
        std::ofstream{path} << "#!/bin/bash\n" << text;
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    }
    ScriptFile(const ScriptFile&) = delete;
    ScriptFile& operator=(const ScriptFile&) = delete;
    ~ScriptFile() { std::filesystem::remove(path); }
    std::filesystem::path path;
};

/** A resource that never gets as far as Online because its host is none; what the monitor says about it. */
std::string refusedHost(const std::string& script) {
    const ScriptFile host{script};
    HostBench bench{{scripted("r", "")}, [&](auto& settings) {
                        settings.hostProgram = host.path;
                        settings.killPatience = 500ms;
                    }};
    const auto problems = bench->prepare();
    std::string all;
    for (const auto& problem : problems) all += problem.toString() + "\n";
    bench.stop();
    CHECK(bench.stopped());
    CHECK(bench.nothingLeft());
    return all;
}

}  // namespace

TEST_CASE("D18 a host without its guard, or a guard without its host, leaves nothing") {
    HostBench bench{{scripted("r", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    const auto host = static_cast<std::int64_t>(bench.snapshot("r").hostProcess);
    REQUIRE(host > 1);
    auto others = ours(bench.directory());
    others.erase(host);
    REQUIRE(others.size() == 1);
    REQUIRE(::kill(static_cast<pid_t>(*others.begin()), SIGKILL) == 0);
    REQUIRE(eventually([&] { return bench.snapshot("r").onlines == 2; }));
    CHECK_FALSE(ours(bench.directory()).contains(host));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("D18 what is no host is told as such, and leaves nothing") {
    CHECK(contains(refusedHost("exit 7"), "its host ended with status 7"));
    // 12 bytes of header that promise a gigabyte, and a hello that is none.
    CHECK(contains(refusedHost("printf '\\377\\377\\377\\177\\1\\0\\0\\0\\0\\0\\0\\0' >&3; sleep 60"),
                   "it sent what is no frame of the host protocol"));
    CHECK(contains(refusedHost("printf '\\4\\0\\0\\0\\36\\0\\0\\0\\0\\0\\0\\0abcd' >&3; sleep 60"),
                   "its first words were no hello"));
    CHECK(contains(refusedHost("exec 3>&-; sleep 60"), "it hung up"));
    // One of another time: it answers the hello with a refusal.
    CHECK(contains(refusedHost("printf '\\7\\0\\0\\0\\2\\0\\0\\0\\0\\0\\0\\0\\3\\0\\0\\0old' >&3; sleep 60"), ", old"));
    {
        HostBench bench{{scripted("r", "")}, [](auto& settings) { settings.hostProgram = "/nowhere/holdfast-host"; }};
        const auto problems = bench->prepare();
        REQUIRE(problems.size() == 1);
        CHECK(contains(problems[0].toString(),
                       "could not run: cannot start /nowhere/holdfast-host: No such file or directory"));
        bench.stop();
        CHECK(bench.stopped());
    }
    HostBench bench{{scripted("r", "")}, [](auto& settings) { settings.reaperProgram = "/nowhere/holdfast-reaper"; }};
    const auto problems = bench->prepare();
    REQUIRE(problems.size() == 1);
    CHECK(contains(problems[0].toString(), "cannot start /nowhere/holdfast-reaper: No such file or directory"));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-402 the end of what an agent forked is not the end of its host") {
    HostBench bench{{scripted("good", ""), scripted("forks", "isalive-child")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("good") && bench.calls("forks", EntryPoint::isAlive) >= 3; }));
    REQUIRE(bench.snapshot("good").hostProcess > 1);
    REQUIRE(::kill(static_cast<pid_t>(bench.snapshot("good").hostProcess), SIGKILL) == 0);
    REQUIRE(eventually([&] { return bench.snapshot("good").onlines == 2 && bench.snapshot("forks").onlines == 2; }));
    for (const auto* name : {"good", "forks"}) {
        CHECK(bench.snapshot(name).failures == 0);
        CHECK_FALSE(bench.snapshot(name).separateMonitor);
    }
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("W-402 who closes the connection of its host ends it, and is found") {
    auto bad = scripted("bad", "isalive-closes");
    bad.restart.threshold = 1;
    bad.restart.action = core::RestartAction::restart;
    auto good = scripted("good", "");
    good.restart.threshold = 5;
    HostBench bench{{good, bad}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.snapshot("bad").failures == 1; }));
    const auto reason = bench.snapshot("bad").reason;
    CAPTURE(reason);
    CHECK((contains(reason, "having lost its connection") || contains(reason, "it hung up")));
    CHECK(bench.snapshot("bad").separateMonitor);
    REQUIRE(eventually([&] { return bench.snapshot("bad").failures == 2; }));
    CHECK(eventually([&] { return bench.snapshot("bad").external == abi::ResourceState::failed; }));
    CHECK(eventually([&] { return bench.isOnline("good"); }));
    CHECK(bench.snapshot("good").failures <= 1);  // which of them it was nobody knows before they are apart
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("W-440 a guard that was stopped kills its host all the same") {
    auto bad = scripted("bad", "isalive-hangs");
    bad.times.deadlockTimeout = 2s;
    bad.restart.threshold = 1;
    HostBench bench{{bad}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("bad"); }));
    auto guard = ours(bench.directory());
    guard.erase(static_cast<std::int64_t>(bench.snapshot("bad").hostProcess));
    REQUIRE(guard.size() == 1);
    REQUIRE(::kill(static_cast<pid_t>(*guard.begin()), SIGSTOP) == 0);
    REQUIRE(eventually([&] { return bench.snapshot("bad").onlines == 2; }));
    CHECK_FALSE(bench.logged("does not die"));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}

TEST_CASE("D17 who cannot look has not seen that nothing is left") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    rlimit none = before;
    none.rlim_cur = 0;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    const auto found = monitor::markedProcesses("nobody:", {}, {});
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK_FALSE(found);
    const auto again = monitor::markedProcesses("nobody:", {}, {});
    REQUIRE(again);
    CHECK(again->empty());
}

TEST_CASE("W-443 a host that does not die is a matter for fencing") {
    // A guard that neither dies of SIGTERM nor kills: as if the system could not.
    const ScriptFile guard{"trap '' TERM\nwhile [ \"$1\" != -- ]; do shift; done\nshift\n\"$@\" &\nwait\nsleep 60\n"};
    const auto fenced = std::filesystem::temp_directory_path() / ("holdfast-fenced-" + std::to_string(::getpid()));
    std::filesystem::remove(fenced);
    auto bad = scripted("bad", "isalive-hangs");
    bad.times.deadlockTimeout = 1s;
    bad.restart.threshold = 1;
    auto configuration = configurationOf({bad});
    configuration.fence = {"/bin/sh", {"-c", "echo \"$HOLDFAST_EVENT: $HOLDFAST_REASON\" >" + fenced.string()}};
    HostBench bench{std::move(configuration), [&](auto& settings) {
                        settings.reaperProgram = guard.path;
                        settings.killPatience = 300ms;
                    }};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] {
        std::ifstream file{fenced};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        return contains(text, "fence: host ") && contains(text, "was killed and does not die: because of 'bad'");
    }));
    CHECK(bench.logged("does not die: because of 'bad' (W-443)"));
    std::filesystem::remove(fenced);
    // What its guard could not do the monitor does by the host's mark, and goes on.
    REQUIRE(eventually([&] { return bench.snapshot("bad").onlines == 2; }));
    bench.stop();
    REQUIRE(bench.stopped());
    CHECK(bench.nothingLeft());
}
