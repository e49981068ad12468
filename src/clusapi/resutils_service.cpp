// SPDX-License-Identifier: BSL-1.0
// resutils: resources that are Windows services (section 8). Every function here may wait for the service control manager, so none
// belongs in an entry point (W-701).

#include "substitute.hpp"

#include <array>

using namespace holdfast::clusapi;

namespace {

constexpr ULONGLONG patience = 30'000;  // without progress of the service

class Service {
public:
    Service() = default;
    explicit Service(SC_HANDLE handle) noexcept : handle_{handle} {}
    Service(const Service&) = delete;
    Service& operator=(const Service&) = delete;
    ~Service() {
        if (handle_ != nullptr) ::CloseServiceHandle(handle_);
    }
    [[nodiscard]] SC_HANDLE get() const noexcept { return handle_; }
    SC_HANDLE release() noexcept {
        SC_HANDLE const handle = handle_;
        handle_ = nullptr;
        return handle;
    }

private:
    SC_HANDLE handle_{nullptr};
};

template <typename Call>
DWORD withService(LPCWSTR name, DWORD access, Call&& call) {
    if (name == nullptr) return ERROR_INVALID_PARAMETER;
    const Service manager{::OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT)};
    if (manager.get() == nullptr) return ::GetLastError();
    Service service{::OpenServiceW(manager.get(), name, access)};
    if (service.get() == nullptr) return ::GetLastError();
    return call(service);
}

/** Waits until the service leaves `pending`; its patience starts again with each step that the service reports. */
DWORD await(SC_HANDLE service, DWORD pending, SERVICE_STATUS& status) {
    ULONGLONG since = ::GetTickCount64();
    DWORD step = 0;
    for (;;) {
        if (::QueryServiceStatus(service, &status) == 0) return ::GetLastError();
        if (status.dwCurrentState != pending) return ERROR_SUCCESS;
        if (status.dwCheckPoint != step) {
            step = status.dwCheckPoint;
            since = ::GetTickCount64();
        }
        if (::GetTickCount64() - since >= patience) return ERROR_SERVICE_REQUEST_TIMEOUT;
        ::Sleep(50);
    }
}

DWORD stop(SC_HANDLE service) {
    SERVICE_STATUS status{};
    if (const DWORD code = await(service, SERVICE_START_PENDING, status)) return code;  // it would refuse to stop
    if (status.dwCurrentState != SERVICE_STOPPED && status.dwCurrentState != SERVICE_STOP_PENDING &&
        ::ControlService(service, SERVICE_CONTROL_STOP, &status) == 0) {
        const DWORD code = ::GetLastError();
        return code == ERROR_SERVICE_NOT_ACTIVE ? ERROR_SUCCESS : code;
    }
    if (const DWORD code = await(service, SERVICE_STOP_PENDING, status)) return code;
    return status.dwCurrentState == SERVICE_STOPPED ? ERROR_SUCCESS : ERROR_SERVICE_REQUEST_TIMEOUT;
}

DWORD start(SC_HANDLE service) {
    if (::StartServiceW(service, 0, nullptr) == 0 && ::GetLastError() != ERROR_SERVICE_ALREADY_RUNNING) {
        return ::GetLastError();
    }
    SERVICE_STATUS status{};
    if (const DWORD code = await(service, SERVICE_START_PENDING, status)) return code;
    if (status.dwCurrentState == SERVICE_RUNNING) return ERROR_SUCCESS;
    return status.dwWin32ExitCode != NO_ERROR ? status.dwWin32ExitCode : ERROR_SERVICE_NOT_ACTIVE;
}

DWORD verify(SC_HANDLE service) {
    SERVICE_STATUS status{};
    if (::QueryServiceStatus(service, &status) == 0) return ::GetLastError();
    const bool runs = status.dwCurrentState == SERVICE_RUNNING || status.dwCurrentState == SERVICE_START_PENDING;
    return runs ? ERROR_SUCCESS : ERROR_RESOURCE_NOT_ONLINE;
}

/** W-702: started by nobody but the cluster, and not brought back by the service control manager. */
DWORD configure(SC_HANDLE service, LPCWSTR name, PLOG_EVENT_ROUTINE log, RESOURCE_HANDLE resource) {
    alignas(QUERY_SERVICE_CONFIGW) std::array<BYTE, 8'192> buffer{};
    auto* const config = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(buffer.data());
    DWORD size = 0;
    if (::QueryServiceConfigW(service, config, static_cast<DWORD>(buffer.size()), &size) == 0) return ::GetLastError();
    if (config->dwStartType == SERVICE_DISABLED) {
        if (log != nullptr) log(resource, LOG_ERROR, L"Service '%1' is disabled.\n", name);
        return ERROR_SERVICE_DISABLED;
    }
    if (config->dwStartType != SERVICE_DEMAND_START &&
        ::ChangeServiceConfigW(service, SERVICE_NO_CHANGE, SERVICE_DEMAND_START, SERVICE_NO_CHANGE, nullptr, nullptr,
                               nullptr, nullptr, nullptr, nullptr, nullptr) == 0) {
        return ::GetLastError();
    }
    SC_ACTION none{SC_ACTION_NONE, 0};
    SERVICE_FAILURE_ACTIONSW actions{};
    actions.cActions = 1;
    actions.lpsaActions = &none;
    if (::ChangeServiceConfig2W(service, SERVICE_CONFIG_FAILURE_ACTIONS, &actions) == 0) return ::GetLastError();
    return ERROR_SUCCESS;
}

}  // namespace

