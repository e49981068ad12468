// SPDX-License-Identifier: BSL-1.0
// The functions of the substitute resutils.dll for services, with a real service and the real service control manager.
#include "clusapi/mingw_resapi.hpp"

#include <catch2/catch_test_macros.hpp>

#include <string>

namespace {

/** Installed for the test, and gone with it. */
class Service {
public:
    explicit Service(DWORD start) : name_{L"holdfast-test-" + std::to_wstring(::GetCurrentProcessId())} {
        manager_ = ::OpenSCManagerW(nullptr, nullptr, SC_MANAGER_ALL_ACCESS);
        const std::string program{PROGRAM};
        const std::wstring command = L"\"" + std::wstring{program.begin(), program.end()} + L"\" service";
        service_ =
            ::CreateServiceW(manager_, name_.c_str(), nullptr, SERVICE_ALL_ACCESS, SERVICE_WIN32_OWN_PROCESS, start,
                             SERVICE_ERROR_NORMAL, command.c_str(), nullptr, nullptr, nullptr, nullptr, nullptr);
    }
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service() {
        ResUtilStopService(service_);
        ::DeleteService(service_);
        ::CloseServiceHandle(service_);
        ::CloseServiceHandle(manager_);
    }
    [[nodiscard]] SC_HANDLE get() const noexcept { return service_; }
    [[nodiscard]] const wchar_t* name() const noexcept { return name_.c_str(); }

    [[nodiscard]] SERVICE_STATUS_PROCESS status() const {
        SERVICE_STATUS_PROCESS status{};
        DWORD size = 0;
        ::QueryServiceStatusEx(service_, SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&status), sizeof status,
                               &size);
        return status;
    }
    [[nodiscard]] DWORD startType() const {
        alignas(8) BYTE buffer[4096] = {};
        DWORD size = 0;
        auto* const config = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer);
        return ::QueryServiceConfigW(service_, config, sizeof buffer, &size) != 0 ? config->dwStartType : 0xFFFF;
    }

private:
    std::wstring name_;
    SC_HANDLE manager_{nullptr};
    SC_HANDLE service_{nullptr};
};

int lines = 0;  // the test's thread's

VOID WINAPI countLine(RESOURCE_HANDLE, LOG_LEVEL, LPCWSTR, ...) { ++lines; }

}  // namespace

TEST_CASE("a service is started, verified and stopped, and each may be asked for twice") {
    const Service service{SERVICE_DEMAND_START};
    REQUIRE(service.get() != nullptr);
    CHECK(ResUtilVerifyResourceService(service.name()) == ERROR_RESOURCE_NOT_ONLINE);
    CHECK(ResUtilStopResourceService(service.name()) == ERROR_SUCCESS);
    SC_HANDLE handle = nullptr;
    REQUIRE(ResUtilStartResourceService(service.name(), &handle) == ERROR_SUCCESS);
    CHECK(service.status().dwCurrentState == SERVICE_RUNNING);  // not only pending
    CHECK(ResUtilVerifyService(handle) == ERROR_SUCCESS);
    CHECK(ResUtilVerifyResourceService(service.name()) == ERROR_SUCCESS);
    CHECK(ResUtilStartResourceService(service.name(), nullptr) == ERROR_SUCCESS);
    CHECK(ResUtilSetResourceServiceEnvironment(service.name(), nullptr, nullptr, nullptr) == ERROR_SUCCESS);
    CHECK(ResUtilStopService(handle) == ERROR_SUCCESS);
    CHECK(service.status().dwCurrentState == SERVICE_STOPPED);
    ::CloseServiceHandle(handle);
}

TEST_CASE("W-702 the start parameters make a service the cluster's alone, and a disabled one is refused") {
    SC_HANDLE handle = nullptr;
    {
        const Service service{SERVICE_AUTO_START};
        REQUIRE(service.get() != nullptr);
        CHECK(ResUtilSetResourceServiceStartParameters(service.name(), nullptr, &handle, &countLine, nullptr) ==
              ERROR_SUCCESS);
        CHECK(service.startType() == SERVICE_DEMAND_START);
        CHECK(handle != nullptr);
        ::CloseServiceHandle(handle);
    }
    const Service disabled{SERVICE_DISABLED};
    REQUIRE(disabled.get() != nullptr);
    handle = nullptr;
    lines = 0;
    CHECK(ResUtilSetResourceServiceStartParameters(disabled.name(), nullptr, &handle, &countLine, nullptr) ==
          ERROR_SERVICE_DISABLED);
    CHECK(handle == nullptr);
    CHECK(lines == 1);
}

TEST_CASE("a service's process is killed by its number, and the state says how it was meant") {
    const Service service{SERVICE_DEMAND_START};
    REQUIRE(ResUtilStartResourceService(service.name(), nullptr) == ERROR_SUCCESS);
    const DWORD pid = service.status().dwProcessId;
    REQUIRE(pid != 0);
    HANDLE const process = ::OpenProcess(SYNCHRONIZE, FALSE, pid);
    DWORD state = 0;
    CHECK(ResUtilTerminateServiceProcessFromResDll(pid, FALSE, &state, nullptr, nullptr) == ERROR_SUCCESS);
    CHECK(state == static_cast<DWORD>(ClusterResourceFailed));
    CHECK(::WaitForSingleObject(process, 0) == WAIT_OBJECT_0);
    ::CloseHandle(process);
}
