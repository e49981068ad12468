/* SPDX-License-Identifier: BSL-1.0 */
#ifndef BAD_AGENTS_PORTABLE_H
#define BAD_AGENTS_PORTABLE_H

/* Threads, locks, events and files, as little as the agents need, for both systems. */

#include "resapi_c.h"

#if !defined(_WIN32)
#include <pthread.h>
#endif

/* Not recursive; no set-up and no end, so a static one is safe (W-002). */
#if defined(_WIN32)
typedef SRWLOCK Mutex;
#define MUTEX_INITIALIZER SRWLOCK_INIT
#else
typedef pthread_mutex_t Mutex;
#define MUTEX_INITIALIZER PTHREAD_MUTEX_INITIALIZER
#endif
void mutexInit(Mutex* mutex);
void mutexLock(Mutex* mutex);
void mutexUnlock(Mutex* mutex);

/* A manual-reset event: what crosses the ABI (W-323). NULL if the system has none left. */
HANDLE eventCreate(void);
void eventSignal(HANDLE event);
void eventReset(HANDLE event);
int eventWait(HANDLE event, DWORD milliseconds); /* whether it is signalled */
void eventClose(HANDLE event);

/* A thread without signals of its own; NULL if the system has none left. */
typedef struct Thread Thread;
typedef void (*ThreadRoutine)(void* argument);
Thread* threadStart(ThreadRoutine routine, void* argument);
/* Whether it ended within the time; then it is gone, else it is still the caller's. */
int threadJoin(Thread* thread, DWORD milliseconds);
/* It is on its own from now on, and the library stays loaded for it. */
void threadLeave(Thread* thread);
ULONGLONG threadSelf(void);

void sleepFor(DWORD milliseconds);
ULONGLONG now(void); /* monotonic milliseconds */

int fileExists(LPCWSTR path);
int fileMake(LPCWSTR path); /* leaves one alone that is there; whether it is there now */
void fileRemove(LPCWSTR path);

#endif
