// SPDX-License-Identifier: BSL-1.0
// A Windows service that does nothing well, and some things badly if told so, to try the agent on:
//   sc create holdfast-demo binPath= "...\demo_service.exe --heartbeat FILE"
//   --start-delay MS     START_PENDING for so long, its checkpoint moving every 100 ms
//   --stuck              with --start-delay: the checkpoint does not move
//   --heartbeat FILE     touches it every 100 ms
//   --environment FILE   writes its environment there, and the arguments of its start
//   --child FILE         starts a child that does nothing, and writes its process id there
//   --ignore-stop        STOP_PENDING for ever
#include <windows.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>

namespace {

struct Options {
    DWORD startDelay{0};
    bool stuck{false};
    bool ignoreStop{false};
    std::string heartbeat, environment, child;
} options;

SERVICE_STATUS_HANDLE handle = nullptr;
HANDLE stopping = nullptr;  // event

void report(DWORD state, DWORD checkPoint = 0) {
    SERVICE_STATUS status{};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0;
    status.dwCheckPoint = checkPoint;
    status.dwWaitHint = 1'000;
    SetServiceStatus(handle, &status);
}

DWORD WINAPI control(DWORD what, DWORD, void*, void*) {
    if (what == SERVICE_CONTROL_STOP) {
        report(SERVICE_STOP_PENDING, 1);
        if (!options.ignoreStop) SetEvent(stopping);
    }
    return NO_ERROR;
}

void writeEnvironment(DWORD count, wchar_t** arguments) {
    std::ofstream out{options.environment, std::ios::binary};
    char* const block = GetEnvironmentStringsA();
    for (const char* entry = block; *entry != 0; entry += std::string_view{entry}.size() + 1) out << entry << '\n';
    FreeEnvironmentStringsA(block);
    for (DWORD i = 1; i < count; ++i) {
        out << "argument ";
        for (const wchar_t* c = arguments[i]; *c != 0; ++c) out << static_cast<char>(*c);
        out << '\n';
    }
}

void startChild() {
    wchar_t self[MAX_PATH]{};
    GetModuleFileNameW(nullptr, self, MAX_PATH);
    std::wstring command = L"\"" + std::wstring{self} + L"\" --sleep";
    STARTUPINFOW startup{};
    startup.cb = sizeof startup;
    PROCESS_INFORMATION process{};
    if (CreateProcessW(nullptr, command.data(), nullptr, nullptr, FALSE, CREATE_NO_WINDOW, nullptr, nullptr, &startup,
                       &process) == 0) {
        return;
    }
    std::ofstream{options.child} << process.dwProcessId << '\n';
    CloseHandle(process.hThread);
    CloseHandle(process.hProcess);
}

void WINAPI serviceMain(DWORD count, wchar_t** arguments) {
    handle = RegisterServiceCtrlHandlerExW(L"", &control, nullptr);
    stopping = CreateEventW(nullptr, TRUE, FALSE, nullptr);
    report(SERVICE_START_PENDING, 1);
    if (!options.environment.empty()) writeEnvironment(count, arguments);
    if (!options.child.empty()) startChild();
    DWORD checkPoint = 1;
    for (DWORD waited = 0; waited < options.startDelay; waited += 100) {
        Sleep(100);
        report(SERVICE_START_PENDING, options.stuck ? 1 : ++checkPoint);
    }
    report(SERVICE_RUNNING);
    do {
        if (!options.heartbeat.empty()) std::ofstream{options.heartbeat} << "alive\n";
    } while (WaitForSingleObject(stopping, 100) == WAIT_TIMEOUT);
    report(SERVICE_STOPPED);
}

}  // namespace

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const char* const value = i + 1 < argc ? argv[i + 1] : "";
        if (option == "--sleep") Sleep(INFINITE);
        if (option == "--stuck") options.stuck = true;
        if (option == "--ignore-stop") options.ignoreStop = true;
        if (option == "--start-delay") options.startDelay = static_cast<DWORD>(std::atol(value));
        if (option == "--heartbeat") options.heartbeat = value;
        if (option == "--environment") options.environment = value;
        if (option == "--child") options.child = value;
    }
    wchar_t noName[] = L"";
    const SERVICE_TABLE_ENTRYW table[] = {{noName, &serviceMain}, {nullptr, nullptr}};
    return StartServiceCtrlDispatcherW(table) != 0 ? 0 : 1;
}
