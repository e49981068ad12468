// SPDX-License-Identifier: BSL-1.0
// What the PostgreSQL example agent refuses, and how it says what is wrong with the server or its surroundings.
#include "postgresql_bench.hpp"

using namespace postgresql_bench;

TEST_CASE("what is missing on this node is named, and nothing is started", "[L-045]") {
    Cluster cluster;
    const auto refuses = [&](const PropertyBag& more, std::string_view reason) {
        Engine engine{postgresqlType(), cluster.properties(more)};
        CHECK_FALSE(engine.bringOnline());
        CHECK(engine.waitForLog(reason));
        CHECK(cluster.postmaster() == 0);
    };
    refuses({{"DataDirectory", PropertyValue::sz("/no/such")}}, "there is no /no/such/PG_VERSION");
    refuses({{"BinDirectory", PropertyValue::sz("/no/such")}}, "there is no /no/such/postgres");
    refuses({{"ConfigFile", PropertyValue::sz("/no/such.conf")}}, "there is no /no/such.conf");
    refuses({{"User", PropertyValue::sz("nobody-of-that-name")}}, "nobody-of-that-name");
    refuses({{"User", PropertyValue::sz("nobody")}}, "status 2; postgres: could not access");
    refuses({{"Options", PropertyValue::multiSz({"-c", "no_such_parameter=1"})}},
            "FATAL:  unrecognized configuration parameter");
    refuses({{"ShutdownMode", PropertyValue::sz("gently")}}, "ShutdownMode");
}

TEST_CASE("a port that another server has fails with that server's words") {
    Cluster other;
    Engine first{postgresqlType(), other.properties(), "other"};
    REQUIRE(first.bringOnline());
    Cluster cluster;
    Engine engine{postgresqlType(),
                  cluster.properties({{"SocketDirectory", PropertyValue::sz(other.sockets().string())}})};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("FATAL:  lock file"));
    CHECK(other.ask("SELECT 1") == "1");
    engine.terminate();
    first.terminate();
}

TEST_CASE("a role that may not log in fails the online, with the server's words") {
    Cluster cluster;
    Engine engine{postgresqlType(), cluster.properties({{"CheckUser", PropertyValue::sz("stranger")}})};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("Peer authentication failed for user \"stranger\""));
    engine.terminate();
    engine.setProperties(cluster.properties({{"Database", PropertyValue::sz("nowhere")}}));
    engine.forgetReports();
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("database \"nowhere\" does not exist"));
    engine.terminate();
    CHECK(cluster.run().nothingLeft());
}

TEST_CASE("a password that is asked for and not set fails the online; one that is set is used") {
    Cluster cluster;
    Engine engine{postgresqlType(), cluster.properties()};
    REQUIRE(engine.bringOnline());
    cluster.ask("ALTER ROLE postgres PASSWORD 'sesame'");
    REQUIRE(engine.takeOffline());
    std::ofstream{cluster.data() / "pg_hba.conf"} << "local all all scram-sha-256\n";
    engine.forgetReports();
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("no password supplied"));
    engine.terminate();
    engine.setProperties(cluster.properties({{"CheckPassword", PropertyValue::sz("sesame")}}));
    engine.forgetReports();
    REQUIRE(engine.bringOnline());
    engine.terminate();
    CHECK(timesLogged(engine, "sesame") == 0);
}

TEST_CASE("a socket that somebody removed is found by policy, with the reason in the log") {
    Cluster cluster;
    Engine engine{postgresqlType(), cluster.properties({{"CheckTimeout", PropertyValue::dword(400)}})};
    REQUIRE(engine.bringOnline());
    fs::remove(cluster.sockets() / ".s.PGSQL.5499");
    CHECK(engine.waitForFailure());
    CHECK(engine.waitForLog("the check waits: connection to server on socket"));
    CHECK(engine.waitForLog("did not end within CheckTimeout"));
    engine.terminate();
}

TEST_CASE("a stale postmaster.pid whose pid is a stranger's now does not keep the server down") {
    Cluster cluster;
    const Stranger stranger;
    std::ofstream{cluster.data() / "postmaster.pid"} << stranger.pid() << "\n"
                                                     << cluster.data().string() << "\n1700000000\n5499\n"
                                                     << cluster.sockets().string()
                                                     << "\n\n  5432001         7\nready   \n";
    std::ofstream{cluster.sockets() / ".s.PGSQL.5499.lock"} << stranger.pid() << "\n"
                                                            << cluster.data().string() << "\n1700000000\n5499\n";
    // By itself the server believes it.
    CHECK_THROWS(Cluster::asUser("timeout 10 " + binDirectory() + "/postgres -D " + cluster.data().string()));
    Engine engine{postgresqlType(), cluster.properties()};
    REQUIRE(engine.bringOnline());
    CHECK(engine.waitForLog("removed a stale postmaster.pid: pid " + std::to_string(stranger.pid())));
    CHECK(lives(stranger.pid()));
    REQUIRE(engine.takeOffline());
}

