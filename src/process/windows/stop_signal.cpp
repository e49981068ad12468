// SPDX-License-Identifier: BSL-1.0

#include "stop_signal.hpp"

#include "launch.hpp"

namespace holdfast::inline v1::process {
namespace {

using EnumWindowsFunction = BOOL(WINAPI*)(WNDENUMPROC, LPARAM);
using WindowProcessFunction = DWORD(WINAPI*)(HWND, DWORD*);
using PostMessageFunction = BOOL(WINAPI*)(HWND, UINT, WPARAM, LPARAM);

/** user32.dll, bound when it is needed: an agent library is loaded without it. */
struct Windowing {
    EnumWindowsFunction enumerate{nullptr};
    WindowProcessFunction processOf{nullptr};
    PostMessageFunction post{nullptr};
    DWORD pid{0};
};

template <typename Function>
bool bind(HMODULE library, const char* name, Function& function) noexcept {
    function = reinterpret_cast<Function>(reinterpret_cast<void (*)()>(::GetProcAddress(library, name)));
    return function != nullptr;
}

BOOL CALLBACK closeIfOurs(HWND window, LPARAM context) {
    const auto& windowing = *reinterpret_cast<const Windowing*>(context);
    DWORD pid = 0;
    windowing.processOf(window, &pid);
    if (pid == windowing.pid) windowing.post(window, WM_CLOSE, 0, 0);
    return TRUE;
}

void closeWindows(DWORD pid) noexcept {
    HMODULE const library = ::LoadLibraryExW(L"user32.dll", nullptr, LOAD_LIBRARY_SEARCH_SYSTEM32);
    if (library == nullptr) return;
    Windowing windowing;
    windowing.pid = pid;
    if (bind(library, "EnumWindows", windowing.enumerate) &&
        bind(library, "GetWindowThreadProcessId", windowing.processOf) &&
        bind(library, "PostMessageW", windowing.post)) {
        windowing.enumerate(&closeIfOurs, reinterpret_cast<LPARAM>(&windowing));
    }
    ::FreeLibrary(library);
}

}  // namespace

void askToEnd(DWORD pid, HANDLE stop) noexcept {
    if (stop != nullptr) ::SetEvent(stop);
    // Never by attaching to its console: that would take this process's own away from everybody else in it (W-804).
    if (haveConsole()) ::GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, pid);
    closeWindows(pid);
}

}  // namespace holdfast::inline v1::process
