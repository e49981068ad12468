/* SPDX-License-Identifier: BSL-1.0 */
/* The threads of an instance: a worker for the pending operation, and while online the entity and the one that checks it. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

enum {
    STEP_MS = 100,        /* between two reports of an operation (W-220) */
    CHECK_MS = 50,        /* between two checks */
    STANDSTILL_MS = 3000, /* an entity that serves nobody for so long has failed */
    STALE_MS = 6000,      /* a check that takes longer has failed (W-331) */
    START_MS = 5000,      /* the longest time the entity may need to come up */
    STOPPED = 0x7FFFFFFF  /* no error code: the operation was overtaken, and nothing more is said of it */
};

/* What one thread was started for. Owned by the thread. */
typedef struct Task {
    Instance* instance;
    DWORD operation, run;
    DWORD checkPoint;
    int saidTerminate; /* the engine told this operation to end (W-206) */
} Task;

void tell(const Instance* instance, LOG_LEVEL level, LPCWSTR format) {
    Instance* const shared = (Instance*)(uintptr_t)instance;
    mutexLock(&shared->lock);
    WCHAR* const name = copyOf(shared->name); /* SET_NAME may come meanwhile */
    mutexUnlock(&shared->lock);
    if (name == NULL) return;
    RESOURCE_HANDLE resource = instance->resource;
    if (IS_BAD(wrongHandle)) resource = (RESOURCE_HANDLE)instance->id;
    if (IS_BAD(nameAsFormat))
        instance->callbacks.log(resource, level, name); /* W-906 */
    else if (IS_BAD(printfFormat))
        instance->callbacks.log(resource, level, TEXT16("Resource %s: %d.\n"), name, 1);
    else if (IS_BAD(keepsNamePointer))
        instance->callbacks.log(resource, level, format, instance->borrowedName);
    else
        instance->callbacks.log(resource, level, format, name);
    free(name);
}

/* --- generations --------------------------------------------------------------------------------------------------- */

static int isOperation(Instance* instance, DWORD operation) {
    mutexLock(&instance->lock);
    const int current = instance->operation == operation;
    mutexUnlock(&instance->lock);
    return current;
}

static int isRun(Instance* instance, DWORD run) {
    mutexLock(&instance->lock);
    const int current = instance->run == run;
    mutexUnlock(&instance->lock);
    return current;
}

/* Under the instance's lock; the thread owns a Task, and with it a reference. */
static Thread* startThread(Instance* instance, ThreadRoutine routine) {
    Task* const task = calloc(1, sizeof *task);
    if (task == NULL) return NULL;
    task->instance = instance;
    task->operation = instance->operation;
    task->run = instance->run;
    instanceKeep(instance);
    Thread* const thread = threadStart(routine, task);
    if (thread == NULL) {
        instanceRelease(instance);
        free(task);
    }
    return thread;
}

static void endTask(Task* task) {
    instanceRelease(task->instance);
    free(task);
}

/* W-235: never without limit. A thread that does not end is left to itself, with what it touches. */
static void joinUntil(Thread* thread, ULONGLONG deadline) {
    if (thread == NULL) return;
    const ULONGLONG time = now();
    if (!threadJoin(thread, deadline > time ? (DWORD)(deadline - time) : 0)) threadLeave(thread);
}

/* Whoever takes a thread out of the instance has to join it. */
static Thread* take(Thread** place) {
    Thread* const thread = *place;
    *place = NULL;
    return thread;
}

static void stopOperation(Instance* instance, ULONGLONG deadline) {
    mutexLock(&instance->lock);
    ++instance->operation;
    Thread* const worker = take(&instance->worker);
    eventSignal(instance->operationStop);
    mutexUnlock(&instance->lock);
    joinUntil(worker, deadline);
}

static void stopRun(Instance* instance, ULONGLONG deadline) {
    mutexLock(&instance->lock);
    ++instance->run;
    instance->alive = 0;
    Thread* const entity = take(&instance->entity);
    Thread* const poll = take(&instance->poll);
    eventSignal(instance->runStop);
    mutexUnlock(&instance->lock);
    joinUntil(entity, deadline);
    joinUntil(poll, deadline);
}

/* --- reports ------------------------------------------------------------------------------------------------------- */

