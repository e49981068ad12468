// SPDX-License-Identifier: BSL-1.0
// resutils: the workers of pending operations (W-230 to W-234).

#include "substitute.hpp"

#include <memory>
#include <utility>

using namespace holdfast::clusapi;

namespace {

/** Guards every worker's hThread: several threads may end one worker at once (W-232). */
SRWLOCK lock = SRWLOCK_INIT;

class Locked {
public:
    Locked() noexcept { ::AcquireSRWLockExclusive(&lock); }
    Locked(const Locked&) = delete;
    Locked& operator=(const Locked&) = delete;
    ~Locked() { ::ReleaseSRWLockExclusive(&lock); }
};

struct Start {
    PWORKER_START_ROUTINE routine;
    PCLUS_WORKER worker;
    void* parameter;
};

DWORD WINAPI run(void* context) {
    const std::unique_ptr<Start> start{static_cast<Start*>(context)};
    return start->routine(start->worker, start->parameter);
}

/** The worker's thread, by a handle of the caller's own; null if there is none (any more). */
HANDLE ownHandle(PCLUS_WORKER worker) noexcept {
    HANDLE copy = nullptr;
    if (worker->hThread == nullptr) return nullptr;
    ::DuplicateHandle(::GetCurrentProcess(), worker->hThread, ::GetCurrentProcess(), &copy, 0, FALSE,
                      DUPLICATE_SAME_ACCESS);
    return copy;
}

/** W-232, stronger than the original: every caller returns only after the thread's end, or when its time is over. */
DWORD end(PCLUS_WORKER worker, DWORD patience, bool waitOnly) noexcept {
    if (worker == nullptr) return ERROR_INVALID_PARAMETER;
    HANDLE thread = nullptr;
    {
        const Locked locked;
        if (!waitOnly) ::InterlockedExchange(reinterpret_cast<volatile LONG*>(&worker->Terminate), TRUE);
        thread = ownHandle(worker);
    }
    if (thread == nullptr) return ERROR_SUCCESS;
    if (::GetThreadId(thread) == ::GetCurrentThreadId()) {  // W-233: it would wait for itself, for ever
        ::CloseHandle(thread);
        say("ClusWorkerTerminate was called by the worker itself: it ends when its routine returns");
        return ERROR_POSSIBLE_DEADLOCK;
    }
    const DWORD waited = ::WaitForSingleObject(thread, patience);
    if (waited == WAIT_OBJECT_0) {
        const Locked locked;
        // The first of several takes it; a successor's thread is another, and stays.
        if (worker->hThread != nullptr && ::GetThreadId(worker->hThread) == ::GetThreadId(thread)) {
            ::CloseHandle(std::exchange(worker->hThread, nullptr));
        }
    }
    ::CloseHandle(thread);
    if (waited == WAIT_OBJECT_0) return ERROR_SUCCESS;
    return waited == WAIT_TIMEOUT ? static_cast<DWORD>(WAIT_TIMEOUT) : ::GetLastError();
}

}  // namespace

DWORD WINAPI ClusWorkerCreate(PCLUS_WORKER worker, PWORKER_START_ROUTINE routine, PVOID parameter) {
    return guarded([&]() -> DWORD {
        if (worker == nullptr || routine == nullptr) return ERROR_INVALID_PARAMETER;
        const Locked locked;
        if (worker->hThread != nullptr) return ERROR_INVALID_PARAMETER;  // W-230, W-234: end the old one first
        auto start = std::make_unique<Start>(Start{routine, worker, parameter});
        worker->Terminate = FALSE;
        // Suspended until hThread is set: the routine may look at its own block.
        HANDLE const thread = ::CreateThread(nullptr, 0, &run, start.get(), CREATE_SUSPENDED, nullptr);
        if (thread == nullptr) return ::GetLastError();
        static_cast<void>(start.release());
        worker->hThread = thread;
        ::ResumeThread(thread);
        return ERROR_SUCCESS;
    });
}

WINBOOL WINAPI ClusWorkerCheckTerminate(PCLUS_WORKER worker) {
    if (worker == nullptr) return TRUE;
    return ::InterlockedCompareExchange(reinterpret_cast<volatile LONG*>(&worker->Terminate), FALSE, FALSE) != FALSE;
}

VOID WINAPI ClusWorkerTerminate(PCLUS_WORKER worker) { static_cast<void>(end(worker, INFINITE, false)); }

extern "C" DWORD WINAPI ClusWorkerTerminateEx(PCLUS_WORKER worker, DWORD patience, WINBOOL waitOnly) {
    return end(worker, patience, waitOnly != FALSE);
}

extern "C" DWORD WINAPI ClusWorkersTerminate(PCLUS_WORKER* workers, SIZE_T count, DWORD patience, WINBOOL waitOnly) {
    if (workers == nullptr && count != 0) return ERROR_INVALID_PARAMETER;
    const ULONGLONG since = ::GetTickCount64();
    if (waitOnly == FALSE) {  // all are asked before the first is waited for
        for (SIZE_T i = 0; i < count; ++i) static_cast<void>(end(workers[i], 0, false));
    }
    DWORD result = ERROR_SUCCESS;
    for (SIZE_T i = 0; i < count; ++i) {
        const ULONGLONG passed = ::GetTickCount64() - since;
        const DWORD left =
            patience == INFINITE ? INFINITE : static_cast<DWORD>(passed < patience ? patience - passed : 0);
        const DWORD code = end(workers[i], left, true);
        if (result == ERROR_SUCCESS) result = code;
    }
    return result;
}
