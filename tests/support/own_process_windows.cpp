// SPDX-License-Identifier: BSL-1.0
#include "own_process.hpp"

#include <windows.h>
// The two need windows.h first.
#include <psapi.h>
#include <tlhelp32.h>

namespace holdfast::tests {

std::size_t ownThreads() {
    HANDLE const snapshot = ::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    if (snapshot == INVALID_HANDLE_VALUE) return 0;
    std::size_t count = 0;
    THREADENTRY32 entry{};
    entry.dwSize = sizeof entry;
    for (BOOL more = ::Thread32First(snapshot, &entry); more != 0; more = ::Thread32Next(snapshot, &entry)) {
        if (entry.th32OwnerProcessID == ::GetCurrentProcessId()) ++count;
    }
    ::CloseHandle(snapshot);
    return count;
}

/** Asked one by one: Wine's GetProcessHandleCount knows of none. */
std::size_t ownHandles() {
    DWORD counted = 0;
    if (::GetProcessHandleCount(::GetCurrentProcess(), &counted) != 0 && counted != 0) return counted;
    constexpr ULONG_PTR highest = 32'768;
    std::size_t count = 0;
    for (ULONG_PTR value = 4; value < highest; value += 4) {
        DWORD flags = 0;
        if (::GetHandleInformation(reinterpret_cast<HANDLE>(value), &flags) != 0) ++count;
    }
    return count;
}

OwnProcess ownProcess() {
    OwnProcess own;
    own.threads = ownThreads();
    own.handles = ownHandles();
    PROCESS_MEMORY_COUNTERS memory{};
    if (::K32GetProcessMemoryInfo(::GetCurrentProcess(), &memory, sizeof memory) != 0) {
        own.residentKibibytes = memory.WorkingSetSize / 1'024;
    }
    return own;
}

}  // namespace holdfast::tests