static DWORD callEngine(const Task* task, CLUSTER_RESOURCE_STATE state) {
    const Instance* const instance = task->instance;
    if (instance->callbacks.statusEx != NULL) {
        RESOURCE_STATUS_EX status;
        memset(&status, 0, sizeof status);
        status.ResourceState = state;
        status.CheckPoint = task->checkPoint;
        return instance->callbacks.statusEx(instance->resource, &status);
    }
    RESOURCE_STATUS status;
    memset(&status, 0, sizeof status);
    status.ResourceState = state;
    status.CheckPoint = task->checkPoint;
    status.WaitHint = STEP_MS;
    return instance->callbacks.status(instance->resource, &status);
}

/* Whether the operation goes on: it is still the instance's, and the engine did not end it. */
static int report(Task* task, CLUSTER_RESOURCE_STATE state) {
    if (task->saidTerminate || !isOperation(task->instance, task->operation)) return 0; /* W-249 */
    if (IS_BAD(checkPointStuck))
        task->checkPoint = 1; /* W-1116 */
    else if (IS_BAD(checkPointFalls))
        task->checkPoint = task->checkPoint == 0 ? 1000 : task->checkPoint - 1;
    else
        ++task->checkPoint; /* W-203 */
    if (callEngine(task, state) == ResourceExitStateTerminate && !IS_BAD(ignoresExitState))
        task->saidTerminate = 1; /* W-206 */
    return !task->saidTerminate;
}

/* Waits for the time the operation is said to take, with a report at each step. 0, STOPPED or a code. */
static DWORD waitReporting(Task* task, DWORD milliseconds, CLUSTER_RESOURCE_STATE state) {
    Instance* const instance = task->instance;
    const ULONGLONG end = now() + milliseconds;
    if (!IS_BAD(silentStart) && !report(task, state)) return STOPPED;
    for (;;) {
        const ULONGLONG time = now();
        if (time >= end && !IS_BAD(neverEnds)) return ERROR_SUCCESS;
        const DWORD left = IS_BAD(neverEnds) ? STEP_MS : (DWORD)(end - time);
        mutexLock(&instance->lock);
        const int deaf =
            !instance->closed && ((IS_BAD(terminateWaitsForOnline) && state == ClusterResourceOnlinePending) ||
                                  (IS_BAD(terminateWaitsForOffline) && state == ClusterResourceOfflinePending));
        mutexUnlock(&instance->lock);
        if (deaf)
            sleepFor(left < STEP_MS ? left : STEP_MS);
        else if (eventWait(instance->operationStop, left < STEP_MS ? left : STEP_MS))
            return isOperation(instance, task->operation) ? ERROR_OPERATION_ABORTED : STOPPED;
        if (IS_BAD(silentStart) || deaf) continue;
        if (time + STEP_MS < end || IS_BAD(neverEnds)) {
            if (!report(task, state)) return STOPPED;
        }
    }
}

/* --- while online -------------------------------------------------------------------------------------------------- */

static void serve(void* argument) {
    Task* const task = argument;
    Instance* const instance = task->instance;
    if (IS_BAD(onlineTooEarly)) eventWait(instance->runStop, 1500);
    while (isRun(instance, task->run)) {
        mutexLock(&instance->lock);
        ++instance->served;
        mutexUnlock(&instance->lock);
        if (eventWait(instance->runStop, 20)) break;
    }
    endTask(task);
}

static LPCWSTR failMark(LPCWSTR path) {
    const size_t length = lengthOf(path);
    WCHAR* const mark = calloc(length + 6, sizeof(WCHAR));
    if (mark == NULL) return NULL;
    memcpy(mark, path, length * sizeof(WCHAR));
    memcpy(mark + length, TEXT16(".fail"), 6 * sizeof(WCHAR));
    return mark;
}

static int fileIsWell(LPCWSTR path) {
    if (path[0] == 0) return 1;
    const LPCWSTR mark = failMark(path);
    const int well = fileExists(path) && (mark == NULL || !fileExists(mark));
    free((void*)(uintptr_t)mark);
    return well;
}

/* The verdict, then the signal (W-320), both under the lock: neither is left for the next run. */
static void fail(Task* task) {
    Instance* const instance = task->instance;
    if (IS_BAD(signalsFirst)) { /* W-1123 */
        eventSignal(instance->failed);
        sleepFor(400);
    }
    mutexLock(&instance->lock);
    const int current = instance->run == task->run;
    if (current) {
        instance->alive = 0;
        if (!IS_BAD(signalsFirst)) eventSignal(instance->failed);
    }
    mutexUnlock(&instance->lock);
    if (current) tell(instance, LOG_ERROR, TEXT16("Resource %1!ws! has failed."));
}

