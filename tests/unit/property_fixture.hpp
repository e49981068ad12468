// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A resource type with a property of each kind.

#include <holdfast/resource.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace fixture {

using namespace std::chrono_literals;

enum class Journal : std::int8_t { wal = -1, rollback = 5 };

struct Settings {
    std::filesystem::path databasePath;
    std::chrono::milliseconds busyTimeout{5'000};
    std::uint16_t port{5432};
    std::int32_t bias{-2};
    std::uint64_t quota{1'000};
    std::int64_t offset{-1};
    bool readOnly{false};
    Journal journal{Journal::wal};
    std::string user;
    std::string password;
    std::vector<std::string> replicas;
    std::vector<std::byte> key;
    std::chrono::seconds grace{3};
    std::string edition;  // only of types that describe it
};

class Database : public holdfast::Resource {
public:
    Database(holdfast::Context&, Settings itsSettings) : settings{std::move(itsSettings)} {}
    void online(holdfast::Operation&) override {}
    void terminate() noexcept override {}
    holdfast::Verdict isAlive(holdfast::Check&) override { return holdfast::Verdict::alive(); }

    Settings settings;
};

using Type = holdfast::ResourceType<Database, Settings>;

/** The type, not yet finished. */
inline Type databaseType() {
    using namespace holdfast;
    Type type{"Test Database"};
    type.description("A database for tests")
        .property("DatabasePath", &Settings::databasePath, required, "File that holds the database")
        .property("BusyTimeout", &Settings::busyTimeout, range(0ms, 1h), "Longest wait for a lock")
        .property("Port", &Settings::port)
        .property("Bias", &Settings::bias, range(-10, 10))
        .property("Quota", &Settings::quota)
        .property("Offset", &Settings::offset)
        .property("ReadOnly", &Settings::readOnly)
        .property("Journal", &Settings::journal, names({{Journal::wal, "wal"}, {Journal::rollback, "rollback"}}))
        .property("User", &Settings::user, pattern("[a-z][a-z0-9]*"))
        .property("Password", &Settings::password, secret, pattern("[ -~]{4,}"))
        .property("Replicas", &Settings::replicas)
        .property("Key", &Settings::key)
        .property("Grace", &Settings::grace, range(1s, 1min))
        .validate([](const Settings& settings) {
            if (settings.readOnly && settings.journal == Journal::wal) {
                throw Error{"ReadOnly cannot be combined with Journal wal"};
            }
        });
    return type;
}

inline std::shared_ptr<const holdfast::AgentType> database() { return databaseType().share(); }

}  // namespace fixture
