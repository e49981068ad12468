// SPDX-License-Identifier: BSL-1.0
// The Resource Monitor with agents in processes that die: attribution, isolation, and who comes back.
#include "monitor/marked_processes.hpp"
#include "monitor_bench.hpp"

#include <holdfast/monitor/process_host.hpp>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <thread>
#include <utility>

using namespace holdfast;
using namespace holdfast::test;
using monitor::EntryPoint;

namespace {

/** A run directory of its own for each test. */
struct Directory {
    Directory() : path{std::filesystem::temp_directory_path() / ("holdfast-run-" + std::to_string(::getpid()))} {
        std::filesystem::remove_all(path);
    }
    Directory(const Directory&) = delete;
    Directory& operator=(const Directory&) = delete;
    ~Directory() { std::filesystem::remove_all(path); }
    std::filesystem::path path;
};

using Adjust = std::function<void(monitor::ProcessHostSettings&)>;

monitor::MonitorOptions inProcesses(const std::filesystem::path& directory, const Adjust& adjust = {}) {
    monitor::MonitorOptions options;
    monitor::ProcessHostSettings settings;
    settings.hostProgram = HOST_PROGRAM;
    settings.reaperProgram = REAPER_PROGRAM;
    settings.runDirectory = directory;
    if (adjust) adjust(settings);
    options.host = [settings](monitor::MemoryRegistry& registry, std::weak_ptr<monitor::HostListener> listener) {
        return std::make_unique<monitor::ProcessHost>(settings, registry, std::move(listener));
    };
    return options;
}

/** Every process whose environment says that it belongs to this run directory. */
std::set<int> ours(const std::filesystem::path& directory) {
    std::set<int> found;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
        std::ifstream file{entry.path() / "environ", std::ios::binary};
        const std::string environment{std::istreambuf_iterator<char>{file}, {}};
        if (environment.find("HOLDFAST_RUN_DIRECTORY=" + directory.string()) != std::string::npos)
            found.insert(std::stoi(entry.path().filename()));
    }
    return found;
}

class HostBench : public Bench {
public:
    explicit HostBench(std::vector<monitor::ResourceConfiguration> resources, const Adjust& adjust = {})
        : HostBench{configurationOf(std::move(resources)), adjust} {}
    explicit HostBench(monitor::MonitorConfiguration configuration, const Adjust& adjust = {})
        : HostBench{std::make_unique<Directory>(), std::move(configuration), adjust} {}
    [[nodiscard]] bool nothingLeft() {
        end();
        return eventually([&] { return ours(directory_->path).empty(); });
    }
    [[nodiscard]] const std::filesystem::path& directory() const { return directory_->path; }

private:
    HostBench(std::unique_ptr<Directory> directory, monitor::MonitorConfiguration configuration, const Adjust& adjust)
        : Bench{std::move(configuration), inProcesses(directory->path, adjust)}, directory_{std::move(directory)} {}
    std::unique_ptr<Directory> directory_;
};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

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
    int killed = 0;
    static_cast<void>(eventually([&] {  // twice, in the middle of Open
        const auto process = static_cast<int>(bench.snapshot("a").hostProcess);
        if (process != 0 && process != killed) {
            ::kill(process, SIGKILL);
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
    CHECK(bench.snapshot("a").hostProcess != ::getpid());
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
        const auto old = static_cast<pid_t>(bench.snapshot("alone").hostProcess);
        REQUIRE(old > 1);
        CHECK(bench->reload(configurationOf({scripted("common", "")})).empty());
        if (i == 0)
            CHECK(eventually([&] { return ::kill(old, 0) != 0; }));  // the others: at once, it may still be there
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

TEST_CASE("W-402 S38 S39 whoever crashes its host is named and gets a host of its own; its neighbour only comes back") {
    const auto [script, ending, call] = GENERATE(table<std::string, std::string, std::string>({
        {"isalive-segv", "killed by signal 11 (SIGSEGV)", "IsAlive"},
        {"isalive-overflow", "killed by signal 11 (SIGSEGV)", "IsAlive"},
        {"looksalive-abort", "killed by signal 6 (SIGABRT)", "LooksAlive"},
        {"isalive-exit", "ended with status 3", "IsAlive"},
        {"isalive-exit-now", "ended with status 4", "IsAlive"},
        {"isalive-forks", "killed by signal 6 (SIGABRT)", "IsAlive"},
    }));
    CAPTURE(script);
    auto bad = scripted("bad", script);
    bad.restart.threshold = 0;
    bad.restart.action = core::RestartAction::restart;
    HostBench bench{{scripted("good", ""), bad}};
    REQUIRE(bench->prepare().empty());
    bench->start();
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

TEST_CASE("W-440 S37 a host is killed for a call that never returns, whichever it is; the culprit is isolated") {
    const auto script = GENERATE(as<std::string>{}, "online-hangs", "isalive-hangs", "looksalive-hangs");
    CAPTURE(script);
    auto bad = scripted("bad", script);
    bad.times.deadlockTimeout = 1s;
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
    bad.times.deadlockTimeout = 1s;
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
        REQUIRE(::kill(static_cast<pid_t>(host), SIGKILL) == 0);
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

TEST_CASE("D18 a host without its guard, or a guard without its host, leaves nothing") {
    HostBench bench{{scripted("r", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    const auto host = static_cast<int>(bench.snapshot("r").hostProcess);
    REQUIRE(host > 1);
    auto others = ours(bench.directory());
    others.erase(host);
    REQUIRE(others.size() == 1);
    REQUIRE(::kill(*others.begin(), SIGKILL) == 0);
    REQUIRE(eventually([&] { return bench.snapshot("r").onlines == 2; }));
    CHECK_FALSE(ours(bench.directory()).contains(host));
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
        CHECK(contains(error.what(), "another monitor uses it (process " + std::to_string(::getpid()) + ")"));
    }
}

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

TEST_CASE("S1 who is only to be there, and crashes when it is opened, is not opened again and again") {
    HostBench bench{{scripted("r", "")}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    REQUIRE(bench->offline("r"));
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::opened; }));
    CHECK(bench->setProperties("r", {{"Script", "open-segv", {}}}).code == abi::code::success);
    REQUIRE(bench.snapshot("r").hostProcess > 1);
    REQUIRE(::kill(static_cast<pid_t>(bench.snapshot("r").hostProcess), SIGKILL) == 0);
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
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
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

TEST_CASE("W-440 a guard that was stopped kills its host all the same") {
    auto bad = scripted("bad", "isalive-hangs");
    bad.times.deadlockTimeout = 2s;
    bad.restart.threshold = 1;
    HostBench bench{{bad}};
    REQUIRE(bench->prepare().empty());
    bench->start();
    REQUIRE(eventually([&] { return bench.isOnline("bad"); }));
    auto guard = ours(bench.directory());
    guard.erase(static_cast<int>(bench.snapshot("bad").hostProcess));
    REQUIRE(guard.size() == 1);
    REQUIRE(::kill(*guard.begin(), SIGSTOP) == 0);
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
