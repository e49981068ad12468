// SPDX-License-Identifier: BSL-1.0
// The program that tests of processes on Windows run: its first argument says what it does. As "host" it is a host of an agent, so
// that a test can kill one.
#include "../process_contexts.hpp"

#include <holdfast/process.hpp>

#include <windows.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cwchar>
#include <string>
#include <string_view>

namespace {

void say(const std::wstring& text) {
    const auto utf8 = [&] {
        std::string out(text.size() * 3, '\0');
        out.resize(static_cast<std::size_t>(::WideCharToMultiByte(CP_UTF8, 0, text.data(),
                                                                  static_cast<int>(text.size()), out.data(),
                                                                  static_cast<int>(out.size()), nullptr, nullptr)));
        return out;
    }();
    std::printf("%s\n", utf8.c_str());
    std::fflush(stdout);
}

std::wstring self() {
    std::array<wchar_t, 1024> path{};
    ::GetModuleFileNameW(nullptr, path.data(), static_cast<DWORD>(path.size()));
    return path.data();
}

std::wstring variable(const wchar_t* name) {
    std::array<wchar_t, 4096> value{};
    const DWORD size = ::GetEnvironmentVariableW(name, value.data(), static_cast<DWORD>(value.size()));
    return {value.data(), size};
}

/** Starts this program again; `flags` as for CreateProcess. */
DWORD spawn(const std::wstring& verb, DWORD flags) {
    std::wstring line = L"\"" + self() + L"\" " + verb;
    STARTUPINFOW start{};
    start.cb = sizeof start;
    PROCESS_INFORMATION made{};
    if (::CreateProcessW(nullptr, line.data(), nullptr, nullptr, FALSE, flags, nullptr, nullptr, &start, &made) == 0) {
        return 0;
    }
    ::CloseHandle(made.hThread);
    ::CloseHandle(made.hProcess);
    return made.dwProcessId;
}

// As a service: it runs until it is told to stop, which takes it a moment in two steps.
SERVICE_STATUS_HANDLE serviceHandle = nullptr;
HANDLE serviceStop = nullptr;

void report(DWORD state, DWORD step) {
    SERVICE_STATUS status{};
    status.dwServiceType = SERVICE_WIN32_OWN_PROCESS;
    status.dwCurrentState = state;
    status.dwControlsAccepted = state == SERVICE_RUNNING ? SERVICE_ACCEPT_STOP : 0;
    status.dwCheckPoint = step;
    status.dwWaitHint = 3'000;
    ::SetServiceStatus(serviceHandle, &status);
}

void WINAPI serviceControl(DWORD control) {
    if (control == SERVICE_CONTROL_STOP) {
        report(SERVICE_STOP_PENDING, 1);
        ::SetEvent(serviceStop);
    }
}

void WINAPI serviceMain(DWORD /*count*/, wchar_t** arguments) {
    serviceStop = ::CreateEventW(nullptr, TRUE, FALSE, nullptr);
    serviceHandle = ::RegisterServiceCtrlHandlerW(arguments[0], &serviceControl);
    report(SERVICE_START_PENDING, 1);
    ::Sleep(200);
    report(SERVICE_RUNNING, 0);
    ::WaitForSingleObject(serviceStop, 120'000);
    ::Sleep(200);
    report(SERVICE_STOPPED, 0);
}

/** A host of an agent: starts a program that only it knows of, and waits to be killed. */
int host(const std::string& resource, const std::string& program) {
    fixture::TestContext context{resource};
    fixture::TestOperation operation;
    holdfast::ProcessSettings settings;
    settings.program = program;
    settings.arguments = {"family"};
    settings.adoptable = true;  // and yet: on Windows it dies with its host
    holdfast::Process process = holdfast::Process::start(context, settings, operation);
    process.onOutput([](std::string_view line) {
        std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
        std::fflush(stdout);
    });
    ::Sleep(60'000);
    return 0;
}

}  // namespace

int wmain(int count, wchar_t** arguments) {
    std::setvbuf(stdout, nullptr, _IONBF, 0);
    const std::wstring verb = count > 1 ? arguments[1] : L"";
    if (verb == L"exit") return static_cast<int>(std::wcstoul(arguments[2], nullptr, 0));
    if (verb == L"later") {  // milliseconds, status
        ::Sleep(std::wcstoul(arguments[2], nullptr, 0));
        return std::wcstol(arguments[3], nullptr, 0);
    }
    if (verb == L"say") {
        for (int i = 2; i < count; ++i) say(std::wstring{L"["} + arguments[i] + L"]");
        return 0;
    }
    if (verb == L"surroundings") {
        std::array<wchar_t, 1024> directory{};
        ::GetCurrentDirectoryW(static_cast<DWORD>(directory.size()), directory.data());
        say(std::wstring{L"in "} + directory.data());
        say(L"greeting=" + variable(L"GREETING"));
        say(L"host=" + variable(L"HOLDFAST_HOST"));
        say(L"the end");
        ::Sleep(60'000);
    }
    if (verb == L"flood") {
        for (int i = 0; i < 20'000; ++i) std::printf("line %d\n", i);
        ::Sleep(1'500);
        say(L"last");
        return 0;
    }
    if (verb == L"obey") {  // ends when its host asks it to
        HANDLE const stop = ::OpenEventW(SYNCHRONIZE, FALSE, variable(L"HOLDFAST_STOP_EVENT").c_str());
        say(stop != nullptr ? L"set" : L"no event");
        ::WaitForSingleObject(stop, 60'000);
        say(L"bye");
        return 0;
    }
    if (verb == L"family") {  // a child, a grandchild, and one that is detached and in a group of its own
        say(L"pid " + std::to_wstring(::GetCurrentProcessId()));
        say(L"pid " + std::to_wstring(spawn(L"child", 0)));
        say(L"pid " + std::to_wstring(spawn(L"sleep", DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP)));
        ::Sleep(60'000);
    }
    if (verb == L"child") {
        spawn(L"sleep", CREATE_NEW_PROCESS_GROUP);
        // Out of the job, if only it could.
        if (spawn(L"sleep", CREATE_BREAKAWAY_FROM_JOB) != 0) return 7;
        ::Sleep(60'000);
    }
    if (verb == L"leave") {  // ends, and leaves somebody behind
        return spawn(L"sleep", DETACHED_PROCESS) != 0 ? 0 : 1;
    }
    if (verb == L"sleep") ::Sleep(60'000);
    if (verb == L"crash") ::RaiseException(0xC0000005, EXCEPTION_NONCONTINUABLE, 0, nullptr);
    if (verb == L"healthy") {  // while the file is there
        if (::GetFileAttributesW(arguments[2]) != INVALID_FILE_ATTRIBUTES) return 0;
        say(L"the flag is down for " + std::wstring{variable(L"PROGRAM_PID").empty() ? L"nobody" : L"a pid"});
        return 1;
    }
    if (verb == L"service") {
        wchar_t name[] = L"";
        const SERVICE_TABLE_ENTRYW services[] = {{name, &serviceMain}, {nullptr, nullptr}};
        return ::StartServiceCtrlDispatcherW(services) != 0 ? 0 : 1;
    }
    if (verb == L"host") {
        const auto narrow = [](const wchar_t* text) { return std::filesystem::path{text}.string(); };
        return host(narrow(arguments[2]), narrow(self().c_str()));
    }
    return 0;
}
