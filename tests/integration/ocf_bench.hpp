// SPDX-License-Identifier: BSL-1.0
#pragma once

// An OCF agent as Pacemaker runs it: its launcher, an environment, a run directory of its own.

#include "ocf/connection.hpp"
#include "ocf/place.hpp"
#include "ocf/record.hpp"
#include "process/names.hpp"
#include "process/proc.hpp"
#include "support/program.hpp"

#include <catch2/catch_test_macros.hpp>

#include <signal.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace holdfast::test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;
using Variables = std::vector<std::pair<std::string, std::string>>;

inline bool eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience = 30s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

inline std::string textOf(const fs::path& file) {
    std::ostringstream text;
    text << std::ifstream{file}.rdbuf();
    return text.str();
}

struct Ran {
    int code;
    std::string text;
    std::chrono::milliseconds took;
    [[nodiscard]] bool says(const std::string& part) const { return text.find(part) != std::string::npos; }
};

/** One resource in a folder of its own; what is left of it at the end is ended. */
class OcfRoom {
public:
    explicit OcfRoom(std::string instance = "db", std::string launcher = ROOM_AGENT)
        : folder{fs::temp_directory_path() / ("holdfast-ocf-" + std::to_string(::getpid()))},
          instance_{std::move(instance)},
          launcher_{std::move(launcher)} {
        fs::remove_all(folder);
        fs::create_directories(folder / "run");
        fs::create_directories(folder / "room");
        std::ofstream{folder / "log"}.flush();
        ::setenv("HA_RSCTMP", (folder / "run").c_str(), 1);
        place = ocf::Place::of(instance_);
    }
    OcfRoom(const OcfRoom&) = delete;
    OcfRoom& operator=(const OcfRoom&) = delete;
    ~OcfRoom() {
        for (const auto& entry : fs::directory_iterator{folder / "room"}) {
            if (entry.path().filename().string().find('-') != std::string::npos) fs::remove(entry.path());
        }
        if (const auto host = hostPid(); host > 0) ::kill(host, SIGCONT);
        static_cast<void>(run("stop"));
        for (const int pid : marked()) ::kill(pid, SIGKILL);
        fs::remove_all(folder);
    }

    [[nodiscard]] Variables variables(Variables more = {}) const {
        Variables all{{"OCF_ROOT", "/usr/lib/ocf"},
                      {"OCF_RA_VERSION_MAJOR", "1"},
                      {"OCF_RA_VERSION_MINOR", "1"},
                      {"OCF_RESOURCE_INSTANCE", instance_},
                      {"OCF_RESKEY_CRM_meta_timeout", "20000"},
                      {"OCF_RESKEY_Room", (folder / "room").string()},
                      {"HA_RSCTMP", (folder / "run").string()},
                      {"HA_LOGFILE", (folder / "log").string()},
                      {"HA_LOGFACILITY", "none"}};
        for (auto& [name, value] : more) {
            bool known = false;
            for (auto& [given, old] : all) {
                if (given == name) old = value, known = true;
            }
            if (!known) all.emplace_back(name, value);
        }
        return all;
    }
    [[nodiscard]] std::unique_ptr<tests::Program> begin(const std::string& action, Variables more = {}) const {
        return std::make_unique<tests::Program>(launcher_, std::vector<std::string>{action},
                                                tests::Program::Options{variables(std::move(more)), {}});
    }
    [[nodiscard]] Ran run(const std::string& action, Variables more = {}) const {
        const auto start = std::chrono::steady_clock::now();
        const auto program = begin(action, std::move(more));
        const int code = program->ends();
        return {code, program->all,
                std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start)};
    }
    /** As the cluster's executor asks, every second, with a timeout. */
    [[nodiscard]] static Variables recurring(const std::string& timeout = "20000") {
        return {{"OCF_RESKEY_CRM_meta_interval", "1000"},
                {"OCF_RESKEY_CRM_meta_timeout", timeout},
                {"PCMK_service", "pacemaker-execd"}};
    }

    void tell(const char* what) const { std::ofstream{folder / "room" / what}.flush(); }
    void untell(const char* what) const { fs::remove(folder / "room" / what); }
    [[nodiscard]] bool has(const char* what) const { return fs::exists(folder / "room" / what); }
    [[nodiscard]] std::string calls() const { return textOf(folder / "room" / "calls"); }
    [[nodiscard]] std::string log() const { return textOf(folder / "log"); }
    /** 0 if there is none. */
    [[nodiscard]] int hostPid() const {
        const auto record = ocf::restore(place.record);
        return record && ocf::lives(*record) ? record->pid : 0;
    }
    /** Hosts and what they forked by themselves. */
    [[nodiscard]] std::vector<int> marked() const {
        const auto found = process::findMarked("HOLDFAST_HOST=" + place.directory + ":" + instance_);
        return {found.begin(), found.end()};
    }
    void killHost() const {
        const int pid = hostPid();
        REQUIRE(pid > 0);
        REQUIRE(::kill(pid, SIGKILL) == 0);
        REQUIRE(eventually([&] { return hostPid() != pid; }));  // a waiting monitor starts another
    }

    const fs::path folder;
    ocf::Place place;

private:
    const std::string instance_;
    const std::string launcher_;
};

}  // namespace holdfast::test
