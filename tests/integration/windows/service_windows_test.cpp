// SPDX-License-Identifier: BSL-1.0
// The service example agent against the real service control manager, with a service that misbehaves as it is told.

#include "service/environment_windows.hpp"
#include "service/resource_utilities_windows.hpp"
#include "service/scm_windows.hpp"

#include <holdfast/service.hpp>
#include <holdfast/testing.hpp>

#include <catch2/catch_test_macros.hpp>

#include <windows.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace holdfast;
using namespace std::chrono_literals;
using service::ScmHandle;
using testing::FakeEngine;
namespace fs = std::filesystem;

namespace {

class Folder {
public:
    Folder()
        : path_{fs::temp_directory_path() / fmt::format("holdfast-service-{}-{}", GetCurrentProcessId(), ++count)} {
        fs::create_directories(path_);
    }
    ~Folder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }

private:
    static inline int count = 0;
    const fs::path path_;
};

std::string content(const std::string& file) {
    std::ifstream stream{file, std::ios::binary};
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

bool eventually(const auto& holds, std::chrono::seconds patience = 15s) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (!holds()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

/** A service registered for one test, with a name that no other run has; stopped, killed and deleted with it. */
class Registered {
public:
    explicit Registered(const std::string& options, DWORD startType = SERVICE_AUTO_START)
        : name_{fmt::format("holdfast-test-{}-{}", GetCurrentProcessId(), ++count)} {
        const ScmHandle manager{OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS)};
        REQUIRE(manager.get() != nullptr);
        const auto command = abi::toWide(fmt::format("\"{}\" {}", DEMO_SERVICE, options));
        const ScmHandle made{CreateServiceW(manager.get(), abi::toWide(name_).c_str(), nullptr, SERVICE_ALL_ACCESS,
                                            SERVICE_WIN32_OWN_PROCESS, startType, SERVICE_ERROR_NORMAL, command.c_str(),
                                            nullptr, nullptr, nullptr, nullptr, nullptr)};
        REQUIRE(made.get() != nullptr);
    }
    ~Registered() {
        if (const DWORD process = status().dwProcessId; process != 0) end(process);
        const ScmHandle service = open();
        DeleteService(service.get());
    }
    [[nodiscard]] const std::string& name() const { return name_; }
    [[nodiscard]] ScmHandle open() const { return service::openService(name_, SERVICE_ALL_ACCESS); }
    [[nodiscard]] SERVICE_STATUS_PROCESS status() const {
        const ScmHandle service = open();
        SERVICE_STATUS_PROCESS status{};
        DWORD size = 0;
        QueryServiceStatusEx(service.get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status), sizeof status,
                             &size);
        return status;
    }
    [[nodiscard]] DWORD startType() const {
        const ScmHandle service = open();
        std::vector<BYTE> data(8'192);
        DWORD needed = 0;
        auto* const configuration = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(data.data());
        REQUIRE(QueryServiceConfigW(service.get(), configuration, static_cast<DWORD>(data.size()), &needed) != 0);
        return configuration->dwStartType;
    }
    void startByHand() const {
        const ScmHandle service = open();
        const bool started = StartServiceW(service.get(), 0, nullptr) != 0;
        CAPTURE(GetLastError());
        REQUIRE(started);
        REQUIRE(eventually([&] { return status().dwCurrentState == SERVICE_RUNNING; }));
    }
    /** The service's Environment value, one entry per line; "none" without one. */
    [[nodiscard]] std::string environment() const {
        std::vector<wchar_t> data(4'096);
        auto size = static_cast<DWORD>(data.size() * sizeof(wchar_t));
        const auto path = abi::toWide("SYSTEM\\CurrentControlSet\\Services\\" + name_);
        if (RegGetValueW(HKEY_LOCAL_MACHINE, path.c_str(), L"Environment", RRF_RT_REG_MULTI_SZ, nullptr, data.data(),
                         &size) != ERROR_SUCCESS) {
            return "none";
        }
        std::string text;
        for (std::size_t i = 0; i + 1 < size / sizeof(wchar_t); ++i) {
            const wchar_t c = data[i];
            if (c == 0 && (text.empty() || text.back() == '\n')) break;
            text += c == 0 ? '\n' : static_cast<char>(c);
        }
        return text;
    }
    static void end(DWORD process) {
        const HANDLE handle = OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, process);
        if (handle == nullptr) return;
        TerminateProcess(handle, 77);
        WaitForSingleObject(handle, 5'000);
        CloseHandle(handle);
    }
    static bool lives(DWORD process) {
        const HANDLE handle = OpenProcess(SYNCHRONIZE, FALSE, process);
        if (handle == nullptr) return false;
        const bool alive = WaitForSingleObject(handle, 0) == WAIT_TIMEOUT;
        CloseHandle(handle);
        return alive;
    }

private:
    static inline int count = 0;
    const std::string name_;
};

PropertyBag properties(const Registered& service, PropertyBag more = {}) {
    PropertyBag all{{"ServiceName", PropertyValue::sz(service.name())}, {"CheckInterval", PropertyValue::dword(50)}};
    for (const auto& [name, value] : more) all.set(name, value);
    return all;
}

const auto& agent() { return holdfastAgentTypes().front(); }

Dependencies networkName(const std::string& name) {
    return Dependencies{{{"name", "Network Name", {{"Name", PropertyValue::sz(name)}}, {}}}};
}

bool logged(const FakeEngine& engine, std::string_view text) {
    const auto lines = engine.log();
    return std::any_of(lines.begin(), lines.end(),
                       [&](const auto& line) { return line.text.find(text) != std::string::npos; });
}

/** What the engine was told, for whoever reads a failed test. */
std::string told(const FakeEngine& engine) {
    std::string text;
    for (const auto& report : engine.reports()) text += fmt::format("report {}, {}\n", report.state, report.checkPoint);
    for (const auto& line : engine.log()) text += line.text + '\n';
    return text;
}

void bringOnline(FakeEngine& engine) {
    const bool online = engine.bringOnline();
    INFO(told(engine));
    REQUIRE(online);
}

void takeOffline(FakeEngine& engine) {
    const bool offline = engine.takeOffline();
    INFO(told(engine));
    REQUIRE(offline);
}

}  // namespace

TEST_CASE("W-702 W-704 a Windows service comes online over its pending states, is manual from then on, and stops") {
    const Registered service{"--start-delay 600"};
    CHECK(service.startType() == SERVICE_AUTO_START);
    FakeEngine engine{agent(), properties(service, {{"StartParameters", PropertyValue::multiSz({"one", "two"})}})};
    CHECK(service.startType() == SERVICE_AUTO_START);  // W-700: nothing in Open
    bringOnline(engine);
    CHECK(service.status().dwCurrentState == SERVICE_RUNNING);
    CHECK(service.startType() == SERVICE_DEMAND_START);
    CHECK(engine.isAlive());
    CHECK(logged(engine, "START_PENDING, its checkpoint "));
    const auto reports = engine.reports();
    for (std::size_t i = 1; i + 1 < reports.size(); ++i) CHECK(reports[i].checkPoint > reports[i - 1].checkPoint);

    const DWORD process = service.status().dwProcessId;
    takeOffline(engine);
    CHECK(service.status().dwCurrentState == SERVICE_STOPPED);
    CHECK_FALSE(Registered::lives(process));
    CHECK_FALSE(logged(engine, "killed"));
    CHECK(service.startType() == SERVICE_DEMAND_START);
}

TEST_CASE(
    "W-703 the service finds the network name in its environment, and what people configured is there again after") {
    const Folder folder;
    const Registered service{"--environment " + folder.file("environment")};
    service::setServiceEnvironment(service.name(), {});  // nothing to keep yet, and nothing written
    CHECK(service.environment() == "none");
    service::addServiceEnvironment(service.name(), {{"MODE", "slow"}, {"COMPUTERNAME", "IRON"}});
    CHECK(service.environment() == "MODE=slow\nCOMPUTERNAME=IRON\n");

    FakeEngine engine{agent(), properties(service, {{"ServiceEnvironment", PropertyValue::multiSz({"EXTRA=1"})}})};
    engine.setDependencies(networkName("SQLVS1"));
    bringOnline(engine);
    CHECK(
        service.environment() ==
        "MODE=slow\n_CLUSTER_NETWORK_NAME_=SQLVS1\n_CLUSTER_NETWORK_HOSTNAME_=SQLVS1\nCOMPUTERNAME=SQLVS1\nEXTRA=1\n");
    REQUIRE(eventually([&] { return !content(folder.file("environment")).empty(); }));
    if (GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") == nullptr) {
        // Wine's manager starts services without that value.
        CHECK(content(folder.file("environment")).find("_CLUSTER_NETWORK_NAME_=SQLVS1") != std::string::npos);
    }
    // Whoever died while it was online has lost nothing.
    service::setServiceEnvironment(service.name(), {{"AGAIN", "2"}});
    CHECK(service.environment() == "MODE=slow\nCOMPUTERNAME=IRON\nAGAIN=2\n");
    takeOffline(engine);
    CHECK(service.environment() == "MODE=slow\nCOMPUTERNAME=IRON\n");

    engine.setDependencies({});
    engine.setProperties(properties(service));
    bringOnline(engine);
    CHECK(service.environment() == "MODE=slow\nCOMPUTERNAME=IRON\n");
    engine.terminate();
}

TEST_CASE("the death of a Windows service is a failure at once, and it comes back") {
    const Registered service{""};
    FakeEngine engine{agent(), properties(service, {{"CheckInterval", PropertyValue::dword(3'600'000)}})};
    bringOnline(engine);
    const DWORD process = service.status().dwProcessId;
    const auto since = std::chrono::steady_clock::now();
    Registered::end(process);
    CHECK(engine.waitForFailure());  // no check would find it in time
    CHECK(std::chrono::steady_clock::now() - since < 1s);
    CHECK(engine.waitForLog("its process ended: exit code 77"));
    CHECK_FALSE(engine.isAlive());

    engine.terminate();
    bringOnline(engine);  // whatever the manager still says
    CHECK(engine.isAlive());
    CHECK(service.status().dwProcessId != process);
    takeOffline(engine);
}

TEST_CASE("W-700 a service that runs already is stopped before it is started") {
    const Registered service{""};
    service.startByHand();
    const DWORD before = service.status().dwProcessId;
    FakeEngine engine{agent(), properties(service)};
    CHECK(service.status().dwProcessId == before);  // nothing in Open
    bringOnline(engine);
    CHECK_FALSE(Registered::lives(before));
    CHECK(service.status().dwProcessId != before);
    CHECK(logged(engine, "ran already (RUNNING"));
    takeOffline(engine);
}

TEST_CASE("W-704 a service stuck in START_PENDING fails at our own time-out, and nothing of it is left") {
    const Registered service{"--start-delay 600000 --stuck"};
    FakeEngine engine{agent(), properties(service, {{"StartTimeout", PropertyValue::dword(1'500)}})};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("did not run 1500 ms after its start (StartTimeout): START_PENDING, its checkpoint 1"));
    const auto reports = engine.reports();
    REQUIRE(reports.size() >= 4);
    for (std::size_t i = 1; i + 1 < reports.size(); ++i) CHECK(reports[i].checkPoint > reports[i - 1].checkPoint);
    const DWORD process = service.status().dwProcessId;
    engine.terminate();
    CHECK_FALSE(Registered::lives(process));
}

TEST_CASE("a service that ignores its stop is killed after StopTimeout") {
    const Registered service{"--ignore-stop"};
    FakeEngine engine{agent(), properties(service, {{"StopTimeout", PropertyValue::dword(500)}})};
    bringOnline(engine);
    const DWORD process = service.status().dwProcessId;
    takeOffline(engine);
    CHECK_FALSE(Registered::lives(process));
    CHECK(logged(engine, "did not stop within 500 ms (StopTimeout)"));
}

TEST_CASE("W-705 Terminate ends a service with all it started") {
    const Folder folder;
    const Registered service{"--start-delay 300 --child " + folder.file("child")};
    FakeEngine engine{agent(), properties(service)};
    bringOnline(engine);
    REQUIRE(eventually([&] { return !content(folder.file("child")).empty(); }));
    const auto child = static_cast<DWORD>(std::stoul(content(folder.file("child"))));
    const DWORD process = service.status().dwProcessId;
    CHECK(Registered::lives(child));
    const auto since = std::chrono::steady_clock::now();
    engine.terminate();
    CHECK(std::chrono::steady_clock::now() - since < 2s);
    CHECK_FALSE(Registered::lives(process));
    CHECK_FALSE(Registered::lives(child));
}

TEST_CASE("W-702 a disabled service is refused, and one that does not exist is named") {
    const Registered service{"", SERVICE_DISABLED};
    FakeEngine engine{agent(), properties(service)};
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("is disabled, so it must not be started"));
    CHECK(service.startType() == SERVICE_DISABLED);

    engine.setProperties({{"ServiceName", PropertyValue::sz("holdfast-nobody")}});
    CHECK_FALSE(engine.bringOnline());
    CHECK(engine.waitForLog("cannot open service \"holdfast-nobody\": there is no such service (1060)"));
}

TEST_CASE("a service that runs and does no work fails by its heartbeat") {
    const Folder folder;
    const Registered service{"--heartbeat " + folder.file("beat")};
    FakeEngine engine{agent(), properties(service, {{"HeartbeatFile", PropertyValue::sz(folder.file("beat"))},
                                                    {"HeartbeatAge", PropertyValue::dword(1'500)}})};
    bringOnline(engine);
    std::this_thread::sleep_for(500ms);
    CHECK(engine.isAlive());
    // It cannot write there any more.
    const HANDLE hold =
        CreateFileW(abi::toWide(folder.file("beat")).c_str(), GENERIC_READ, 0, nullptr, OPEN_EXISTING, 0, nullptr);
    REQUIRE(eventually([&] { return engine.failureSignalled(); }));
    CHECK(engine.waitForLog("heartbeat"));
    if (hold != INVALID_HANDLE_VALUE) CloseHandle(hold);
    engine.terminate();
}

// ---- the cluster's own library, made up -------------------------------------------------------------------------------

namespace {

std::vector<std::string> utilityCalls;
DWORD utilityAnswer = ERROR_SUCCESS;

DWORD WINAPI setEnvironment(const wchar_t* name, void* resource, abi::LogEventRoutine log, abi::ResourceHandle handle) {
    utilityCalls.push_back(fmt::format("set environment {} {}", abi::toUtf8(name), resource != nullptr));
    log(handle, 1, L"[RES] %1!ws! says %2!u!%%\n", L"it", 42U);
    return utilityAnswer;
}
DWORD WINAPI removeEnvironment(const wchar_t* name, abi::LogEventRoutine, abi::ResourceHandle) {
    utilityCalls.push_back("remove environment " + abi::toUtf8(name));
    return ERROR_SUCCESS;
}
DWORD WINAPI setParameters(const wchar_t* name, SC_HANDLE manager, SC_HANDLE* opened, abi::LogEventRoutine,
                           abi::ResourceHandle) {
    CHECK(manager == nullptr);
    CHECK(*opened == nullptr);
    utilityCalls.push_back("set start parameters " + abi::toUtf8(name));
    return utilityAnswer;
}
int openHandles = 0;
void* WINAPI openResource(void*, const wchar_t* name) {
    utilityCalls.push_back("open resource " + abi::toUtf8(name));
    return ++openHandles, &openHandles;
}
BOOL WINAPI closeResource(void*) { return --openHandles, TRUE; }
void* WINAPI openCluster(const wchar_t*) { return ++openHandles, &openHandles; }
BOOL WINAPI closeCluster(void*) { return --openHandles, TRUE; }

constexpr service::ResourceUtilities utilities{setEnvironment, removeEnvironment, setParameters, openResource,
                                               closeResource,  openCluster,       closeCluster};

/** What it did with the configuration beneath. */
class Beneath final : public service::Configuration {
public:
    void setEnvironment(const std::vector<service::EnvironmentVariable>& variables) override {
        utilityCalls.push_back(fmt::format("beneath: environment of {}", variables.size()));
    }
    void removeEnvironment() override { utilityCalls.emplace_back("beneath: remove environment"); }
    void setStartParameters() override { utilityCalls.emplace_back("beneath: start parameters"); }
};

class Lines final : public Context {
public:
    [[nodiscard]] std::string resourceName() const override { return "sql"; }
    [[nodiscard]] std::string typeName() const override { return {}; }
    [[nodiscard]] std::string nodeName() const override { return {}; }
    [[nodiscard]] StopReason stopReason() const noexcept override { return StopReason::none; }
    void reportFailure(std::string_view) noexcept override {}
    void log(LogLevel, std::string_view text) noexcept override { lines.emplace_back(text); }
    std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("W-700 in a cluster its own library sets environment and start parameters, and its lines are ours") {
    utilityCalls.clear();
    utilityAnswer = ERROR_SUCCESS;
    Lines context;
    const auto configuration =
        service::makeClusterConfiguration(utilities, "MSSQL", context, std::make_unique<Beneath>());
    configuration->setEnvironment({{"_CLUSTER_NETWORK_NAME_", "SQLVS1"}});
    configuration->setStartParameters();
    configuration->removeEnvironment();
    CHECK(utilityCalls == std::vector<std::string>{"open resource sql", "set environment MSSQL true",
                                                   "set start parameters MSSQL", "remove environment MSSQL",
                                                   "beneath: remove environment"});
    CHECK(context.lines == std::vector<std::string>{"[RES] it says 42%"});
    CHECK(openHandles == 0);

    utilityCalls.clear();
    configuration->setEnvironment({{"MODE", "fast"}});  // no network name: nothing for that library to do
    CHECK(utilityCalls == std::vector<std::string>{"beneath: environment of 1"});

    utilityAnswer = ERROR_ACCESS_DENIED;
    CHECK_THROWS_AS(configuration->setStartParameters(), Error);
    CHECK_THROWS_AS(configuration->setEnvironment({{"_CLUSTER_NETWORK_NAME_", "SQLVS1"}}), Error);
    CHECK(openHandles == 0);
}

TEST_CASE("the stubs of Wine's resutils.dll are taken for absent") {
    if (GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") == nullptr) SKIP("this is no Wine");
    CHECK(service::bindResourceUtilities() == nullptr);
}
