// SPDX-License-Identifier: BSL-1.0
// A Windows service, through the service control manager (SCM).
#include "service/environment_windows.hpp"
#include "service/processes_windows.hpp"
#include "service/resource_utilities_windows.hpp"
#include "service/scm_windows.hpp"

#include <holdfast/context.hpp>
#include <holdfast/service/roles.hpp>

#include <windows.h>

#include <utility>
#include <vector>

namespace holdfast::inline v1::service {
namespace {

struct StateRow {
    DWORD code;
    State state;
    const char* name;
};
constexpr StateRow states[] = {
    {SERVICE_STOPPED, State::stopped, "STOPPED"},
    {SERVICE_START_PENDING, State::starting, "START_PENDING"},
    {SERVICE_STOP_PENDING, State::stopping, "STOP_PENDING"},
    {SERVICE_RUNNING, State::running, "RUNNING"},
    {SERVICE_CONTINUE_PENDING, State::other, "CONTINUE_PENDING"},
    {SERVICE_PAUSE_PENDING, State::other, "PAUSE_PENDING"},
    {SERVICE_PAUSED, State::other, "PAUSED"},
};

std::string endingOf(const SERVICE_STATUS_PROCESS& status) {
    if (status.dwWin32ExitCode == ERROR_SERVICE_SPECIFIC_ERROR)
        return fmt::format("its own error {}", status.dwServiceSpecificExitCode);
    return status.dwWin32ExitCode == ERROR_SUCCESS ? std::string{} : abi::win32Text(status.dwWin32ExitCode);
}

class ScmControl final : public Control {
public:
    explicit ScmControl(std::string name) : name_{std::move(name)} {}

    Status status() override {
        const ScmHandle service = openService(name_, SERVICE_QUERY_STATUS);
        SERVICE_STATUS_PROCESS raw{};
        DWORD size = 0;
        if (QueryServiceStatusEx(service.get(), SC_STATUS_PROCESS_INFO, reinterpret_cast<BYTE*>(&raw), sizeof raw,
                                 &size) == 0) {
            failScm("query", name_, GetLastError());
        }
        Status status{State::other, raw.dwProcessId, raw.dwCheckPoint, fmt::format("state {}", raw.dwCurrentState), {}};
        for (const auto& row : states) {
            if (row.code != raw.dwCurrentState) continue;
            status.state = row.state;
            status.text = row.name;
        }
        if (status.state == State::stopped) status.ending = endingOf(raw);
        return status;
    }

    void start(const Strings& arguments) override {
        const ScmHandle service = openService(name_, SERVICE_START);
        std::vector<abi::WideString> texts;
        texts.reserve(arguments.size());
        for (const auto& argument : arguments) texts.push_back(abi::toWide(argument));
        std::vector<const wchar_t*> pointers;
        pointers.reserve(texts.size());
        for (const auto& text : texts) pointers.push_back(text.c_str());
        if (StartServiceW(service.get(), static_cast<DWORD>(pointers.size()),
                          pointers.empty() ? nullptr : pointers.data()) != 0) {
            return;
        }
        const DWORD code = GetLastError();
        // Somebody was quicker; it runs, though not with our environment, so it is no success.
        if (code == ERROR_SERVICE_ALREADY_RUNNING) {
            throw Error::make(ErrorCode::busy, "somebody else started service \"{}\" at the same moment", name_);
        }
        failScm("start", name_, code);
    }

    bool requestStop() override {
        const ScmHandle service = openService(name_, SERVICE_STOP);
        SERVICE_STATUS status{};
        if (ControlService(service.get(), SERVICE_CONTROL_STOP, &status) != 0) return true;
        switch (const DWORD code = GetLastError()) {
            case ERROR_SERVICE_NOT_ACTIVE: return true;
            case ERROR_SERVICE_CANNOT_ACCEPT_CTRL:  // it starts or stops; if it starts, it has to be asked again
                return status.dwCurrentState == SERVICE_STOP_PENDING;
            case ERROR_SERVICE_REQUEST_TIMEOUT: return true;  // taken, and not answered in 30 s
            case ERROR_NO_DATA:                               // the pipe to its dead process (Wine)
            case ERROR_BROKEN_PIPE: return true;
            case ERROR_DEPENDENT_SERVICES_RUNNING:
                throw Error::make(
                    ErrorCode::busy,
                    "cannot stop service \"{}\": services that depend on it run; make them resources too, "
                    "or stop them",
                    name_);
            default: failScm("stop", name_, code);
        }
    }

private:
    const std::string name_;
};

class ScmConfiguration final : public Configuration {
public:
    explicit ScmConfiguration(std::string name) : name_{std::move(name)} {}

    void setEnvironment(const std::vector<EnvironmentVariable>& variables) override {
        setServiceEnvironment(name_, variables);
    }
    void removeEnvironment() override { removeServiceEnvironment(name_); }

    void setStartParameters() override {
        const ScmHandle service = openService(name_, SERVICE_QUERY_CONFIG | SERVICE_CHANGE_CONFIG | SERVICE_START);
        const DWORD startType = readStartType(service.get());
        if (startType == SERVICE_DISABLED) {
            throw Error::make(ErrorCode::configuration,
                              "service \"{}\" is disabled, so it must not be started; set it to manual start", name_);
        }
        // W-702: only the cluster starts it.
        if (startType != SERVICE_DEMAND_START &&
            ChangeServiceConfigW(service.get(), SERVICE_NO_CHANGE, SERVICE_DEMAND_START, SERVICE_NO_CHANGE, nullptr,
                                 nullptr, nullptr, nullptr, nullptr, nullptr, nullptr) == 0) {
            failScm("set manual start of", name_, GetLastError());
        }
        // None, with an array that is there: this deletes what was set.
        SC_ACTION none{SC_ACTION_NONE, 0};
        SERVICE_FAILURE_ACTIONSW actions{};
        actions.cActions = 0;
        actions.lpsaActions = &none;
        if (ChangeServiceConfig2W(service.get(), SERVICE_CONFIG_FAILURE_ACTIONS, &actions) == 0)
            failScm("switch off the recovery actions of", name_, GetLastError());
    }

private:
    [[nodiscard]] DWORD readStartType(SC_HANDLE service) const {
        std::vector<BYTE> data(8'192);  // the largest there is
        DWORD needed = 0;
        auto* const configuration = reinterpret_cast<QUERY_SERVICE_CONFIGW*>(data.data());
        if (QueryServiceConfigW(service, configuration, static_cast<DWORD>(data.size()), &needed) == 0)
            failScm("read the configuration of", name_, GetLastError());
        return configuration->dwStartType;
    }

    const std::string name_;
};

}  // namespace

Manager openManager(const std::string& name, Context& context) {
    static_cast<void>(openService(name, SERVICE_QUERY_STATUS));  // it exists, and may be asked
    std::unique_ptr<Configuration> configuration = std::make_unique<ScmConfiguration>(name);
    if (context.engine() == Engine::failoverClustering) {
        if (const auto* const utilities = bindResourceUtilities())
            configuration = makeClusterConfiguration(*utilities, name, context, std::move(configuration));
    }
    return {std::make_unique<ScmControl>(name), std::move(configuration), makeServiceProcesses(name)};
}

}  // namespace holdfast::inline v1::service