static void check(void* argument) {
    Task* const task = argument;
    Instance* const instance = task->instance;
    Values values;
    valuesRead(instance, &values); /* as the worker that started this thread read and checked them */
    DWORD served = 0;
    ULONGLONG servedAt = now();
    int bad = 0;
    DWORD rounds = 0;
    while (!eventWait(instance->runStop, CHECK_MS) && isRun(instance, task->run)) {
        const int file = fileIsWell(values.of[PATH].text);
        mutexLock(&instance->lock);
        const int moves = instance->served != served;
        served = instance->served;
        if (instance->run == task->run && !IS_BAD(pollHangs)) instance->checkedAt = now();
        mutexUnlock(&instance->lock);
        if (moves) servedAt = now();
        bad = file && now() - servedAt < STANDSTILL_MS ? 0 : bad + 1;
        ++rounds;
        if (IS_BAD(statusWhileOnline) && rounds == 15) callEngine(task, ClusterResourceOnline);
        if (IS_BAD(eventClosedEarly) && rounds == 2) { /* W-1124 */
            mutexLock(&instance->lock);
            eventClose(instance->failed);
            instance->eventGone = 1;
            mutexUnlock(&instance->lock);
        }
        if (bad == 0) continue;
        if (IS_BAD(pollHangs)) { /* W-1126: the check hangs as soon as there is something to find */
            eventWait(instance->runStop, 600000);
            break;
        }
        if (bad >= 2) { /* W-136: one bad look may be chance */
            fail(task);
            break;
        }
    }
    valuesFree(&values);
    endTask(task);
}

BOOL runVerdict(Instance* instance) {
    mutexLock(&instance->lock);
    int alive = instance->alive && (IS_BAD(pollHangs) || now() - instance->checkedAt <= STALE_MS);
    if (IS_BAD(onlineTooEarly) && instance->served == 0) alive = 0;
    mutexUnlock(&instance->lock);
    return alive;
}

/* --- Online -------------------------------------------------------------------------------------------------------- */

/* Starts what Online is to start, unless it was overtaken. */
static DWORD startRun(Task* task) {
    Instance* const instance = task->instance;
    mutexLock(&instance->lock);
    DWORD code = STOPPED;
    if (instance->operation == task->operation) {
        instance->entity = startThread(instance, serve);
        code = instance->entity != NULL ? ERROR_SUCCESS : ERROR_NO_SYSTEM_RESOURCES;
    }
    mutexUnlock(&instance->lock);
    return code;
}

static DWORD waitUntilServing(Task* task) {
    Instance* const instance = task->instance;
    if (IS_BAD(onlineTooEarly)) return ERROR_SUCCESS;
    for (const ULONGLONG end = now() + START_MS; now() < end;) {
        mutexLock(&instance->lock);
        const int up = instance->served > 0;
        mutexUnlock(&instance->lock);
        if (up) return ERROR_SUCCESS;
        if (eventWait(instance->operationStop, 5))
            return isOperation(instance, task->operation) ? ERROR_OPERATION_ABORTED : STOPPED;
    }
    return ERROR_NO_SYSTEM_RESOURCES;
}

static DWORD goOnline(Task* task) {
    Instance* const instance = task->instance;
    mutexLock(&instance->lock);
    DWORD code = STOPPED;
    if (instance->operation == task->operation) {
        instance->poll = startThread(instance, check);
        code = instance->poll != NULL ? ERROR_SUCCESS : ERROR_NO_SYSTEM_RESOURCES;
        instance->alive = code == ERROR_SUCCESS; /* W-332 */
        instance->checkedAt = now();
        if (code == ERROR_SUCCESS) instance->state = STATE_ONLINE;
    }
    mutexUnlock(&instance->lock);
    return code;
}

static DWORD prepareFile(LPCWSTR path) {
    if (path[0] == 0) return ERROR_SUCCESS;
    const LPCWSTR mark = failMark(path);
    if (mark != NULL) fileRemove(mark);
    free((void*)(uintptr_t)mark);
    return fileMake(path) ? ERROR_SUCCESS : ERROR_FILE_NOT_FOUND;
}

