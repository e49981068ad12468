// SPDX-License-Identifier: BSL-1.0
#include <holdfast/resource.hpp>

#include <SQLiteCpp/SQLiteCpp.h>
#include <sqlite3.h>

#include <map>
#include <mutex>

namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using holdfast::Check, holdfast::Error, holdfast::Operation, holdfast::Verdict;
using enum holdfast::ErrorCode;

struct Settings {
    fs::path database, backup;
    std::string query{"SELECT count(*) FROM sqlite_schema"};
    std::string journalMode{"wal"}, check{"quick_check"};
    std::chrono::milliseconds busyTimeout{5s};
};

const std::map<int, holdfast::ErrorCode> codes{{SQLITE_FULL, outOfResources}, {SQLITE_READONLY, permission},
                                               {SQLITE_BUSY, busy},           {SQLITE_CANTOPEN, notInstalled},
                                               {SQLITE_CORRUPT, corrupted},   {SQLITE_NOTADB, corrupted}};

class Database final : public holdfast::Resource {
public:
    Database(holdfast::Context& context, Settings settings) : context_{context}, settings_{std::move(settings)} {}

    void online(Operation& op) override {
        try {
            open(op);
        } catch (const Error& error) {
            if (error.code() != corrupted || !fs::exists(settings_.backup)) throw;
            context_.warning("{}; restoring {}", error.what(), settings_.backup.string());
            exchange(nullptr);
            for (const auto* rest : {".damaged", ".restored", "-wal", "-shm", "-journal"}) fs::remove(beside(rest));
            fs::copy_file(settings_.database, beside(".damaged"));
            fs::copy_file(settings_.backup, beside(".restored"));
            fs::rename(beside(".restored"), settings_.database);  // whole or not at all
            open(op);
        }
        if (!settings_.backup.empty()) use(op, [this](SQLite::Database& db) { backUp(db); });  // just proved sound
    }

    void offline(Operation& op) override {
        use(op, [](SQLite::Database& db) { db.exec("PRAGMA wal_checkpoint(TRUNCATE)"); });
        exchange(nullptr);
    }

    // May overlap a call that ignores its stop. A connection in use can be interrupted but not closed: whoever lets go of
    // it last closes it, here or when that call ends.
    void terminate() noexcept override {
        if (const auto db = exchange(nullptr)) sqlite3_interrupt(db->getHandle());
    }

    Verdict looksAlive(Check& check) override {
        return use(check, [](SQLite::Database&) {});
    }

    Verdict isAlive(Check& check) override {
        return use(check, [this](SQLite::Database& db) {
            db.exec("PRAGMA shrink_memory");  // what is cached says nothing about the file
            db.exec(fmt::format("UPDATE holdfast_heartbeat SET beat = {}", ++beat_));
            const auto read = db.execAndGet("SELECT beat FROM holdfast_heartbeat").getInt64();
            if (read != beat_) throw Error::make(corrupted, "wrote heartbeat {} but read {}", beat_, read);
            db.exec(settings_.query);
        });
    }

    bool repair(Check& check) override {
        open(check);
        return true;
    }

private:
    /** Connects anew; recovers, checks, rebuilds indexes if they alone are damaged, and proves that it can write. */
    void open(holdfast::Stoppable& call) {
        exchange(nullptr);
        use(call, [this](SQLite::Database& db) {
            step(fs::exists(beside("-journal")) ? "rolling back the hot journal" : "reading the schema");
            auto damage = findDamage(db);  // its first read rolls back
            if (damage.find(" index ") != std::string::npos) {
                context_.warning("{}; rebuilding the indexes", damage);
                db.exec("REINDEX");
                damage = findDamage(db);
            }
            if (!damage.empty()) throw Error{corrupted, damage};
            db.exec(fmt::format("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = {}", settings_.journalMode));
            db.exec("DROP TABLE IF EXISTS holdfast_heartbeat; CREATE TABLE holdfast_heartbeat AS SELECT 0 AS beat");
        });
    }

