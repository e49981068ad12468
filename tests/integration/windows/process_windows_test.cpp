// SPDX-License-Identifier: BSL-1.0
// holdfast/process.hpp on Windows, with real programs in real job objects.
#include "../process_contexts.hpp"
#include "process/windows/job.hpp"
#include "process/windows/words.hpp"

#include <support/own_process.hpp>

#include <holdfast/process.hpp>

#include <catch2/catch_test_macros.hpp>

#include <windows.h>

#include <shellapi.h>

#include <csignal>
#include <filesystem>
#include <set>

using namespace fixture;
using holdfast::Error;
using holdfast::ErrorCode;
using holdfast::Process;
using holdfast::ProcessExit;
using holdfast::ProcessSettings;

namespace {

/** Kernel names are shared by all tests that run at once. */
std::string ownName(const std::string& name = "test") { return name + "-" + std::to_string(::GetCurrentProcessId()); }

ProcessSettings program(std::vector<std::string> arguments) {
    ProcessSettings settings;
    settings.program = PROGRAM;
    settings.arguments = std::move(arguments);
    return settings;
}

bool lives(DWORD pid) {
    const holdfast::process::Handle process{::OpenProcess(SYNCHRONIZE, FALSE, pid)};
    return process && ::WaitForSingleObject(process.get(), 0) == WAIT_TIMEOUT;
}

/** The numbers in lines "pid N". */
std::vector<DWORD> pidsIn(const std::vector<std::string>& lines) {
    std::vector<DWORD> pids;
    for (const auto& line : lines) {
        if (line.starts_with("pid ")) pids.push_back(static_cast<DWORD>(std::stoul(line.substr(4))));
    }
    return pids;
}

ErrorCode codeOfStart(TestContext& context, const ProcessSettings& settings) {
    TestOperation operation;
    try {
        const Process process = Process::start(context, settings, operation);
    } catch (const Error& error) {
        context.log(holdfast::LogLevel::error, error.what());
        return error.code();
    }
    return ErrorCode::wrongNode;  // it started
}

}  // namespace

TEST_CASE("a command line is read as the words it was made of") {
    const std::vector<std::string> words{"plain",  "two words",   "",         "a\"quote\"", "C:\\dir\\",
                                         "\\\\s",  "end \\\\",    "\\\"",     "\t",         "tab\there",
                                         "%PATH%", "caf\xC3\xA9", "a\\\\\"b", "'single'",   "& | > <"};
    const std::wstring line = holdfast::process::commandLine("C:\\Program Files\\x.exe", words);
    int count = 0;
    wchar_t** const read = ::CommandLineToArgvW(line.c_str(), &count);
    REQUIRE(count == static_cast<int>(words.size()) + 1);
    CHECK(std::wstring{read[0]} == L"C:\\Program Files\\x.exe");
    for (std::size_t i = 0; i < words.size(); ++i) {
        CHECK(holdfast::abi::toUtf8(read[i + 1]) == words[i]);
    }
    ::LocalFree(read);
}

TEST_CASE("the C runtime of a program reads the same words") {
    TestContext context{ownName()};
    TestOperation operation;
    const auto result =
        runCommand(context, program({"say", "two words", "", "a\"b", "C:\\dir\\", "end \\\\", "\xCE\xB1\xCE\xB2"}), 10s,
                   operation);
    CHECK(result.succeeded());
    CHECK(result.output == "[two words]\n[]\n[a\"b]\n[C:\\dir\\]\n[end \\\\]\n[\xCE\xB1\xCE\xB2]\n");
}

TEST_CASE("a program runs, ends with a status, and says so within the instant") {
    TestContext context{ownName()};
    TestOperation operation;
    std::atomic<int> calls{0};
    std::atomic<int> status{-1};
    {
        Process process = Process::start(context, program({"later", "200", "3"}), operation);
        process.onExit([&](const ProcessExit& exit) {
            status = exit.value();
            ++calls;
        });
        CHECK(process.running());
        CHECK(lives(static_cast<DWORD>(process.pid())));
        REQUIRE(eventually([&] { return calls > 0; }));
        CHECK_FALSE(process.running());
        CHECK(process.exit()->text() == "exited with status 3");
    }
    CHECK(calls == 1);
    CHECK(status == 3);
}

TEST_CASE("W-105 a callback may throw anything: the end is still told") {
    TestContext context{ownName()};
    TestOperation operation;
    std::atomic<int> ends{0};
    {
        Process process = Process::start(context, program({"later", "200", "3"}), operation);
        process.onExit([&](const ProcessExit&) {
            ++ends;
            throw 42;
        });
        REQUIRE(eventually([&] { return ends > 0; }));
        CHECK(process.exit()->text() == "exited with status 3");
    }
    CHECK(ends == 1);
}

