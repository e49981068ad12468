/* SPDX-License-Identifier: BSL-1.0 */
#include "portable.h"

#include <stdlib.h>

void mutexInit(Mutex* mutex) { InitializeSRWLock(mutex); }
void mutexLock(Mutex* mutex) { AcquireSRWLockExclusive(mutex); }
void mutexUnlock(Mutex* mutex) { ReleaseSRWLockExclusive(mutex); }

HANDLE eventCreate(void) { return CreateEventW(NULL, TRUE, FALSE, NULL); }
void eventSignal(HANDLE event) { SetEvent(event); }
void eventReset(HANDLE event) { ResetEvent(event); }
int eventWait(HANDLE event, DWORD milliseconds) { return WaitForSingleObject(event, milliseconds) == WAIT_OBJECT_0; }
void eventClose(HANDLE event) { CloseHandle(event); }

struct Thread {
    HANDLE handle;
    ThreadRoutine routine;
    void* argument;
};

typedef struct Start {
    ThreadRoutine routine;
    void* argument;
} Start;

static DWORD WINAPI threadMain(LPVOID argument) {
    const Start start = *(Start*)argument;
    free(argument);
    start.routine(start.argument);
    return 0;
}

Thread* threadStart(ThreadRoutine routine, void* argument) {
    Thread* const thread = calloc(1, sizeof *thread);
    Start* const start = malloc(sizeof *start);
    if (thread != NULL && start != NULL) {
        start->routine = routine;
        start->argument = argument;
        thread->handle = CreateThread(NULL, 0, threadMain, start, 0, NULL);
        if (thread->handle != NULL) return thread;
    }
    free(start);
    free(thread);
    return NULL;
}

int threadJoin(Thread* thread, DWORD milliseconds) {
    if (WaitForSingleObject(thread->handle, milliseconds) != WAIT_OBJECT_0) return 0;
    CloseHandle(thread->handle);
    free(thread);
    return 1;
}

void threadLeave(Thread* thread) {
    static const char here;
    HMODULE module = NULL;
    GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN, (LPCWSTR)&here, &module);
    CloseHandle(thread->handle);
    free(thread);
}

ULONGLONG threadSelf(void) { return GetCurrentThreadId(); }

void sleepFor(DWORD milliseconds) { Sleep(milliseconds); }
ULONGLONG now(void) { return GetTickCount64(); }

int fileExists(LPCWSTR path) { return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES; }

int fileMake(LPCWSTR path) {
    const HANDLE file = CreateFileW(path, GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                                    OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) return 0;
    CloseHandle(file);
    return 1;
}

void fileRemove(LPCWSTR path) { DeleteFileW(path); }