    /** The first thing that is wrong, or nothing. */
    std::string findDamage(SQLite::Database& db) {
        const auto* sql = "SELECT name, found.* FROM sqlite_schema, pragma_{}(name) AS found WHERE type = 'table'";
        SQLite::Statement rows{db, fmt::format(fmt::runtime(sql), settings_.check)};
        while (rows.executeStep()) {
            step(fmt::format("checked table {}", rows.getColumn(0).getString()));
            if (auto found = rows.getColumn(1).getString(); found != "ok") return found.substr(0, found.find('\n', 30));
        }
        return {};
    }

    /** The old backup stays until the new one is whole. */
    void backUp(SQLite::Database& db) {
        const auto unfinished = fs::path{settings_.backup} += ".unfinished";
        step("backing up");
        fs::remove(unfinished);
        SQLite::Statement copy{db, "VACUUM INTO ?"};
        copy.bind(1, unfinished.string());
        copy.exec();
        fs::rename(unfinished, settings_.backup);
    }

    /** Looks at the file, then lets `work` use the connection: a stop interrupts it, and what it throws is the reason. */
    Verdict use(holdfast::Stoppable& call, auto work) try {
        call_ = &call;
        const auto db = connection();
        const auto onStop = call.onStop([db] { sqlite3_interrupt(db->getHandle()); });
        call.throwIfStopped();
        int moved = 0;  // stays so where a file in use can be neither moved nor removed
        sqlite3_file_control(db->getHandle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
        if (moved != 0 || fs::file_size(settings_.database) == 0) {
            throw Error::make(corrupted, "{} was removed, replaced or emptied", settings_.database.string());
        }
        work(*db);
        return Verdict::alive();
    } catch (const SQLite::Exception& error) {
        const int code = error.getErrorCode() & 0xff;
        throw Error{codes.contains(code) ? codes.at(code) : failed, settings_.database.string() + ": " + error.what()};
    }

    static int mustStop(void* self) noexcept { return static_cast<Database*>(self)->call_->stopRequested() ? 1 : 0; }
    static int mayWait(void* self, int tries) noexcept {
        sqlite3_sleep(10);
        return tries * 10ms < static_cast<Database*>(self)->settings_.busyTimeout && mustStop(self) == 0 ? 1 : 0;
    }

    void step(std::string_view what) {
        if (auto* op = dynamic_cast<Operation*>(call_)) op->checkpoint(what);
    }

    std::shared_ptr<SQLite::Database> connection() {
        if (const std::lock_guard lock{mutex_}; db_) return db_;
        // Never created: a missing file most likely means a missing disk.
        auto db = std::make_shared<SQLite::Database>(settings_.database, SQLite::OPEN_READWRITE);
        sqlite3_db_config(db->getHandle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);  // terminate() must be quick
        sqlite3_progress_handler(db->getHandle(), 1'000, &mustStop, this);
        sqlite3_busy_handler(db->getHandle(), &mayWait, this);
        exchange(db);
        return db;
    }

    std::shared_ptr<SQLite::Database> exchange(std::shared_ptr<SQLite::Database> next) noexcept {
        const std::lock_guard lock{mutex_};
        return std::exchange(db_, std::move(next));
    }

    [[nodiscard]] fs::path beside(std::string_view suffix) const { return fs::path{settings_.database} += suffix; }

    holdfast::Context& context_;
    const Settings settings_;
    holdfast::Stoppable* call_{nullptr};  // the one that runs; terminate() never looks at it
    std::int64_t beat_{0};
    std::mutex mutex_;
    std::shared_ptr<SQLite::Database> db_;  // under mutex_
};

}  // namespace

HOLDFAST_AGENT(
    holdfast::ResourceType<Database, Settings>{"SQLite Database"}
        .property("DatabasePath", &Settings::database, holdfast::required, "File that holds the database")
        .property("BackupPath", &Settings::backup, "Copy made at each Online, restored if the database is damaged")
        .property("CheckQuery", &Settings::query, "Statement that IsAlive runs; it must succeed")
        .property("JournalMode", &Settings::journalMode, holdfast::oneOf({"wal", "delete"}), "SQLite's journal mode")
        .property("IntegrityCheck", &Settings::check, holdfast::oneOf({"quick_check", "integrity_check"}), "At Online")
        .property("BusyTimeout", &Settings::busyTimeout, holdfast::range(0ms, 1h), "Longest wait for a lock"));
