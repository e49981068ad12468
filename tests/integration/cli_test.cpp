// SPDX-License-Identifier: BSL-1.0
// The program `holdfast run` from outside: output, signals, exit codes.
#include "cli_bench.hpp"

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <iterator>
#include <thread>

using namespace std::chrono_literals;
using namespace holdfast::test;

TEST_CASE("Ctrl-C and SIGTERM take everything offline, dependents first, and end with the calls table and 0") {
    const File file{resource("disk", "") + resource("share", "online-pends offline-pends", "dependsOn = [\"disk\"]\n")};
    for (const Tell what : {Tell::interrupt, Tell::stop}) {
        Program program{{"run", file.path}};
        REQUIRE(program.says("share            state                    OnlinePending -> Online"));
        program.tell(what);
        CHECK(program.ends() == 0);
        CHECK(program.all.find("entry point") != std::string::npos);
        const auto share = program.all.find("share            state                    OfflinePending -> Opened");
        // The last to go; a poll may be under way just then, so not always from Online.
        const auto disk = program.all.rfind("-> OfflineCalled");
        REQUIRE(share != std::string::npos);
        REQUIRE(disk != std::string::npos);
        const auto line = program.all.rfind('\n', disk) + 1;
        CHECK(program.all.substr(line, disk - line).find("disk  ") != std::string::npos);
        CHECK(share < disk);
    }
}

TEST_CASE("a second signal terminates what still runs") {
    // Its Offline never ends: only Terminate does.
    const File file{resource("r", "offline-silent")};
    Program program{{"run", file.path}};
    REQUIRE(program.says("OnlineCalled -> Online"));
    program.tell(Tell::interrupt);
    REQUIRE(program.says("OfflineCalled -> OfflinePending"));
    std::this_thread::sleep_for(300ms);  // two signals closer than 250 ms are one wish
    program.tell(Tell::interrupt);
    CHECK(program.ends() == 4);
    CHECK(program.all.find("terminated on request") != std::string::npos);
}

TEST_CASE("a third signal leaves at once, and leaves no host") {
    const File file{resource("r", "offline-silent terminate-hangs")};
    for (int run = 0; run < 2; ++run) {
        Program program{{"run", file.path}};
        REQUIRE(program.says("OnlineCalled -> Online"));
        program.tell(Tell::interrupt);
        REQUIRE(program.says("stopping"));
        std::this_thread::sleep_for(300ms);
        program.tell(Tell::interrupt);
        REQUIRE(program.says("terminating what still runs"));
        std::this_thread::sleep_for(300ms);
        program.tell(Tell::interrupt);
        CHECK(program.ends() == 4);
        CHECK(program.all.find("they did not end in time") == std::string::npos);
    }
}

TEST_CASE("a run that ends with a failed resource exits with 1 and goes on until it is told to stop") {
    const File file{resource("r", "online-fails", "RestartAction = 0\n")};
    Program program{{"run", file.path}};
    const bool hopeless = program.says("nothing runs any more and no retry is pending");
    INFO(program.all);
    REQUIRE(hopeless);
    program.tell(Tell::stop);
    CHECK(program.ends() == 1);
}

TEST_CASE("a resource that loses its host for a hung call comes back, and the run ends well") {
    // Startup's limit is the same, and the start of a host is part of it.
    const File file{resource("r", "isalive-hangs", "DeadlockTimeout = 4000\n")};
    Program program{{"run", file.path}};
    REQUIRE(program.says("did not return within DeadlockTimeout"));
    REQUIRE(program.says("from now on it has a host of its own"));
    REQUIRE(program.says("Dead -> Unloaded"));
    const auto before = program.all.size();
    REQUIRE(program.says("OnlineCalled -> Online", before));
    program.tell(Tell::stop);
    // Where it is told by another program it may hang once more before it hears of it.
    const int code = program.ends();
    CHECK((code == 0 || (Program::isToldByCtl && code == 4)));
}

TEST_CASE("in process a resource is given up for a hung call: exit 4, and the call is named") {
    const File file{resource("r", "isalive-hangs", "DeadlockTimeout = 1000\n")};
    Program program{{"run", "--debug", file.path}};
    REQUIRE(program.says("did not return within DeadlockTimeout"));
    program.tell(Tell::stop);
    CHECK(program.ends() == 4);
    CHECK(program.all.find("never returned: r: IsAlive") != std::string::npos);
}

TEST_CASE("in process a budget is reported and not enforced") {
    // Open takes longer than its 300 ms; it is the resource's only fault.
    const File file{resource("r", "open-slow")};
    Program program{{"run", "--debug", file.path}};
    REQUIRE(program.says("OnlineCalled -> Online"));
    program.tell(Tell::stop);
    CHECK(program.ends() == 0);
    CHECK(program.all.find("warning  Open            took ") != std::string::npos);
    CHECK(program.all.find("it should take 300.0 ms") != std::string::npos);
}

TEST_CASE("a refused file exits with 3, names every problem and starts nothing") {
    const File file{resource("a", "") + "Prt = 5\n" + resource("b", "refuses")};
    Program program{{"run", file.path}};
    CHECK(program.ends() == 3);
    CHECK(program.all.find(file.path + ":8: the agent has no property 'Prt'; did you mean 'Port'?") !=
          std::string::npos);
    CHECK(program.all.find(file.path + ":15: property \"Script\": \"refuses\" is not a word it likes") !=
          std::string::npos);
    CHECK(program.all.find("OnlineCalled") == std::string::npos);
    Program missing{{"run", "/does/not/exist.toml"}};
    CHECK(missing.ends() == 3);
}

