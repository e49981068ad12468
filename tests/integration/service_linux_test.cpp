// SPDX-License-Identifier: BSL-1.0
// The service example agent against a real systemd (systemd-room.sh gives it one), and where there is none.

#include <holdfast/service.hpp>
#include <holdfast/testing.hpp>

#include <fmt/format.h>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace holdfast;
using namespace std::chrono_literals;
using testing::FakeEngine;
namespace fs = std::filesystem;

namespace {

bool systemdRuns() { return fs::is_directory("/run/systemd/system"); }

std::string output(const std::string& command) {
    std::string text;
    FILE* const pipe = ::popen(command.c_str(), "r");
    REQUIRE(pipe != nullptr);
    char buffer[512];
    while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) text.append(buffer, count);
    ::pclose(pipe);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

bool eventually(const auto& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 15s;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

/** A unit with a name that no other test has, gone with it. */
class Unit {
public:
    explicit Unit(const std::string& script, const std::string& more = {})
        : name_{fmt::format("holdfast-test-{}-{}.service", ::getpid(), ++count)}, folder_{"/var/tmp/" + name_} {
        fs::create_directories(folder_);
        std::ofstream{file("script")} << script << '\n';
        std::ofstream{unitFile()} << fmt::format(
            "[Service]\nExecStart=/bin/sh {}\nWorkingDirectory={}\n{}\n[Install]\nWantedBy=multi-user.target\n",
            file("script"), folder_, more);
        output("systemctl daemon-reload");
    }
    ~Unit() {
        output("systemctl kill -s KILL " + name_ + " 2>&1; systemctl stop " + name_ + " 2>&1; systemctl disable " +
               name_ + " 2>&1");
        fs::remove(unitFile());
        fs::remove_all(folder_);
        output("systemctl daemon-reload");
    }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] std::string file(const std::string& file) const { return folder_ + "/" + file; }
    [[nodiscard]] std::string show(const std::string& property) const {
        return output("systemctl show --value -p " + property + " " + name_);
    }
    [[nodiscard]] int process() const { return std::stoi("0" + show("MainPID")); }
    [[nodiscard]] std::string content(const std::string& which) const {
        std::ifstream stream{file(which)};
        std::ostringstream text;
        text << stream.rdbuf();
        return text.str();
    }

private:
    [[nodiscard]] std::string unitFile() const { return "/etc/systemd/system/" + name_; }
    static inline int count = 0;
    const std::string name_;
    const std::string folder_;
};

const auto& agent() { return holdfastAgentTypes().front(); }

PropertyBag properties(const std::string& unit, PropertyBag more = {}) {
    PropertyBag all{{"ServiceName", PropertyValue::sz(unit)}, {"CheckInterval", PropertyValue::dword(50)}};
    for (const auto& [name, value] : more) all.set(name, value);
    return all;
}

bool logged(const FakeEngine& engine, std::string_view text) {
    const auto lines = engine.log();
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return line.text.find(text) != std::string::npos; });
}

bool lives(int process) { return ::kill(process, 0) == 0; }

}  // namespace

TEST_CASE("where no systemd runs, Online says so") {
    if (systemdRuns()) SKIP("systemd runs here");
    FakeEngine engine{agent(), properties("cron")};
    CHECK_FALSE(engine.bringOnline());
#if defined(HOLDFAST_HAS_SYSTEMD)
    CHECK(engine.waitForLog("systemd does not run this machine (there is no /run/systemd/system)"));
#else
    CHECK(engine.waitForLog("this holdfast was built without libsystemd"));
#endif
    CHECK(engine.terminate() == FakeEngine::Answer::done);
}

TEST_CASE("W-702 W-703 a unit comes online with its environment, no longer by itself, and stops", "[.systemd]") {
    if (!systemdRuns()) SKIP("no systemd runs here");
    const Unit unit{"env > environment; exec sleep 1000", "Restart=always\nEnvironment=MODE=slow"};
    output("systemctl enable " + unit.name() + " 2>&1");
    REQUIRE(unit.show("UnitFileState") == "enabled");

    FakeEngine engine{
        agent(), properties(unit.name(), {{"ServiceEnvironment", PropertyValue::multiSz({"EXTRA=50% \"of\" it"})}})};
    engine.setDependencies(Dependencies{{{"name", "Network Name", {{"Name", PropertyValue::sz("SQLVS1")}}, {}}}});
    CHECK(unit.show("UnitFileState") == "enabled");  // W-700: nothing in Open
    REQUIRE(engine.bringOnline());
    CHECK(unit.show("ActiveState") == "active");
    CHECK(unit.show("UnitFileState") == "disabled");
    CHECK(unit.show("Restart") == "no");
    CHECK(engine.isAlive());
    REQUIRE(eventually([&] { return unit.content("environment").find("PWD=") != std::string::npos; }));
    const std::string environment = unit.content("environment");
    CHECK(environment.find("_CLUSTER_NETWORK_NAME_=SQLVS1\n") != std::string::npos);
    CHECK(environment.find("EXTRA=50% \"of\" it\n") != std::string::npos);
    CHECK(environment.find("MODE=slow\n") != std::string::npos);

    const int process = unit.process();
    REQUIRE(engine.takeOffline());
    CHECK(unit.show("ActiveState") == "inactive");
    CHECK_FALSE(lives(process));
    CHECK(unit.show("Environment") == "MODE=slow");
    CHECK(unit.show("UnitFileState") == "disabled");
}

