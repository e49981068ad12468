// SPDX-License-Identifier: BSL-1.0
// The PostgreSQL example agent against a real server: its life, its deaths, and what an administrator gets wrong.
#include "postgresql_bench.hpp"

#include <catch2/generators/catch_generators.hpp>

using namespace postgresql_bench;

TEST_CASE("a server comes online, is written to, and leaves a clean cluster behind", "[W-122][W-126]") {
    Cluster cluster;
    {
        Engine engine{postgresqlType(), cluster.properties()};
        REQUIRE(engine.bringOnline());
        CHECK(cluster.state() == "in production");
        const auto beat = cluster.ask("SELECT beat FROM holdfast_heartbeat WHERE resource = 'test'");
        CHECK(eventually([&] { return cluster.ask("SELECT beat FROM holdfast_heartbeat") != beat; }));
        CHECK(engine.isAlive());
        REQUIRE(engine.takeOffline());
        CHECK(cluster.state() == "shut down");
        CHECK_FALSE(engine.failureSignalled());
    }
    CHECK(cluster.run().nothingLeft());
}

TEST_CASE("a killed postmaster is a failure at once, and the next online recovers what was committed") {
    Cluster cluster;
    // No check would find it in time.
    Engine engine{postgresqlType(), cluster.properties({{"CheckInterval", PropertyValue::dword(3'600'000)}})};
    REQUIRE(engine.bringOnline());
    cluster.ask("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS id");
    const int first = cluster.postmaster();
    ::kill(first, SIGKILL);
    CHECK(engine.waitForFailure());
    CHECK(engine.waitForLog("the server killed by signal 9 (Killed)"));
    engine.terminate();
    CHECK(cluster.state() == "in production");
    engine.forgetReports();
    REQUIRE(engine.bringOnline());
    CHECK(engine.waitForLog("automatic recovery in progress"));
    CHECK(cluster.postmaster() != first);
    CHECK(cluster.ask("SELECT count(*) FROM orders") == "1000");
    REQUIRE(engine.takeOffline());
    CHECK(cluster.state() == "shut down");
}

TEST_CASE("the crash of one of its processes is the server's own to recover from") {
    Cluster cluster;
    Engine engine{postgresqlType(), cluster.properties()};
    REQUIRE(engine.bringOnline());
    const int postmaster = cluster.postmaster();
    for (const auto* const which : {"checkpointer", "walwriter"}) {
        INFO(which);
        REQUIRE(eventually([&] { return cluster.child(which) != 0; }));
        const int victim = cluster.child(which);
        ::kill(victim, SIGKILL);
        REQUIRE(eventually([&] { return !lives(victim); }));
        REQUIRE(eventually([&] { return cluster.child(which) != 0; }));
        const auto beat = cluster.ask("SELECT beat FROM holdfast_heartbeat");
        CHECK(eventually([&] { return cluster.ask("SELECT beat FROM holdfast_heartbeat") != beat; }));
    }
    CHECK(cluster.postmaster() == postmaster);
    CHECK_FALSE(engine.failureSignalled());
    CHECK(engine.isAlive());
    REQUIRE(engine.takeOffline());
}

TEST_CASE("a paused server fails by policy: as a check that did not end, and only if that is not tolerated") {
    Cluster cluster;
    const auto tolerated = GENERATE(0u, 3u);
    Engine engine{postgresqlType(), cluster.properties({{"CheckTimeout", PropertyValue::dword(400)},
                                                        {"TimeoutTolerance", PropertyValue::dword(tolerated)}})};
    REQUIRE(engine.bringOnline());
    ::kill(cluster.postmaster(), SIGSTOP);
    if (tolerated == 0) {
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("did not end within CheckTimeout"));
        engine.terminate();  // kills what cannot obey
        CHECK(cluster.run().nothingLeft());
    } else {
        CHECK(engine.waitForLog("tolerated"));
        ::kill(cluster.postmaster(), SIGCONT);
        std::this_thread::sleep_for(600ms);
        CHECK_FALSE(engine.failureSignalled());
        CHECK(engine.isAlive());
        ::kill(cluster.postmaster(), SIGSTOP);
        REQUIRE(engine.takeOffline());  // goes on, to obey
        CHECK(cluster.state() == "shut down");
    }
}