TEST_CASE("a server that somebody else started is neither killed nor doubled") {
    Cluster cluster;
    Cluster::asUser(binDirectory() + "/pg_ctl -w -D " + cluster.data().string() + " -l /dev/null start");
    const int theirs = cluster.postmaster();
    {
        Engine engine{postgresqlType(), cluster.properties()};
        CHECK_FALSE(engine.bringOnline());
        CHECK(engine.waitForLog("pid " + std::to_string(theirs) + " serves"));
        engine.terminate();
    }
    CHECK(cluster.ask("SELECT 1") == "1");
    CHECK(cluster.postmaster() == theirs);
    Cluster::asUser(binDirectory() + "/pg_ctl -w -D " + cluster.data().string() + " -m fast stop");
}

TEST_CASE("a server without a free connection is not called dead, but one that is gone is") {
    Cluster cluster{"superuser_reserved_connections = 0\n"};
    Engine engine{postgresqlType(), cluster.properties()};
    REQUIRE(engine.bringOnline());
    std::vector<Session> clients;
    const auto full = [&] {
        try {
            clients.push_back(cluster.client());
        } catch (const Refused& error) {
            return error.state() == "53300";
        }
        return false;
    };
    REQUIRE(eventually(full));
    CHECK(eventually([&] { return full() && timesLogged(engine, "every connection is taken") > 3; }));
    CHECK_FALSE(engine.failureSignalled());
    CHECK(engine.isAlive());
    ::kill(cluster.postmaster(), SIGKILL);
    CHECK(engine.waitForFailure());
    engine.terminate();
}

TEST_CASE("a standby is read and not written to") {
    Cluster cluster;
    {
        Engine once{postgresqlType(), cluster.properties()};
        REQUIRE(once.bringOnline());
        REQUIRE(once.takeOffline());
    }
    std::ofstream{cluster.data() / "standby.signal"};
    Engine engine{postgresqlType(), cluster.properties()};
    REQUIRE(engine.bringOnline());
    CHECK(engine.waitForLog("a standby: it is read, and not written to"));
    std::this_thread::sleep_for(300ms);
    CHECK(engine.isAlive());
    CHECK_FALSE(engine.failureSignalled());
    REQUIRE(engine.takeOffline());
    CHECK(cluster.state() == "shut down in recovery");
}

TEST_CASE("a query that fails or takes too long is a failed check with the server's reason") {
    Cluster cluster;
    Engine engine{postgresqlType(),
                  cluster.properties({{"CheckQuery", PropertyValue::sz("SELECT count(*) FROM orders")},
                                      {"StatementTimeout", PropertyValue::dword(300)}})};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("relation \"orders\" does not exist"));
    engine.terminate();
    engine.forgetReports();
    engine.setProperties(cluster.properties(
        {{"CheckQuery", PropertyValue::sz("SELECT pg_sleep(60)")}, {"StatementTimeout", PropertyValue::dword(300)}}));
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("canceling statement due to statement timeout"));
    engine.terminate();
    engine.forgetReports();
    engine.setProperties(cluster.properties({{"CheckQuery", PropertyValue::sz("COPY pg_class TO STDOUT")}}));
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("no plain statement"));
    engine.terminate();
    CHECK(cluster.run().nothingLeft());
}

TEST_CASE("a heartbeat table that somebody dropped is made anew") {
    Cluster cluster;
    Engine engine{postgresqlType(), cluster.properties()};
    REQUIRE(engine.bringOnline());
    cluster.ask("DROP TABLE holdfast_heartbeat");
    const auto back = [&] { return cluster.ask("SELECT to_regclass('holdfast_heartbeat') IS NOT NULL") == "t"; };
    CHECK(eventually(back));
    CHECK_FALSE(engine.failureSignalled());
    REQUIRE(engine.takeOffline());
}

TEST_CASE("a full disk fails the check with that reason, and free space heals it") {
    Cluster cluster{"work_mem = 64kB\n"};
    const auto mounted = cluster.data() / "base/pgsql_tmp";  // the query's, so that the server itself can go on
    fs::create_directory(mounted);
    if (mount("none", mounted.c_str(), "tmpfs", 0, "size=8m,mode=1777") != 0) {
        SKIP("a small file system cannot be mounted here");
    }
    {
        Engine engine{
            postgresqlType(),
            cluster.properties(
                {{"CheckQuery", PropertyValue::sz("SELECT count(*) FROM (SELECT md5(i::text) FROM "
                                                  "generate_series(1, 20000) AS i ORDER BY 1 OFFSET 0) AS s")}})};
        REQUIRE(engine.bringOnline());
        std::ofstream{mounted / "filler"} << std::string(9'000'000, 'x');
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("No space left on device"));
        engine.terminate();
        fs::remove(mounted / "filler");
        engine.forgetReports();
        CHECK(engine.bringOnline());
        engine.terminate();
    }
    umount2(mounted.c_str(), MNT_DETACH);
    CHECK(cluster.run().nothingLeft());
}
