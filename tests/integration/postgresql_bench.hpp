// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A real PostgreSQL cluster in a temporary folder, made by initdb and authenticated as Debian does it ("peer").

#include "process_fixture.hpp"

#include "../../examples/040-postgresql/session.hpp"
#include "support/temporary_folder.hpp"

#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <array>
#include <cstdio>
#include <optional>

#include <pwd.h>
#include <sys/mount.h>

namespace postgresql_bench {

using namespace fixture;
using holdfast::PropertyBag;
using holdfast::PropertyValue;
using holdfast::testing::FakeEngine;
using holdfast::tests::TemporaryFolder;
using postgresql::Refused;
using postgresql::Session;

inline const auto& postgresqlType() { return holdfastAgentTypes().front(); }

/** The newest server that Debian installed; empty: none. */
inline std::string binDirectory() {
    std::string newest;
    int version = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator{"/usr/lib/postgresql", none}) {
        const int number = std::atoi(entry.path().filename().c_str());
        if (number > version && fs::exists(entry.path() / "bin/initdb")) {
            version = number, newest = (entry.path() / "bin").string();
        }
    }
    return newest;
}

/** What a command wrote. */
inline std::string outputOf(const std::string& command) {
    std::string all;
    FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error{"cannot run " + command};
    std::array<char, 4096> buffer{};
    while (const std::size_t got = fread(buffer.data(), 1, buffer.size(), pipe)) all.append(buffer.data(), got);
    if (pclose(pipe) != 0) throw std::runtime_error{command + ": " + all};
    return all;
}

class Cluster {
public:
    explicit Cluster(const std::string& configuration = {}) {
        if (geteuid() != 0) SKIP("a server of its own user takes root");
        if (binDirectory().empty()) SKIP("no PostgreSQL server is installed (Debian: postgresql-15)");
        const auto* const user = getpwnam("postgres");
        if (user == nullptr) SKIP("there is no user postgres");
        fs::permissions(folder_.path(), fs::perms{0711});
        for (const auto& each : {data(), sockets()}) {
            fs::create_directory(each);
            REQUIRE(chown(each.c_str(), user->pw_uid, user->pw_gid) == 0);
        }
        asUser(binDirectory() + "/initdb -D " + data().string() + " -A peer -N -E UTF8 --locale=C");
        std::ofstream{data() / "postgresql.conf", std::ios::app}
            << "fsync = off\nshared_buffers = 16MB\nlisten_addresses = ''\nmax_connections = 8\nport = 5499\n"
            << "unix_socket_directories = '" << sockets().string() << "'\n"
            << configuration;
    }

    [[nodiscard]] fs::path data() const { return folder_.path() / "data"; }
    [[nodiscard]] fs::path sockets() const { return folder_.path() / "run"; }
    [[nodiscard]] const RunDirectory& run() const { return run_; }

    [[nodiscard]] PropertyBag properties(const PropertyBag& more = {}) const {
        PropertyBag all{{"DataDirectory", PropertyValue::sz(data().string())},
                        {"BinDirectory", PropertyValue::sz(binDirectory())},
                        {"CheckInterval", PropertyValue::dword(50)},
                        {"ThoroughCheckEvery", PropertyValue::dword(1)}};
        for (const auto& [name, value] : more) all.set(name, value);
        return all;
    }

    static std::string asUser(const std::string& command) { return outputOf("runuser -u postgres -- " + command); }

    /** "in production", "shut down", … */
    [[nodiscard]] std::string state() const {
        const auto all = outputOf("LC_ALL=C " + binDirectory() + "/pg_controldata " + data().string());
        const auto line = all.substr(all.find("Database cluster state:") + 23);
        const auto begin = line.find_first_not_of(' ');
        return line.substr(begin, line.find('\n') - begin);
    }
    /** The postmaster's pid as its lock file says it; 0: there is none. */
    [[nodiscard]] int postmaster() const {
        int pid = 0;
        std::ifstream{data() / "postmaster.pid"} >> pid;
        return pid;
    }
    [[nodiscard]] Session client() {
        return {{{"host", sockets().string()}, {"port", "5499"}, {"dbname", "postgres"}, {"user", "postgres"}},
                data(),
                call_};
    }
    /** Asks as soon as it is answered: a server that recovers says not yet. */
    std::string ask(const std::string& sql) {
        std::string answer;
        const auto answered = [&] {
            try {
                answer = client().ask(sql, call_);
            } catch (const Refused& error) {
                if (!error.lost()) throw;
                return false;
            }
            return true;
        };
        REQUIRE(eventually(answered));
        return answer;
    }
    /** A process with that word in its title, such as "checkpointer"; 0: none. */
    [[nodiscard]] int child(const std::string& word) const {
        // A server writes titles over its environment, so its processes have no marks; they have a parent.
        for (const int pid : holdfast::process::allProcesses()) {
            const auto stat = holdfast::process::readStat(pid);
            if (!stat || stat->parent != postmaster()) continue;
            if (contentOf("/proc/" + std::to_string(pid) + "/cmdline").find(word) != std::string::npos) return pid;
        }
        return 0;
    }

private:
    TemporaryFolder folder_;
    RunDirectory run_{"20000"};
    TestOperation call_;
};

inline std::size_t timesLogged(const FakeEngine& engine, std::string_view text) {
    const auto lines = engine.log();
    return static_cast<std::size_t>(std::count_if(
        lines.begin(), lines.end(), [&](const auto& line) { return line.text.find(text) != std::string::npos; }));
}

/** A fake engine that says what was logged when its test fails by REQUIRE, or if HOLDFAST_TEST_LOG is set. */
class Engine : public FakeEngine {
public:
    using FakeEngine::FakeEngine;
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine() {
        if (std::uncaught_exceptions() == 0 && std::getenv("HOLDFAST_TEST_LOG") == nullptr) return;
        for (const auto& line : log()) std::fprintf(stderr, "    %s\n", line.text.c_str());
    }
};

/** A process of the server's user that has nothing to do with it. */
class Stranger {
public:
    Stranger() : pid_{fork()} {
        if (pid_ == 0) {
            const auto* const user = getpwnam("postgres");
            if (setuid(user->pw_uid) == 0) execlp("sleep", "sleep", "1000", nullptr);
            _exit(1);
        }
    }
    Stranger(const Stranger&) = delete;
    Stranger& operator=(const Stranger&) = delete;
    ~Stranger() {
        ::kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
    }
    [[nodiscard]] int pid() const { return pid_; }

private:
    int pid_;
};

}  // namespace postgresql_bench