TEST_CASE("W-705 end() takes the whole tree: child, grandchild, detached ones; and none breaks away") {
    TestContext context{ownName()};
    TestOperation operation;
    Process process = Process::start(context, program({"family"}), operation);
    std::atomic<bool> told{false};
    process.onExit([&](const ProcessExit&) { told = true; });
    REQUIRE(eventually([&] { return pidsIn(context.lines()).size() == 3; }));
    std::this_thread::sleep_for(200ms);  // for the grandchild
    const auto pids = pidsIn(context.lines());
    for (const DWORD pid : pids) {
        CHECK(pid != 0);
        CHECK(lives(pid));
    }
    CHECK(process.end());
    for (const DWORD pid : pids) CHECK_FALSE(lives(pid));
    CHECK_FALSE(process.running());
    CHECK(process.exit()->text() == "killed");
    CHECK_FALSE(told);  // it was asked for
}

TEST_CASE("a crash is said with its exception, and opens no window that nobody sees") {
    TestContext context{ownName()};
    TestOperation operation;
    Process process = Process::start(context, program({"exit", "0xC0000005"}), operation);
    REQUIRE(eventually([&] { return !process.running(); }));
    CHECK(process.exit()->text() == "exited with status 0xC0000005 (access violation)");
    CHECK_FALSE(process.exit()->succeeded());
    CHECK(process.end());
    Process crashed = Process::start(context, program({"crash"}), operation);
    CHECK(eventually([&] { return !crashed.running(); }, 10s));
    CHECK_FALSE(crashed.exit()->succeeded());
}

TEST_CASE("a start that fails says why, and leaves nothing") {
    TestContext context{ownName()};
    ProcessSettings settings = program({"sleep"});
    SECTION("no such program") {
        settings.program = "C:\\nowhere\\program.exe";
        CHECK(codeOfStart(context, settings) == ErrorCode::notInstalled);
        CHECK(context.logged("there is no such file"));
    }
    SECTION("a name that is not in PATH") {
        settings.program = "holdfast-no-such-program";
        CHECK(codeOfStart(context, settings) == ErrorCode::notInstalled);
        CHECK(context.logged("it is not in PATH"));
    }
    SECTION("no such working directory") {
        settings.workingDirectory = "C:\\nowhere";
        CHECK(codeOfStart(context, settings) == ErrorCode::notInstalled);
        CHECK(context.logged("no working directory \"C:\\nowhere\""));
    }
    SECTION("a batch file") {
        const auto file = std::filesystem::temp_directory_path() / (ownName() + ".cmd");
        std::fclose(::_wfopen(file.c_str(), L"w"));
        // The system drops dots and spaces at the end of a name, so these are the same file.
        for (const std::string end : {"", ".", " ", ". ."}) {
            CAPTURE(end);
            settings.program = file.string() + end;
            CHECK(codeOfStart(context, settings) == ErrorCode::configuration);
        }
        CHECK(context.logged("is a batch file"));
        std::filesystem::remove(file);
    }
    SECTION("what Windows has not") {
        settings.user = "somebody";
        CHECK(codeOfStart(context, settings) == ErrorCode::configuration);
        settings = program({"sleep"});
        settings.limits.openFiles = 10;
        CHECK(codeOfStart(context, settings) == ErrorCode::configuration);
    }
    SECTION("a variable without a name") {
        settings.environment = {{"A=B", "c"}};
        CHECK(codeOfStart(context, settings) == ErrorCode::configuration);
    }
    CHECK(codeOfStart(context, program({"sleep"})) == ErrorCode::wrongNode);  // after a failure the next start works
}

TEST_CASE("a program starts in the surroundings that were asked for, with an environment of its own") {
    TestContext context{ownName()};
    TestOperation operation;
    ::SetEnvironmentVariableW(L"HOLDFAST_HOST", L"somewhere:1");
    ProcessSettings settings = program({"surroundings"});
    settings.environment = {{"greeting", "hello w\xC3\xB6rld"}};  // names have no case
    settings.workingDirectory = std::filesystem::temp_directory_path();
    Process process = Process::start(context, settings, operation);
    REQUIRE(eventually([&] { return context.logged("the end"); }));
    CHECK(context.logged("greeting=hello w\xC3\xB6rld"));
    CHECK(context.logged("host="));
    CHECK_FALSE(context.logged("host=somewhere"));
    ::SetEnvironmentVariableW(L"HOLDFAST_HOST", nullptr);
    CHECK(process.end());
}

