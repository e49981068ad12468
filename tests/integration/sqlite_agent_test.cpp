// SPDX-License-Identifier: BSL-1.0
// The SQLite example agent against real files and real faults: each says what is wrong, and each that can be mended is.
#include <holdfast/testing.hpp>

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

namespace fs = std::filesystem;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using holdfast::testing::FakeEngine;
using namespace std::chrono_literals;

/** A folder that goes with the test. */
class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "sqlite_agent.XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) throw std::runtime_error{"no temporary folder"};
        path_ = name;
        fs::permissions(path_, fs::perms{0755});
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] fs::path file(const std::string& name) const { return path_ / name; }
    [[nodiscard]] const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

/** A database of 5,000 rows whose amounts sum up to 12,497,500. */
void makeDatabase(const fs::path& file) {
    SQLite::Database db{file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    db.exec(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, amount INTEGER);"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)"
        "  INSERT INTO orders SELECT i + 1, 'customer ' || i, i FROM n;"
        "CREATE INDEX by_customer ON orders(customer)");
}

std::int64_t sumOf(const fs::path& file) {
    SQLite::Database db{file, SQLite::OPEN_READWRITE, 2'000};
    return db.execAndGet("SELECT sum(amount) FROM orders").getInt64();
}
constexpr std::int64_t allThere = 12'497'500;

void overwrite(const fs::path& file, std::streamoff from, std::size_t count) {
    std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekp(from);
    stream << std::string(count, 'x');
}

PropertyBag properties(const fs::path& database, PropertyBag more = {}) {
    PropertyBag all{{"DatabasePath", PropertyValue::sz(database.string())},
                    {"CheckQuery", PropertyValue::sz("SELECT sum(amount) FROM orders")},
                    {"BusyTimeout", PropertyValue::dword(200)},
                    {"CheckInterval", PropertyValue::dword(50)},
                    {"ThoroughCheckEvery", PropertyValue::dword(2)}};
    for (const auto& [name, value] : more) all.set(name, value);
    return all;
}

const auto& sqliteType() { return holdfastAgentTypes().front(); }

bool logged(const FakeEngine& engine, std::string_view text) {
    for (const auto& line : engine.log()) {
        if (line.text.find(text) != std::string::npos) return true;
    }
    return false;
}

}  // namespace

TEST_CASE("a sound database comes online, is alive, and leaves no log behind when it goes offline") {
    const Folder folder;
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
    const Folder folder;
    FakeEngine engine{sqliteType(), properties(folder.file("missing.db"))};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("unable to open database file"));
    CHECK_FALSE(fs::exists(folder.file("missing.db")));
}

TEST_CASE("a locked database fails with that reason after BusyTimeout, and comes online once it is free") {
    const Folder folder;
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
    const Folder folder;
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
    const Folder folder;
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

TEST_CASE("a read-only database fails with that reason") {
    const Folder folder;
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
    const Folder folder;
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

TEST_CASE("a damaged database without a backup is refused as damaged") {
    const Folder folder;
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
    const Folder folder;
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

TEST_CASE("a file that vanished is a failure; one that was replaced is opened anew") {
    const Folder folder;
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

TEST_CASE("a heartbeat table that somebody dropped is made anew") {
    const Folder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    FakeEngine engine{sqliteType(), properties(file)};
    REQUIRE(engine.bringOnline());
    SQLite::Database{file, SQLite::OPEN_READWRITE, 2'000}.exec("DROP TABLE holdfast_heartbeat");
    CHECK(engine.waitForLog("repaired"));
    CHECK_FALSE(engine.failureSignalled());
}

TEST_CASE("an index that does not match its table is rebuilt") {
    const Folder folder;
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

TEST_CASE("a hot journal is rolled back: what a killed client left half done is undone") {
    const Folder folder;
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

TEST_CASE("a setting out of range is refused before the database is touched") {
    const Folder folder;
    const auto file = folder.file("shop.db");
    makeDatabase(file);
    FakeEngine engine{sqliteType(), properties(file, {{"JournalMode", PropertyValue::sz("papyrus")}})};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("JournalMode"));
}
