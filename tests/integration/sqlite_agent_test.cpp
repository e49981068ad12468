// SPDX-License-Identifier: BSL-1.0
// The SQLite example agent against real files and real faults: each says what is wrong, and each that can be mended is.
#include "sqlite_bench.hpp"

#include <chrono>
#include <memory>
#include <thread>

using namespace sqlite_bench;
using namespace std::chrono_literals;

TEST_CASE("a sound database comes online, is alive, and leaves no log behind when it goes offline", "[W-126]") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    FakeEngine engine{sqliteType(), properties(file)};
    REQUIRE(engine.bringOnline());
    std::this_thread::sleep_for(300ms);
    CHECK(fs::exists(folder.file("shop.db-wal")));
    CHECK(engine.isAlive());
    CHECK_FALSE(engine.failureSignalled());
    REQUIRE(engine.takeOffline());
    std::error_code none;
    CHECK((!fs::exists(folder.file("shop.db-wal")) || fs::file_size(folder.file("shop.db-wal"), none) == 0));
    CHECK(sumOf(file) == allThere);
}

TEST_CASE("a database that is not there is not created") {
    const TemporaryFolder folder;
    FakeEngine engine{sqliteType(), properties(folder.file("missing.db"))};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("unable to open database file"));
    CHECK_FALSE(fs::exists(folder.file("missing.db")));
}

TEST_CASE("a locked database fails with that reason after BusyTimeout, and comes online once it is free") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    SQLite::Database other{file, SQLite::OPEN_READWRITE};
    other.exec("BEGIN EXCLUSIVE");
    FakeEngine engine{sqliteType(), properties(file)};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("database is locked"));
    engine.terminate();
    other.exec("COMMIT");
    engine.forgetReports();
    CHECK(engine.bringOnline());
}

TEST_CASE("a stop ends the wait for a lock") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    SQLite::Database other{file, SQLite::OPEN_READWRITE};
    other.exec("BEGIN EXCLUSIVE");
    FakeEngine engine{sqliteType(), properties(file, {{"BusyTimeout", PropertyValue::dword(3'600'000)}})};
    REQUIRE(engine.online() == FakeEngine::Answer::pending);
    REQUIRE(engine.waitFor("OnlinePending"));
    std::this_thread::sleep_for(200ms);
    const auto start = std::chrono::steady_clock::now();
    engine.terminate();
    CHECK(std::chrono::steady_clock::now() - start < 100ms);  // else it would have been wedged
}

TEST_CASE("a stop interrupts a running query") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    FakeEngine engine{
        sqliteType(),
        properties(file, {{"ThoroughCheckEvery", PropertyValue::dword(1)},
                          {"CheckQuery", PropertyValue::sz("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                                                           "SELECT i + 1 FROM n) SELECT count(*) FROM n")}})};
    REQUIRE(engine.bringOnline());
    std::this_thread::sleep_for(300ms);  // now the query runs, for ever
    const auto start = std::chrono::steady_clock::now();
    engine.terminate();
    CHECK(std::chrono::steady_clock::now() - start < 100ms);
    CHECK(engine.close());
}

TEST_CASE("a damaged database without a backup is refused as damaged") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    SECTION("its pages") {
        overwrite(file, 4096 * 5, 4096 * 20);
        FakeEngine engine{sqliteType(), properties(file)};
        CHECK_FALSE(engine.bringOnline());
        CHECK((logged(engine, "btreeInitPage") || logged(engine, "malformed")));
    }
    SECTION("its head") {
        overwrite(file, 0, 100);
        FakeEngine engine{sqliteType(), properties(file)};
        CHECK_FALSE(engine.bringOnline());
        CHECK(engine.waitForLog("file is not a database"));
    }
    SECTION("all of it") {
        fs::resize_file(file, 0);
        FakeEngine engine{sqliteType(), properties(file)};
        CHECK_FALSE(engine.bringOnline());
        CHECK(engine.waitForLog("emptied"));
    }
}

TEST_CASE("damage while online is found by the check; the next Online restores the backup") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    FakeEngine engine{sqliteType(),
                      properties(file, {{"BackupPath", PropertyValue::sz(folder.file("copy.db").string())}})};
    REQUIRE(engine.bringOnline());
    REQUIRE(fs::exists(folder.file("copy.db")));
    overwrite(file, 4096 * 3, 4096 * 30);
    CHECK(engine.waitForFailure());
    CHECK_FALSE(engine.isAlive());
    engine.terminate();
    engine.forgetReports();
    REQUIRE(engine.bringOnline());
    CHECK(engine.waitForLog("restoring"));
    CHECK(engine.isAlive());
    CHECK(fs::exists(folder.file("shop.db.damaged")));
    REQUIRE(engine.takeOffline());
    CHECK(sumOf(file) == allThere);
}

TEST_CASE("a heartbeat table that somebody dropped is made anew") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    FakeEngine engine{sqliteType(), properties(file)};
    REQUIRE(engine.bringOnline());
    SQLite::Database{file, SQLite::OPEN_READWRITE, 2'000}.exec("DROP TABLE holdfast_heartbeat");
    CHECK(engine.waitForLog("repaired"));
    CHECK_FALSE(engine.failureSignalled());
}

TEST_CASE("an index that does not match its table is rebuilt") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    SQLite::Database{file, SQLite::OPEN_READWRITE}.exec(
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX by_customer ON orders(amount)' WHERE name = 'by_customer'");
    FakeEngine engine{sqliteType(), properties(file, {{"IntegrityCheck", PropertyValue::sz("integrity_check")}})};
    REQUIRE(engine.bringOnline());
    CHECK(engine.waitForLog("rebuilding the indexes"));
    REQUIRE(engine.takeOffline());
    SQLite::Database db{file};
    CHECK(db.execAndGet("PRAGMA integrity_check").getString() == "ok");
}

TEST_CASE("a setting out of range is refused before the database is touched") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    FakeEngine engine{sqliteType(), properties(file, {{"JournalMode", PropertyValue::sz("papyrus")}})};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("JournalMode"));
}