DWORD WINAPI ResUtilStartResourceService(LPCWSTR name, LPSC_HANDLE out) {
    return withService(name, SERVICE_START | SERVICE_QUERY_STATUS | SERVICE_STOP, [&](Service& service) {
        const DWORD code = start(service.get());
        if (code == ERROR_SUCCESS && out != nullptr) *out = service.release();
        return code;
    });
}
DWORD WINAPI ResUtilStopResourceService(LPCWSTR name) {
    return withService(name, SERVICE_STOP | SERVICE_QUERY_STATUS,
                       [](const Service& service) { return stop(service.get()); });
}
DWORD WINAPI ResUtilStopService(SC_HANDLE service) { return stop(service); }
DWORD WINAPI ResUtilVerifyResourceService(LPCWSTR name) {
    return withService(name, SERVICE_QUERY_STATUS, [](const Service& service) { return verify(service.get()); });
}
DWORD WINAPI ResUtilVerifyService(SC_HANDLE service) { return verify(service); }

DWORD WINAPI ResUtilSetResourceServiceStartParametersEx(LPCWSTR name, SC_HANDLE manager, LPSC_HANDLE out, DWORD access,
                                                        PLOG_EVENT_ROUTINE log, RESOURCE_HANDLE resource) {
    if (name == nullptr || out == nullptr) return ERROR_INVALID_PARAMETER;
    const Service own{manager == nullptr ? ::OpenSCManagerW(nullptr, nullptr, SC_MANAGER_CONNECT) : nullptr};
    SC_HANDLE const from = manager == nullptr ? own.get() : manager;
    if (from == nullptr) return ::GetLastError();
    Service service{::OpenServiceW(from, name, access | SERVICE_CHANGE_CONFIG | SERVICE_QUERY_CONFIG | SERVICE_START)};
    if (service.get() == nullptr) return ::GetLastError();
    const DWORD code = configure(service.get(), name, log, resource);
    if (code == ERROR_SUCCESS) *out = service.release();
    return code;
}

DWORD WINAPI ResUtilSetResourceServiceStartParameters(LPCWSTR name, SC_HANDLE manager, LPSC_HANDLE out,
                                                      PLOG_EVENT_ROUTINE log, RESOURCE_HANDLE resource) {
    return ResUtilSetResourceServiceStartParametersEx(
        name, manager, out, SERVICE_STOP | SERVICE_QUERY_STATUS | SERVICE_ENUMERATE_DEPENDENTS, log, resource);
}

// There is no network name here that a resource could depend on; without one there is nothing to set (W-703).
DWORD WINAPI ResUtilSetResourceServiceEnvironment(LPCWSTR name, HRESOURCE /*resource*/, PLOG_EVENT_ROUTINE log,
                                                  RESOURCE_HANDLE handle) {
    holdfast::clusapi::noteCall("ResUtilSetResourceServiceEnvironment");
    return ResUtilRemoveResourceServiceEnvironment(name, log, handle);
}
DWORD WINAPI ResUtilRemoveResourceServiceEnvironment(LPCWSTR name, PLOG_EVENT_ROUTINE /*log*/,
                                                     RESOURCE_HANDLE /*handle*/) {
    // Whether there is such a service; its environment is its administrator's, since nobody here ever set one.
    return withService(name, SERVICE_QUERY_STATUS, [](const Service&) { return DWORD{ERROR_SUCCESS}; });
}
LPVOID WINAPI ResUtilGetEnvironmentWithNetName(HRESOURCE /*resource*/) {
    ::SetLastError(ERROR_DEPENDENCY_NOT_FOUND);
    return nullptr;
}
DWORD WINAPI ResUtilFreeEnvironment(LPVOID environment) {
    return environment == nullptr ? ERROR_SUCCESS : ERROR_INVALID_PARAMETER;
}

DWORD WINAPI ResUtilTerminateServiceProcessFromResDll(DWORD pid, WINBOOL offline, PDWORD state, PLOG_EVENT_ROUTINE log,
                                                      RESOURCE_HANDLE resource) {
    if (state != nullptr)
        *state = static_cast<DWORD>(offline != FALSE ? ClusterResourceOffline : ClusterResourceFailed);
    HANDLE const process = ::OpenProcess(PROCESS_TERMINATE | SYNCHRONIZE, FALSE, pid);
    if (process == nullptr) {
        const DWORD code = ::GetLastError();
        return code == ERROR_INVALID_PARAMETER ? ERROR_SUCCESS : code;  // it is gone already
    }
    DWORD code = ERROR_SUCCESS;
    if (::TerminateProcess(process, 1) == 0 && ::WaitForSingleObject(process, 0) != WAIT_OBJECT_0) {
        code = ::GetLastError();
    } else if (::WaitForSingleObject(process, 10'000) != WAIT_OBJECT_0) {
        code = WAIT_TIMEOUT;
    }
    ::CloseHandle(process);
    if (code != ERROR_SUCCESS && log != nullptr) {
        log(resource, LOG_ERROR, L"Service process %1!u! was not terminated, error %2!u!.\n", pid, code);
    }
    return code;
}