static DWORD bringOnline(Task* task) {
    Values values;
    DWORD code = valuesRead(task->instance, &values); /* W-122: what is stored now */
    if (code == ERROR_SUCCESS) code = waitReporting(task, values.of[DELAY].number, ClusterResourceOnlinePending);
    if (code == ERROR_SUCCESS && task->instance->entityLeft) { /* in bad agents: something has the port, once */
        task->instance->entityLeft = 0;
        code = ERROR_INVALID_STATE;
    }
    if (code == ERROR_SUCCESS) code = prepareFile(values.of[PATH].text);
    if (code == ERROR_SUCCESS) code = startRun(task);
    if (code == ERROR_SUCCESS) code = waitUntilServing(task);
    if (code == ERROR_SUCCESS) code = goOnline(task);
    valuesFree(&values);
    return code;
}

/* The bad agents whose Online does not end when it is overtaken. */
static void onlineOvertaken(Task* task) {
    Instance* const instance = task->instance;
    mutexLock(&instance->lock);
    if (IS_BAD(reportsAfterTerminate) && instance->forgotten) { /* W-1107 */
        const DWORD operation = instance->forgotten;
        instance->forgotten = 0;
        mutexUnlock(&instance->lock);
        sleepFor(150);
        mutexLock(&instance->lock);
        const int quiet =
            instance->operation == operation && !instance->closed; /* else it is the report of another operation */
        mutexUnlock(&instance->lock);
        if (quiet) callEngine(task, ClusterResourceFailed);
        return;
    }
    if (instance->forgotten) { /* nobody told it to stop, so it does what it was started for */
        instance->forgotten = 0;
        instance->alive = 1;
        instance->checkedAt = now();
    }
    mutexUnlock(&instance->lock);
}

static void onlineWorker(void* argument) {
    Task* const task = argument;
    Instance* const instance = task->instance;
    const DWORD code = bringOnline(task);
    if (code == ERROR_SUCCESS) {
        tell(instance, LOG_INFORMATION, TEXT16("Resource %1!ws! is online."));
        report(task, IS_BAD(onlineEndsOffline) ? ClusterResourceOffline : ClusterResourceOnline);
        if (IS_BAD(reportsTwice)) report(task, ClusterResourceOnline);
        if (IS_BAD(offlineLeavesLock) || IS_BAD(terminateLeavesEntity)) instance->entityLeft = 1;
        if (IS_BAD(leaksInOnline)) eventCreate();
    } else if (code != STOPPED) {
        stopRun(instance, now() + START_MS);
        mutexLock(&instance->lock);
        if (instance->operation == task->operation) instance->state = STATE_FAILED;
        mutexUnlock(&instance->lock);
        tell(instance, LOG_ERROR, TEXT16("Resource %1!ws! cannot come online."));
        report(task, ClusterResourceFailed);
    } else {
        onlineOvertaken(task);
    }
    endTask(task);
}

static void idle(void* argument) {
    (void)argument;
    for (;;) sleepFor(60000);
}

DWORD runOnline(Instance* instance) {
    mutexLock(&instance->lock);
    const DWORD terminations = instance->terminations;
    mutexUnlock(&instance->lock);
    const ULONGLONG deadline = now() + PATIENCE_MS;
    stopOperation(instance, deadline); /* W-234 */
    stopRun(instance, deadline);       /* W-124 */
    mutexLock(&instance->lock);
    DWORD code = ERROR_OPERATION_ABORTED; /* W-240: Terminate won while this call was on its way */
    if (instance->terminations == terminations) {
        ++instance->operation;
        ++instance->run;
        instance->served = 0;
        instance->terminatedInARow = 0;
        ++instance->onlines;
        instance->polls = 0;
        eventReset(instance->operationStop);
        eventReset(instance->runStop);
        if (IS_BAD(eventLeftSignalled))
            eventSignal(instance->failed);
        else if (!instance->eventGone)
            eventReset(instance->failed); /* W-246 */
        instance->state = STATE_ONLINE_PENDING;
        instance->worker = startThread(instance, onlineWorker);
        code = instance->worker != NULL ? ERROR_IO_PENDING : ERROR_NO_SYSTEM_RESOURCES;
        if (instance->worker == NULL) instance->state = STATE_FAILED;
    }
    if (IS_BAD(leaksThreads)) threadLeave(threadStart(idle, NULL));
    mutexUnlock(&instance->lock);
    return code;
}

/* --- Offline, Terminate, Cancel ------------------------------------------------------------------------------------ */

