// SPDX-License-Identifier: BSL-1.0
// What only signals can do to `holdfast run`.
#include "cli_bench.hpp"

#include <signal.h>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <thread>

using namespace std::chrono_literals;
using namespace holdfast::test;

TEST_CASE("D4 SIGSTOP of everything for 10 s is no failure of anybody") {
    // Its checks and polls are due many times over while nothing runs, and its verdict is far too old afterwards.
    const std::string ours =
        std::string{"[[resource]]\nname = \"ours\"\ntype = \"Misbehaving\"\nagent = \""} + TABLE_AGENT +
        "\"\nIsAlivePollInterval = 100\n[resource.properties]\nCheckInterval = 200\nCheckTimeout = 1000\n";
    const File file{resource("polled", "") + resource("pending", "online-silent", "PendingTimeout = 1500\n") + ours};
    Program program{{"run", file.path}};
    REQUIRE(program.says("polled           state                    OnlineCalled -> Online"));
    REQUIRE(program.says("ours             state                    OnlinePending -> Online"));
    ::kill(static_cast<pid_t>(program.process()), SIGSTOP);
    std::this_thread::sleep_for(10s);
    ::kill(static_cast<pid_t>(program.process()), SIGCONT);
    std::this_thread::sleep_for(1s);
    program.tell(Tell::stop);
    CHECK(program.ends() == 0);
    CHECK(program.all.find("no progress") == std::string::npos);
    CHECK(program.all.find("-> Failed") == std::string::npos);
    CHECK(program.all.find("isAlive") == std::string::npos);
    CHECK(program.all.find("CheckTimeout") == std::string::npos);
}
