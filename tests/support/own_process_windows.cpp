// SPDX-License-Identifier: BSL-1.0
#include "own_process.hpp"

#include <windows.h>
// The two need windows.h first.
#include <psapi.h>
#include <tlhelp32.h>

namespace holdfast::tests {

OwnProcess ownProcess() {
    OwnProcess own;
    HANDLE const snapshot = ::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0);
    if (snapshot != INVALID_HANDLE_VALUE) {
        THREADENTRY32 entry{};
        entry.dwSize = sizeof entry;
        for (BOOL more = ::Thread32First(snapshot, &entry); more != 0; more = ::Thread32Next(snapshot, &entry)) {
            if (entry.th32OwnerProcessID == ::GetCurrentProcessId()) ++own.threads;
        }
        ::CloseHandle(snapshot);
    }
    DWORD handles = 0;
    if (::GetProcessHandleCount(::GetCurrentProcess(), &handles) != 0) own.handles = handles;
    PROCESS_MEMORY_COUNTERS memory{};
    if (::K32GetProcessMemoryInfo(::GetCurrentProcess(), &memory, sizeof memory) != 0) {
        own.residentKibibytes = memory.WorkingSetSize / 1'024;
    }
    return own;
}

}  // namespace holdfast::tests