TEST_CASE("holdfast run --check loads and validates, and starts nothing") {
    const File file{resource("a", "")};
    Program program{{"run", "--check", file.path}};
    CHECK(program.ends() == 0);
    CHECK(program.all.find("1 resource, nothing is wrong") != std::string::npos);
    CHECK(program.all.find("OnlineCalled") == std::string::npos);
}

TEST_CASE("holdfast check is a verb of its own, with the same exit codes, and leaves a running monitor alone") {
    const File file{"[monitor]\ntrace = '" + stateHome() + ".jsonl'\n" + resource("a", "")};
    Program running{{"run", file.path}};
    REQUIRE(running.says("OnlineCalled -> Online"));
    const auto size = std::filesystem::file_size(stateHome() + ".jsonl");
    Program check{{"check", file.path}};
    CHECK(check.ends() == 0);
    CHECK(check.all.find("1 resource, nothing is wrong") != std::string::npos);
    CHECK(check.all.find("OnlineCalled") == std::string::npos);
    CHECK(std::filesystem::file_size(stateHome() + ".jsonl") >= size);
    running.tell(Tell::stop);
    CHECK(running.ends() == 0);
    std::filesystem::remove(stateHome() + ".jsonl");
    const File wrong{resource("a", "", "RestartAction = 3\n")};
    Program refused{{"check", "--json", wrong.path}};
    CHECK(refused.ends() == 3);
    CHECK(refused.all.find("'RestartAction' = 3 is out of range") != std::string::npos);
    CHECK(Program{{"check"}}.ends() == 2);
}

TEST_CASE("a second run of the same file is refused and names the process of the first") {
    const File file{resource("a", "")};
    Program first{{"run", file.path}};
    REQUIRE(first.says("OnlineCalled -> Online"));
    Program second{{"run", "--control", controlPath() + "2", file.path}};
    CHECK(second.ends() == 3);
    CHECK(second.all.find("another monitor (process " + std::to_string(first.process()) +
                          ") runs on the state directory") != std::string::npos);
    CHECK(second.all.find("OnlineCalled") == std::string::npos);
    first.tell(Tell::stop);
    CHECK(first.ends() == 0);
    Program third{{"run", file.path}};
    REQUIRE(third.says("OnlineCalled -> Online"));
    third.tell(Tell::stop);
    CHECK(third.ends() == 0);
}

TEST_CASE("kill -9 of the monitor: the next one knows what people wished and what was counted") {
    const File file{resource("a", "", "PersistentState = 1\n") +
                    resource("f", "online-fails", "RestartThreshold = 1\n")};
    {
        Program program{{"run", file.path}};
        REQUIRE(program.says("restarts are used up"));
    }  // killed
    Program program{{"run", file.path}};
    REQUIRE(program.says("it was failed when the monitor ended"));
    REQUIRE(program.says("restarts are used up"));
    CHECK(program.all.find("restart in") == std::string::npos);  // W-460: not a second one in the period
    program.tell(Tell::stop);
    CHECK(program.ends() == 1);
}

TEST_CASE("W-403 kill -9 of the monitor: its host takes the resources offline and closes them") {
    const auto told = std::filesystem::temp_directory_path() /
                      ("holdfast-cli-told-" + std::to_string(holdfast::os::processId()) + ".txt");
    std::filesystem::remove(told);
    const auto read = [&] {
        std::ifstream stream{told};
        return std::string{std::istreambuf_iterator<char>{stream}, {}};
    };
    {
        const File file{resource("r", "tells=" + told.generic_string())};
        Program program{{"run", file.path}};
        REQUIRE(program.says("OnlineCalled -> Online"));
        CHECK(read().empty());
    }  // killed
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (read() != "offline\nclose\n" && std::chrono::steady_clock::now() < deadline)
        std::this_thread::sleep_for(10ms);
    CHECK(read() == "offline\nclose\n");
    std::filesystem::remove(told);
}

TEST_CASE("wrong usage exits with 2, help and version with 0") {
    CHECK(Program{{"run"}}.ends() == 2);
    CHECK(Program{{"fly"}}.ends() == 2);
    CHECK(Program{{"--version"}}.ends() == 0);
    Program help{{"run", "--help"}};
    CHECK(help.ends() == 0);
    CHECK(help.all.find("Exit codes") != std::string::npos);
}

TEST_CASE("holdfast run --json and --trace: one object per line") {
    const File file{resource("r", "online-pends")};
    const std::string trace = file.path + ".jsonl";
    Program program{{"run", "--json", "--trace", trace, file.path}};
    REQUIRE(program.says("\"to\":\"Online\""));
    program.tell(Tell::interrupt);
    CHECK(program.ends() == 0);
    CHECK(program.all.find("{\"record\":\"calls\",\"calls\":[{") != std::string::npos);
    CHECK(program.all.find("{\"record\":\"end\",\"exitCode\":0}") != std::string::npos);
    const auto lines = [&] {
        std::ifstream stream{trace};
        return std::string{std::istreambuf_iterator<char>{stream}, {}};
    }();
    for (const char* part : {"\"record\":\"call\"", "\"entryPoint\":\"Online\",\"kind\":3", "\"record\":\"status\"",
                             "\"checkPoint\":2", "\"record\":\"state\"", "\"answer\":0"}) {
        INFO(part);
        CHECK(lines.find(part) != std::string::npos);
    }
    std::filesystem::remove(trace);
}