TEST_CASE("the death of a unit's main process is a failure at once, and it comes back", "[.systemd]") {
    if (!systemdRuns()) SKIP("no systemd runs here");
    const Unit unit{"exec sleep 1000", "Restart=always"};
    FakeEngine engine{agent(), properties(unit.name(), {{"CheckInterval", PropertyValue::dword(3'600'000)}})};
    REQUIRE(engine.bringOnline());
    const int process = unit.process();
    const auto since = std::chrono::steady_clock::now();
    ::kill(process, SIGKILL);
    CHECK(engine.waitForFailure());  // no check would find it in time
    CHECK(std::chrono::steady_clock::now() - since < 1s);
    engine.terminate();
    CHECK(unit.process() == 0);  // nobody restarted it
    REQUIRE(engine.bringOnline());
    CHECK(unit.process() != process);
    REQUIRE(engine.takeOffline());
}

TEST_CASE("a unit without a main process fails when systemd says that it ended", "[.systemd]") {
    if (!systemdRuns()) SKIP("no systemd runs here");
    const Unit unit{"exit 0", "Type=oneshot\nRemainAfterExit=yes"};
    FakeEngine engine{agent(), properties(unit.name(), {{"CheckInterval", PropertyValue::dword(3'600'000)}})};
    REQUIRE(engine.bringOnline());
    CHECK(engine.isAlive());
    output("systemctl stop " + unit.name());
    CHECK(engine.waitForFailure());
    CHECK(engine.waitForLog("the unit is inactive"));
}

TEST_CASE("W-700 a unit that runs already is stopped before it is started", "[.systemd]") {
    if (!systemdRuns()) SKIP("no systemd runs here");
    const Unit unit{"exec sleep 1000"};
    output("systemctl start " + unit.name());
    const int before = unit.process();
    REQUIRE(before != 0);
    FakeEngine engine{agent(), properties(unit.name())};
    REQUIRE(engine.bringOnline());
    CHECK_FALSE(lives(before));
    CHECK(logged(engine, "ran already (active (running))"));
    REQUIRE(engine.takeOffline());
}

TEST_CASE("W-704 a unit that never gets ready fails at StartTimeout, and one that dies says how", "[.systemd]") {
    if (!systemdRuns()) SKIP("no systemd runs here");
    const Unit slow{"exec sleep 1000", "Type=notify"};
    FakeEngine engine{agent(), properties(slow.name(), {{"StartTimeout", PropertyValue::dword(1'500)}})};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("did not run 1500 ms after its start (StartTimeout): activating (start)"));
    const auto reports = engine.reports();
    REQUIRE(reports.size() >= 4);
    for (std::size_t i = 1; i + 1 < reports.size(); ++i) CHECK(reports[i].checkPoint > reports[i - 1].checkPoint);
    const int process = slow.process();
    engine.terminate();
    CHECK((process == 0 || !lives(process)));
    CHECK(slow.show("ActiveState") != "activating");

    const Unit dying{"exit 7", "Type=notify"};
    engine.setProperties(properties(dying.name()));
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("ended while it started: result exit-code, status 7"));
}

TEST_CASE("W-705 a unit that ignores its stop is killed with all it started", "[.systemd]") {
    if (!systemdRuns()) SKIP("no systemd runs here");
    const Unit unit{"trap '' TERM; setsid sleep 1000 & echo $! > child; while :; do sleep 1; done"};
    FakeEngine engine{agent(), properties(unit.name(), {{"StopTimeout", PropertyValue::dword(500)}})};
    REQUIRE(engine.bringOnline());
    REQUIRE(eventually([&] { return !unit.content("child").empty(); }));
    const int child = std::stoi(unit.content("child"));
    CHECK(lives(child));
    REQUIRE(engine.takeOffline());
    CHECK_FALSE(lives(child));
    CHECK(logged(engine, "did not stop within 500 ms (StopTimeout)"));

    REQUIRE(engine.bringOnline());
    REQUIRE(eventually([&] { return std::stoi("0" + unit.content("child")) != child; }));
    const int second = std::stoi(unit.content("child"));
    const auto since = std::chrono::steady_clock::now();
    engine.terminate();
    CHECK(std::chrono::steady_clock::now() - since < 2s);
    CHECK_FALSE(lives(second));
}

TEST_CASE("W-702 a masked unit is refused, and one that does not exist is named", "[.systemd]") {
    if (!systemdRuns()) SKIP("no systemd runs here");
    FakeEngine engine{agent(), properties("holdfast-nobody")};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("systemd has no unit \"holdfast-nobody.service\""));

    output("systemctl mask --runtime holdfast-masked.service 2>&1");
    engine.setProperties(properties("holdfast-masked"));
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("unit \"holdfast-masked.service\" is masked"));
    output("systemctl unmask --runtime holdfast-masked.service 2>&1");
}
