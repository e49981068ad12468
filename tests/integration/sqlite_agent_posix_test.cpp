// SPDX-License-Identifier: BSL-1.0
// What happens to a database only where an open file may be removed, a process forked and root become somebody else.
#include "sqlite_bench.hpp"

#include <csignal>

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace sqlite_bench;

TEST_CASE("a read-only database fails with that reason") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    fs::permissions(file, fs::perms{0444});
    // Root may write to what is read-only: for this test it is nobody.
    const bool root = geteuid() == 0;
    if (root && seteuid(65'534) != 0) SKIP("root cannot become nobody here");
    {
        FakeEngine engine{sqliteType(), properties(file)};
        CHECK_FALSE(engine.bringOnline());
        CHECK(engine.waitForLog("attempt to write a readonly database"));
    }
    if (root) REQUIRE(seteuid(0) == 0);
}

TEST_CASE("a full disk fails the check with that reason, and free space heals it") {
    const TemporaryFolder folder;
    if (mount("none", folder.path().c_str(), "tmpfs", 0, "size=1m") != 0) {
        SKIP("a small file system cannot be mounted here (that takes root)");
    }
    {
        const auto file = folder.file("shop.db");
        makeDatabase(file);
        FakeEngine engine{sqliteType(), properties(file, {{"JournalMode", PropertyValue::sz("delete")}})};
        REQUIRE(engine.bringOnline());
        std::ofstream{folder.file("filler")} << std::string(2'000'000, 'x');
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("database or disk is full"));
        CHECK_FALSE(engine.isAlive());
        engine.terminate();
        fs::remove(folder.file("filler"));
        engine.forgetReports();
        CHECK(engine.bringOnline());
        CHECK(engine.takeOffline());
        CHECK(sumOf(file) == allThere);
    }
    umount2(folder.path().c_str(), MNT_DETACH);
}

TEST_CASE("a file that vanished is a failure; one that was replaced is opened anew") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    FakeEngine engine{sqliteType(), properties(file)};
    REQUIRE(engine.bringOnline());
    SECTION("vanished") {
        fs::remove(file);
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("unable to open database file"));
    }
    SECTION("emptied") {
        fs::resize_file(file, 0);
        CHECK(engine.waitForFailure());
        CHECK(engine.waitForLog("emptied"));
    }
    SECTION("replaced") {
        makeDatabase(folder.file("other.db"));
        for (const auto* rest : {"shop.db-wal", "shop.db-shm"}) fs::remove(folder.file(rest));
        fs::rename(folder.file("other.db"), file);
        CHECK(engine.waitForLog("repaired"));
        CHECK_FALSE(engine.failureSignalled());
        CHECK(engine.isAlive());
    }
}

TEST_CASE("a hot journal is rolled back: what a killed client left half done is undone") {
    const TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    const pid_t client = fork();
    REQUIRE(client >= 0);
    if (client == 0) {
        SQLite::Database db{file, SQLite::OPEN_READWRITE};
        // So small a cache spills changed pages into the file before the commit, which makes the journal hot.
        db.exec("PRAGMA cache_size = 5; BEGIN; UPDATE orders SET amount = amount + 1, customer = 'x' || customer");
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    REQUIRE(waitpid(client, &status, 0) == client);
    REQUIRE(WIFSIGNALED(status));
    REQUIRE(fs::file_size(folder.file("shop.db-journal")) > 0);
    FakeEngine engine{sqliteType(), properties(file)};
    REQUIRE(engine.bringOnline());
    CHECK(engine.waitForLog("rolling back the hot journal"));
    CHECK_FALSE(fs::exists(folder.file("shop.db-journal")));
    REQUIRE(engine.takeOffline());
    CHECK(sumOf(file) == allThere);
}
