// SPDX-License-Identifier: BSL-1.0
#include "scripted_system.hpp"

#include <windows.h>

#include <cstdlib>
#include <cstring>

namespace scripted {

const holdfast::abi::HostFunctions& host() {
    static const auto* functions = [] {
        const auto function = reinterpret_cast<HoldfastHostFunction>(
            reinterpret_cast<void (*)()>(::GetProcAddress(::GetModuleHandleW(nullptr), "HoldfastHost")));
        return function(1);
    }();
    return *functions;
}

Event::Event() : handle_{::CreateEventW(nullptr, TRUE, FALSE, nullptr)} {}
Event::~Event() { ::CloseHandle(handle_); }
void Event::signal() const { ::SetEvent(handle_); }
void Event::reset() const { ::ResetEvent(handle_); }
bool Event::isSignalled() const { return ::WaitForSingleObject(handle_, 0) == WAIT_OBJECT_0; }

void pin() {
    HMODULE self = nullptr;
    ::GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                         reinterpret_cast<LPCWSTR>(reinterpret_cast<void*>(&pin)), &self);
}

void endThread() { ::ExitThread(0); }

void print(const char* text) {
    DWORD count = 0;
    ::WriteFile(::GetStdHandle(STD_OUTPUT_HANDLE), text, static_cast<DWORD>(std::strlen(text)), &count, nullptr);
}

bool crash(const std::string& how) {
    if (how == "raise") {  // an exception of its own kind, which nobody handles
        ::RaiseException(0xE000'1234, 0, 0, nullptr);
    } else if (how == "divide") {
        volatile int zero = 0;
        volatile int result = 1 / zero;
        static_cast<void>(result);
    } else if (how == "kills") {  // the end that leaves no note
        ::TerminateProcess(::GetCurrentProcess(), 7);
    } else if (how == "forks") {  // a program that no one owns: the host's job must end it
        STARTUPINFOW info{};
        info.cb = sizeof info;
        PROCESS_INFORMATION made{};
        wchar_t line[] = L"cmd.exe /c pause";
        wchar_t program[MAX_PATH]{};
        ::GetSystemDirectoryW(program, MAX_PATH);
        ::wcscat(program, L"\\cmd.exe");
        if (::CreateProcessW(program, line, nullptr, nullptr, FALSE, CREATE_SUSPENDED, nullptr, nullptr, &info,
                             &made) != 0) {
            ::CloseHandle(made.hThread);
            ::CloseHandle(made.hProcess);
        }
        std::abort();
    } else {
        return false;
    }
    return true;
}

}  // namespace scripted
