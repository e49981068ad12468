/* SPDX-License-Identifier: BSL-1.0 */
#include "portable.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

void mutexInit(Mutex* mutex) { pthread_mutex_init(mutex, NULL); }
void mutexLock(Mutex* mutex) { pthread_mutex_lock(mutex); }
void mutexUnlock(Mutex* mutex) { pthread_mutex_unlock(mutex); }

static int number(HANDLE event) { return (int)(intptr_t)event; }

HANDLE eventCreate(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd == 0) { /* standard input was closed; 0 would read as "no handle" */
        fd = fcntl(0, F_DUPFD_CLOEXEC, 3);
        close(0);
    }
    return fd < 0 ? NULL : (HANDLE)(intptr_t)fd;
}

void eventSignal(HANDLE event) {
    const uint64_t one = 1;
    while (write(number(event), &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void eventReset(HANDLE event) {
    uint64_t count = 0;
    while (read(number(event), &count, sizeof count) < 0 && errno == EINTR) {
    }
}

int eventWait(HANDLE event, DWORD milliseconds) {
    struct pollfd watched = {number(event), POLLIN, 0};
    return poll(&watched, 1, (int)milliseconds) == 1;
}

void eventClose(HANDLE event) { close(number(event)); }

struct Thread {
    pthread_t id;
};

typedef struct Start {
    ThreadRoutine routine;
    void* argument;
} Start;

static void* threadMain(void* argument) {
    const Start start = *(Start*)argument;
    free(argument);
    start.routine(start.argument);
    return NULL;
}

Thread* threadStart(ThreadRoutine routine, void* argument) {
    Thread* const thread = calloc(1, sizeof *thread);
    Start* const start = malloc(sizeof *start);
    if (thread != NULL && start != NULL) {
        sigset_t all;
        sigset_t before;
        start->routine = routine;
        start->argument = argument;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the host's */
        const int failed = pthread_create(&thread->id, NULL, threadMain, start);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (failed == 0) return thread;
    }
    free(start);
    free(thread);
    return NULL;
}

int threadJoin(Thread* thread, DWORD milliseconds) {
    const ULONGLONG deadline = now() + milliseconds;
    while (pthread_tryjoin_np(thread->id, NULL) != 0) {
        if (now() >= deadline) return 0;
        sleepFor(1);
    }
    free(thread);
    return 1;
}

void threadLeave(Thread* thread) {
    static const char here;
    Dl_info found;
    if (dladdr(&here, &found) != 0) dlopen(found.dli_fname, RTLD_NOW | RTLD_NODELETE);
    pthread_detach(thread->id);
    free(thread);
}

ULONGLONG threadSelf(void) { return (ULONGLONG)pthread_self(); }

void sleepFor(DWORD milliseconds) {
    struct timespec left = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

ULONGLONG now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (ULONGLONG)time.tv_sec * 1000 + (ULONGLONG)time.tv_nsec / 1000000;
}

/* UTF-16 to the UTF-8 of a path; whether it fits. */
static int narrow(LPCWSTR text, char* out, size_t size) {
    size_t used = 0;
    while (*text != 0) {
        uint32_t unit = *text++;
        if (unit >= 0xD800 && unit < 0xDC00 && *text >= 0xDC00 && *text < 0xE000)
            unit = 0x10000 + ((unit - 0xD800) << 10) + (uint32_t)(*text++ - 0xDC00);
        if (used + 5 > size) return 0;
        if (unit < 0x80) {
            out[used++] = (char)unit;
        } else if (unit < 0x800) {
            out[used++] = (char)(0xC0 | unit >> 6);
            out[used++] = (char)(0x80 | (unit & 0x3F));
        } else if (unit < 0x10000) {
            out[used++] = (char)(0xE0 | unit >> 12);
            out[used++] = (char)(0x80 | (unit >> 6 & 0x3F));
            out[used++] = (char)(0x80 | (unit & 0x3F));
        } else {
            out[used++] = (char)(0xF0 | unit >> 18);
            out[used++] = (char)(0x80 | (unit >> 12 & 0x3F));
            out[used++] = (char)(0x80 | (unit >> 6 & 0x3F));
            out[used++] = (char)(0x80 | (unit & 0x3F));
        }
    }
    out[used] = 0;
    return 1;
}

int fileExists(LPCWSTR path) {
    char name[4096];
    return narrow(path, name, sizeof name) && access(name, F_OK) == 0;
}

int fileMake(LPCWSTR path) {
    char name[4096];
    if (!narrow(path, name, sizeof name)) return 0;
    const int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) return 0;
    close(fd);
    return 1;
}

void fileRemove(LPCWSTR path) {
    char name[4096];
    if (narrow(path, name, sizeof name)) unlink(name);
}