TEST_CASE("a name is found in the PATH of its environment, and a bare environment has what a program needs") {
    TestContext context{ownName()};
    TestOperation operation;
    ProcessSettings settings;
    settings.program = std::filesystem::path{PROGRAM}.filename().stem().string();
    settings.arguments = {"say", "found"};
    settings.inheritEnvironment = false;
    settings.environment = {{"Path", std::filesystem::path{PROGRAM}.parent_path().string()}};
    const auto result = runCommand(context, settings, 10s, operation);
    CHECK(result.output == "[found]\n");
}

TEST_CASE("a flood of output neither stops the program nor floods the log, and what was left out is counted") {
    TestContext context{ownName()};
    TestOperation operation;
    ProcessSettings settings = program({"flood"});
    settings.outputBurst = 50;
    settings.outputRate = 10;
    Process process = Process::start(context, settings, operation);
    REQUIRE(eventually([&] { return !process.running(); }, 40s));
    CHECK(context.logged("line 0"));
    CHECK(eventually([&] { return context.logged("lines of output left out"); }));
    CHECK(context.logged("last"));          // before the end is told, and the bucket had time to fill
    CHECK(context.lines().size() < 1'000);  // of 20,000
}

TEST_CASE("stop() is graceful while patience lasts, and then it is not") {
    TestContext context{ownName()};
    TestOperation operation;
    SECTION("a program that obeys its stop event") {
        Process process = Process::start(context, program({"obey"}), operation);
        REQUIRE(eventually([&] { return context.logged("set"); }));
        CHECK(process.stop(operation, SIGTERM, 10s));
        CHECK(process.exit()->text() == "exited with status 0");
        CHECK(eventually([&] { return context.logged("bye"); }));
    }
    SECTION("one that does not") {
        Process process = Process::start(context, program({"sleep"}), operation);
        CHECK_FALSE(process.stop(operation, SIGTERM, 1'500ms));
        CHECK(process.exit()->text() == "killed");
        CHECK_FALSE(operation.steps.empty());  // one a second
    }
    SECTION("told to stop meanwhile") {
        Process process = Process::start(context, program({"sleep"}), operation);
        std::thread stopper{[&] {
            std::this_thread::sleep_for(200ms);
            operation.stop();
        }};
        CHECK_THROWS_AS(process.stop(operation, SIGTERM, 60s), holdfast::Stopped);
        stopper.join();
        CHECK(process.running());
        CHECK(Process::end(context));  // as terminate() does: without an object
        CHECK(eventually([&] { return !process.running(); }));
    }
    SECTION("a signal that Windows has not") {
        Process process = Process::start(context, program({"sleep"}), operation);
        CHECK_THROWS_AS(process.signal(9), Error);
    }
}

TEST_CASE("nothing starts while anything of the earlier start lives") {
    TestContext context{ownName()};
    TestOperation operation;
    Process process = Process::start(context, program({"leave"}), operation);
    REQUIRE(eventually([&] { return !process.running(); }));
    CHECK(process.exit()->succeeded());
    CHECK(codeOfStart(context, program({"sleep"})) == ErrorCode::busy);
    CHECK(context.logged("of an earlier start still lives"));
    CHECK(process.end());
    CHECK(codeOfStart(context, program({"sleep"})) == ErrorCode::wrongNode);
}

TEST_CASE("letting go of a tree ends it, adoptable or not: on Windows nothing outlives its host") {
    TestContext context{ownName()};
    TestOperation operation;
    ProcessSettings settings = program({"sleep"});
    settings.adoptable = true;
    DWORD pid = 0;
    {
        const Process process = Process::start(context, settings, operation);
        CHECK(process.matches(settings));
        pid = static_cast<DWORD>(process.pid());
    }
    CHECK_FALSE(lives(pid));
    CHECK_FALSE(Process::find(context));
}

TEST_CASE("D17 the death of a host neither orphans nor doubles what it started") {
    const std::string resource = ownName("killed-host");
    TestContext hosts{ownName("host")};
    TestOperation operation;
    // The host is itself a program in a job; its own tree's job is nested in that.
    ProcessSettings settings = program({"host", resource});
    Process host = Process::start(hosts, settings, operation);
    REQUIRE(eventually([&] { return pidsIn(hosts.lines()).size() == 3; }));
    const auto pids = pidsIn(hosts.lines());
    const holdfast::process::Handle victim{
        ::OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, static_cast<DWORD>(host.pid()))};
    REQUIRE(victim);
    SECTION("killed") {
        // Not the test's own job: that would take everybody. Only the host.
        REQUIRE(::TerminateProcess(victim.get(), 1) != 0);
        TestContext next{resource};
        CHECK_FALSE(Process::find(next));
        for (const DWORD pid : pids) CHECK(eventually([&] { return !lives(pid); }, 5s));
    }
    SECTION("alive but given up: the newest wins, and nothing starts before the old one's tree is gone") {
        TestContext next{resource};
        CHECK_FALSE(Process::end(next, 300ms));  // killed, but the old host still has its names
        for (const DWORD pid : pids) CHECK(eventually([&] { return !lives(pid); }, 5s));
        REQUIRE(::TerminateProcess(victim.get(), 1) != 0);
        CHECK(codeOfStart(next, program({"sleep"})) == ErrorCode::wrongNode);
    }
}

TEST_CASE("a command's output, status, time and leftovers") {
    TestContext context{ownName()};
    TestOperation operation;
    SECTION("that fails") {
        const auto result = runCommand(context, program({"healthy", "C:\\no\\flag"}), 10s, operation);
        CHECK_FALSE(result.succeeded());
        CHECK(result.text() == "exited with status 1: the flag is down for nobody");
    }
    SECTION("that leaves something behind") {
        CHECK(runCommand(context, program({"leave"}), 10s, operation).succeeded());
    }
    SECTION("that takes too long") {
        const auto since = holdfast::process::nowMs();
        const auto result = runCommand(context, program({"sleep"}), 300ms, operation);
        CHECK(holdfast::process::nowMs() - since < 5'000);
        CHECK(result.timedOut);
        CHECK(result.text() == "did not end in time");
    }
    SECTION("that is told to stop") {
        std::thread stopper{[&] {
            std::this_thread::sleep_for(200ms);
            operation.stop();
        }};
        CHECK_THROWS_AS(runCommand(context, program({"sleep"}), 60s, operation), holdfast::Stopped);
        stopper.join();
    }
    SECTION("that does not exist") {
        ProcessSettings settings;
        settings.program = "C:\\nowhere\\check.exe";
        CHECK_THROWS_AS(runCommand(context, settings, 10s, operation), Error);
    }
}

TEST_CASE("a limit of processes is the tree's own") {
    TestContext context{ownName()};
    TestOperation operation;
    ProcessSettings settings = program({"leave"});
    settings.limits.processes = 1;
    const auto result = runCommand(context, settings, 10s, operation);
    if (result.succeeded()) SKIP("this system does not enforce JOB_OBJECT_LIMIT_ACTIVE_PROCESS (Wine does not)");
    CHECK(result.exit.value() == 1);
}

TEST_CASE("100 starts and ends leave neither handles nor threads") {
    TestContext context{ownName()};
    TestOperation operation;
    const auto once = [&](int i) {
        Process process = Process::start(context, program({"sleep"}), operation);
        process.onExit([](const ProcessExit&) {});
        if (i % 2 == 0) REQUIRE(process.end());
    };
    for (int i = 0; i < 4; ++i) once(i);
    const auto before = holdfast::tests::ownProcess();
    for (int i = 0; i < 100; ++i) once(i);
    const auto after = holdfast::tests::ownProcess();
    CHECK(after.handles <= before.handles + 4);  // the system's own pool of waits may grow by a few
    CHECK(after.threads <= before.threads + 2);
}

TEST_CASE("the death of a program is told in milliseconds") {
    TestContext context{ownName()};
    TestOperation operation;
    std::vector<double> latencies;
    for (int i = 0; i < 50; ++i) {
        std::atomic<std::int64_t> toldAt{0};
        const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
        Process process = Process::start(context, program({"sleep"}), operation);
        process.onExit([&](const ProcessExit&) { toldAt = now(); });
        const holdfast::process::Handle victim{
            ::OpenProcess(PROCESS_TERMINATE, FALSE, static_cast<DWORD>(process.pid()))};
        const auto killedAt = now();
        ::TerminateProcess(victim.get(), 9);
        REQUIRE(eventually([&] { return toldAt != 0; }));
        CHECK(process.exit()->text() == "exited with status 9");
        latencies.push_back(static_cast<double>(toldAt - killedAt) / 1e6);
    }
    std::sort(latencies.begin(), latencies.end());
    WARN("TerminateProcess to onExit over 50: median " << latencies[25] << " ms, most " << latencies[49] << " ms");
    CHECK(latencies[48] < 300);  // what a whole entry point may take (W-100)
}

TEST_CASE("many processes share one thread, and one that is destroyed costs the others nothing") {
    TestOperation operation;
    std::atomic<int> told{0};
    std::vector<std::unique_ptr<TestContext>> contexts;
    std::vector<Process> processes;
    for (int i = 0; i < 10; ++i) {
        contexts.push_back(std::make_unique<TestContext>(ownName("resource " + std::to_string(i))));
        processes.push_back(Process::start(*contexts.back(), program({"later", "1500", "0"}), operation));
        processes.back().onExit([&](const ProcessExit&) { ++told; });
    }
    processes.erase(processes.begin(), processes.begin() + 5);
    CHECK(eventually([&] { return told == 5; }));
    std::this_thread::sleep_for(200ms);
    CHECK(told == 5);
}