TEST_CASE("a stop ends a check at once, in the server too") {
    Cluster cluster;
    Engine engine{postgresqlType(), cluster.properties({{"CheckInterval", PropertyValue::dword(300)},
                                                        {"CheckTimeout", PropertyValue::dword(3'600'000)},
                                                        {"StatementTimeout", PropertyValue::dword(3'600'000)},
                                                        {"CheckQuery", PropertyValue::sz("SELECT 1")}})};
    engine.setProperties(cluster.properties(
        {{"CheckInterval", PropertyValue::dword(300)},
         {"CheckTimeout", PropertyValue::dword(3'600'000)},
         {"StatementTimeout", PropertyValue::dword(3'600'000)},
         {"CheckQuery", PropertyValue::sz("SELECT CASE WHEN count(*) > 0 THEN pg_sleep(3600) END "
                                          "FROM pg_stat_activity WHERE application_name = 'wait'")}}));
    REQUIRE(engine.bringOnline());
    cluster.ask("CREATE TABLE wait()");
    auto marker = cluster.client();
    TestOperation call;
    marker.ask("SET application_name = 'wait'", call);
    const auto sleeping = [&] {
        return marker.ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", call) == "1";
    };
    REQUIRE(eventually(sleeping));
    SECTION("terminate") {
        const auto start = std::chrono::steady_clock::now();
        engine.terminate();
        CHECK(std::chrono::steady_clock::now() - start < 2s);
        CHECK(cluster.run().nothingLeft());
    }
    SECTION("offline") {
        const auto start = std::chrono::steady_clock::now();
        REQUIRE(engine.takeOffline());
        CHECK(std::chrono::steady_clock::now() - start < 5s);
        CHECK(cluster.state() == "shut down");
    }
    CHECK(engine.close());  // nothing wedged
}

TEST_CASE("a check that has no time left is ended in the server, too", "[W-331]") {
    Cluster cluster;
    Engine engine{postgresqlType(),
                  cluster.properties(
                      {{"CheckInterval", PropertyValue::dword(300)},
                       {"CheckTimeout", PropertyValue::dword(2'000)},
                       {"StatementTimeout", PropertyValue::dword(3'600'000)},
                       {"CheckQuery", PropertyValue::sz("SELECT CASE WHEN count(*) > 0 THEN pg_sleep(3600) END "
                                                        "FROM pg_stat_activity WHERE application_name = 'wait'")}})};
    REQUIRE(engine.bringOnline());
    auto marker = cluster.client();
    TestOperation call;
    marker.ask("SET application_name = 'wait'", call);
    // The server lives on, so that nothing else ends the statement: a shutdown would, and says so instead.
    CHECK(engine.waitForLog("canceling statement due to user request"));
    CHECK(engine.waitForFailure());
    engine.terminate();
    CHECK(cluster.run().nothingLeft());
    CHECK(engine.close());
}

TEST_CASE("D17 what an earlier host left is taken over without a restart") {
    Cluster cluster;
    const auto ready = cluster.run().file("ready");
    const auto host = fork();
    if (host == 0) {
        // A host of its own, in this program: the hidden test below.
        setenv("POSTGRESQL_DATA", cluster.data().c_str(), 1);
        setenv("POSTGRESQL_READY", ready.c_str(), 1);
        execl("/proc/self/exe", "host", "[.host]", nullptr);
        _exit(1);
    }
    const bool online = eventually([&] { return fs::exists(ready); });
    ::kill(host, SIGKILL);
    waitpid(host, nullptr, 0);
    REQUIRE(online);
    const int before = cluster.postmaster();
    REQUIRE(lives(before));
    SECTION("with the same settings") {
        Engine engine{postgresqlType(), cluster.properties()};
        REQUIRE(engine.bringOnline());
        CHECK(engine.waitForLog("took over pid " + std::to_string(before)));
        CHECK(cluster.postmaster() == before);
        std::this_thread::sleep_for(300ms);
        CHECK(engine.isAlive());
        ::kill(before, SIGKILL);
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("killed by signal 9"));
        engine.terminate();
    }
    SECTION("with others it is started anew") {
        Engine engine{postgresqlType(), cluster.properties({{"Port", PropertyValue::dword(5498)}})};
        REQUIRE(engine.bringOnline());
        CHECK(cluster.postmaster() != before);
        CHECK_FALSE(lives(before));
        engine.terminate();
    }
    CHECK(cluster.run().nothingLeft());
}

TEST_CASE("a host that is killed later", "[.host]") {
    const char* const data = std::getenv("POSTGRESQL_DATA");
    REQUIRE(data != nullptr);
    Engine engine{postgresqlType(), PropertyBag{{"DataDirectory", PropertyValue::sz(data)},
                                                {"BinDirectory", PropertyValue::sz(binDirectory())}}};
    REQUIRE(engine.bringOnline());
    std::ofstream{std::getenv("POSTGRESQL_READY")} << "online";
    std::this_thread::sleep_for(1h);
}

TEST_CASE("shutdown modes: immediate at once, and as the last resort of one that takes too long") {
    Cluster cluster;
    SECTION("immediate") {
        Engine engine{postgresqlType(), cluster.properties({{"ShutdownMode", PropertyValue::sz("Immediate")}})};
        REQUIRE(engine.bringOnline());
        REQUIRE(engine.takeOffline());
        CHECK(timesLogged(engine, "not down after") == 0);
    }
    SECTION("smart, but a client stays") {
        Engine engine{postgresqlType(), cluster.properties({{"ShutdownMode", PropertyValue::sz("smart")},
                                                            {"ShutdownPatience", PropertyValue::dword(300)}})};
        REQUIRE(engine.bringOnline());
        const auto client = cluster.client();
        REQUIRE(engine.takeOffline());
        CHECK(engine.waitForLog("not down after 300 ms"));
    }
    CHECK(cluster.state() == "in production");
    CHECK(cluster.run().nothingLeft());
}