static void offlineWorker(void* argument) {
    Task* const task = argument;
    Instance* const instance = task->instance;
    Values values;
    valuesRead(instance, &values);
    const DWORD code = waitReporting(task, values.of[DELAY].number, ClusterResourceOfflinePending);
    valuesFree(&values);
    if (code != STOPPED) { /* Cancel only makes it quicker (W-150) */
        stopRun(instance, now() + START_MS);
        mutexLock(&instance->lock);
        if (instance->operation == task->operation) instance->state = STATE_OFFLINE;
        mutexUnlock(&instance->lock);
        if (IS_BAD(terminateLeavesEntity)) instance->entityLeft = 0;
        tell(instance, LOG_INFORMATION, TEXT16("Resource %1!ws! is offline."));
        report(task, IS_BAD(offlineEndsOnline) ? ClusterResourceOnline : ClusterResourceOffline);
    }
    endTask(task);
}

DWORD runOffline(Instance* instance) {
    mutexLock(&instance->lock);
    const DWORD terminations = instance->terminations;
    const int pendingOnline = instance->state == STATE_ONLINE_PENDING;
    mutexUnlock(&instance->lock);
    if (IS_BAD(offlineBesideOnline) && pendingOnline) {
        mutexLock(&instance->lock);
        ++instance->operation; /* its reports are dropped, and that is all */
        instance->forgotten = 1;
        instance->state = STATE_OFFLINE;
        mutexUnlock(&instance->lock);
        return ERROR_SUCCESS;
    }
    stopOperation(instance, now() + PATIENCE_MS); /* W-242 */
    mutexLock(&instance->lock);
    DWORD code = ERROR_SUCCESS;
    if (instance->terminations != terminations || (instance->entity == NULL && instance->poll == NULL)) {
        instance->state = STATE_OFFLINE; /* W-127 */
    } else {
        ++instance->operation;
        eventReset(instance->operationStop);
        instance->state = STATE_OFFLINE_PENDING;
        instance->worker = startThread(instance, offlineWorker);
        code = instance->worker != NULL ? ERROR_IO_PENDING : ERROR_NO_SYSTEM_RESOURCES;
    }
    mutexUnlock(&instance->lock);
    return code;
}

static void stopOne(Instance* other) {
    mutexLock(&other->lock);
    other->alive = 0;
    mutexUnlock(&other->lock);
}

/* Whether a bad agent leaves Terminate early. */
static int terminateSkipped(Instance* instance, State before) {
    mutexLock(&instance->lock);
    int skipped = (IS_BAD(terminateSkipsChecks) && instance->checking) ||
                  (IS_BAD(terminateSkipsControls) && instance->controlling);
    if (IS_BAD(terminateForgetsOnline) && before == STATE_ONLINE_PENDING) {
        ++instance->operation;
        instance->forgotten = 1;
        skipped = 1;
    }
    if (IS_BAD(offlineLeavesLock)) instance->entityLeft = 0;
    if (IS_BAD(terminateNeedsRun) && instance->onlines == 0) instance->entityLeft = 1;
    if (IS_BAD(terminateTwiceBreaks) && instance->onlines > 0 && instance->terminatedInARow >= 2)
        instance->entityLeft = 1;
    mutexUnlock(&instance->lock);
    return skipped;
}

void runTerminate(Instance* instance) {
    mutexLock(&instance->lock);
    const State before = instance->state;
    ++instance->terminations;
    ++instance->terminatedInARow;
    instance->state = STATE_OFFLINE;
    mutexUnlock(&instance->lock);
    if (terminateSkipped(instance, before)) return;
    if (IS_BAD(stopsAllInstances)) instanceForEach(stopOne);
    const ULONGLONG patience =
        IS_BAD(terminateWaitsForOnline) || IS_BAD(terminateWaitsForOffline) ? 600000 : PATIENCE_MS;
    const ULONGLONG deadline = now() + patience;
    if (IS_BAD(reportsAfterTerminate) && before == STATE_ONLINE_PENDING && !instance->closed) {
        mutexLock(&instance->lock); /* the worker is told, and not waited for */
        instance->forgotten = ++instance->operation;
        Thread* const worker = take(&instance->worker);
        eventSignal(instance->operationStop);
        mutexUnlock(&instance->lock);
        if (worker != NULL) threadLeave(worker);
    } else {
        stopOperation(instance, deadline);
    }
    const int aliveBefore = runVerdict(instance);
    stopRun(instance, deadline);
    mutexLock(&instance->lock);
    if (!IS_BAD(eventLeftSignalled) && !instance->eventGone) eventReset(instance->failed); /* W-132 */
    if (IS_BAD(aliveAfterTerminate) && aliveBefore) {
        instance->alive = 1;
        instance->checkedAt = now();
    }
    mutexUnlock(&instance->lock);
}

void runCancel(Instance* instance) { eventSignal(instance->operationStop); }
