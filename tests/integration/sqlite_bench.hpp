// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What the tests of the SQLite example agent share.

#include "support/temporary_folder.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/testing.hpp>

#include <SQLiteCpp/SQLiteCpp.h>

#include <catch2/catch_test_macros.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace sqlite_bench {

namespace fs = std::filesystem;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using holdfast::testing::FakeEngine;
using holdfast::tests::TemporaryFolder;

/** A database of 5,000 rows whose amounts sum up to 12,497,500. */
inline void makeDatabase(const fs::path& file) {
    SQLite::Database db{file, SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    db.exec(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT, amount INTEGER);"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 4999)"
        "  INSERT INTO orders SELECT i + 1, 'customer ' || i, i FROM n;"
        "CREATE INDEX by_customer ON orders(customer)");
}

inline std::int64_t sumOf(const fs::path& file) {
    SQLite::Database db{file, SQLite::OPEN_READWRITE, 2'000};
    return db.execAndGet("SELECT sum(amount) FROM orders").getInt64();
}
inline constexpr std::int64_t allThere = 12'497'500;

inline void overwrite(const fs::path& file, std::streamoff from, std::size_t count) {
    std::fstream stream{file, std::ios::in | std::ios::out | std::ios::binary};
    stream.seekp(from);
    stream << std::string(count, 'x');
}

inline PropertyBag properties(const fs::path& database, PropertyBag more = {}) {
    PropertyBag all{{"DatabasePath", PropertyValue::sz(database.string())},
                    {"CheckQuery", PropertyValue::sz("SELECT sum(amount) FROM orders")},
                    {"BusyTimeout", PropertyValue::dword(200)},
                    {"CheckInterval", PropertyValue::dword(50)},
                    {"ThoroughCheckEvery", PropertyValue::dword(2)}};
    for (const auto& [name, value] : more) all.set(name, value);
    return all;
}

inline const auto& sqliteType() { return holdfastAgentTypes().front(); }

inline bool logged(const FakeEngine& engine, std::string_view text) {
    for (const auto& line : engine.log()) {
        if (line.text.find(text) != std::string::npos) return true;
    }
    return false;
}

}  // namespace sqlite_bench
