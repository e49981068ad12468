/* SPDX-License-Identifier: BSL-1.0 */
/* A resource library written by hand against Microsoft's headers, as its documentation wants it: start-up routines, function
 * tables, and the entry points, which find their instance and never work themselves. */
#include "agent.h"

static Callbacks ofStartup;   /* what Startup was given last */
static Callbacks ofStartupEx; /* what StartupEx was given last */

/* --- entry points -------------------------------------------------------------------------------------------------- */

static volatile LONG portHeld;   /* by what two bad agents leave in Close */
static volatile LONG everOpened; /* only one bad agent counts */

static RESID openWith(LPCWSTR name, HKEY key, RESOURCE_HANDLE resource, const Callbacks* callbacks) {
    if (IS_BAD(slowOpen)) sleepFor(600);
    if (IS_BAD(openFailsSilently)) return NULL;
    if (IS_BAD(keepsSemaphore) && ++everOpened > 200) { /* W-1113: counted in Open, and never given back */
        SetLastError(ERROR_NO_SYSTEM_RESOURCES);
        return NULL;
    }
    if (IS_BAD(writesInOpen) && key != NULL) {
        HKEY made = NULL;
        DWORD disposition = 0;
        if (ClusterRegCreateKey(key, TEXT16("Parameters"), 0, KEY_ALL_ACCESS, NULL, &made, &disposition) == 0)
            ClusterRegCloseKey(made);
    }
    Instance* const instance = instanceMake(name, key, resource, callbacks);
    if (instance == NULL) {
        SetLastError(ERROR_NOT_ENOUGH_MEMORY); /* W-110 */
        return NULL;
    }
    instance->entityLeft = portHeld;
    if (IS_BAD(statusFromOpen)) {
        RESOURCE_STATUS_EX statusEx = {.ResourceState = ClusterResourceOffline, .CheckPoint = 1};
        RESOURCE_STATUS status = {.ResourceState = ClusterResourceOffline, .CheckPoint = 1};
        if (callbacks->statusEx != NULL)
            callbacks->statusEx(resource, &statusEx);
        else
            callbacks->status(resource, &status);
    }
    return (RESID)instance->id;
}

static RESID WINAPI openV1(LPCWSTR name, HKEY key, RESOURCE_HANDLE resource) {
    return openWith(name, key, resource, &ofStartup);
}
static RESID WINAPI openV1Ex(LPCWSTR name, HKEY key, RESOURCE_HANDLE resource) {
    return openWith(name, key, resource, &ofStartupEx);
}
static RESID WINAPI openV2(LPCWSTR name, HKEY key, RESOURCE_HANDLE resource, DWORD flags) {
    (void)flags;
    return openWith(name, key, resource, &ofStartupEx);
}

/* Logs after Close: in one bad agent, in a thread of its own. */
typedef struct Stray {
    PLOG_EVENT_ROUTINE log;
    RESOURCE_HANDLE resource;
} Stray;
static Stray stray;

static void logLate(void* argument) {
    (void)argument;
    sleepFor(200);
    stray.log(stray.resource, LOG_INFORMATION, TEXT16("Somebody is still here."));
}

static void wander(void* argument) {
    (void)argument;
    for (;;) sleepFor(20);
}

static void WINAPI closeIt(RESID id) {
    if (IS_BAD(slowClose)) sleepFor(600);
    Instance* const instance = instanceTake(id);
    if (instance == NULL) return; /* W-108 */
    mutexLock(&instance->lock);
    instance->closed = 1;
    const State state = instance->state;
    mutexUnlock(&instance->lock);
    if (IS_BAD(closeLeavesRunning) && state == STATE_ONLINE) portHeld = 1;
    if (IS_BAD(closeLeavesPending) && state == STATE_ONLINE_PENDING) portHeld = 1;
    if (IS_BAD(closeFreesEarly) && state == STATE_ONLINE_PENDING) { /* W-1117, and whoever comes next uses the memory */
        instance->name = (WCHAR*)(uintptr_t)64;
        instance->callbacks.status = NULL;
        instance->callbacks.statusEx = NULL;
        threadLeave(instance->worker);
        return;
    }
    runTerminate(instance);                             /* W-116 */
    if (IS_BAD(callsAfterClose) && stray.log == NULL) { /* once: it is not about threads */
        stray.log = instance->callbacks.log;
        stray.resource = instance->resource;
        threadLeave(threadStart(logLate, NULL));
    }
    if (IS_BAD(unloadCrashes) && instance->onlines > 0)
        threadStart(wander, NULL); /* W-004, and nobody pins the library */
    instanceRelease(instance);
}

/* W-108 */
static DWORD unknownId(void) { return IS_BAD(staleIdAccepted) ? ERROR_SUCCESS : ERROR_RESOURCE_NOT_FOUND; }

static DWORD come(RESID id) {
    Instance* const instance = instanceFind(id);
    if (instance == NULL) return unknownId();
    if (IS_BAD(changesDirectory) || IS_BAD(changesEnvironment) || IS_BAD(changesLocale) || IS_BAD(changesSignals))
        changeProcess();
    if (IS_BAD(writesInOnline) && instance->parameters != NULL) { /* W-1102 */
        const DWORD port = 8080;
        ClusterRegSetValue(instance->parameters, TEXT16("Port"), REG_DWORD, (const BYTE*)&port, sizeof port);
    }
    instance->openedBy = threadSelf();
    const DWORD code = runOnline(instance);
    if (IS_BAD(slowOnline)) sleepFor(600); /* W-1103 */
    instanceRelease(instance);
    return code;
}

static DWORD WINAPI onlineV1(RESID id, LPHANDLE event) {
    Instance* const instance = instanceFind(id);
    const DWORD code = come(id);
    if (instance != NULL && event != NULL && code == ERROR_IO_PENDING)
        *event = instance->failed; /* W-120: it is reset by now */
    if (instance != NULL) instanceRelease(instance);
    return code;
}
static DWORD WINAPI onlineV2(RESID id, LPHANDLE event, DWORD flags, BYTE* in, DWORD inSize, DWORD reserved) {
    (void)flags, (void)in, (void)inSize, (void)reserved;
    return onlineV1(id, event);
}

static DWORD WINAPI offlineV1(RESID id) {
    Instance* const instance = instanceFind(id);
    if (instance == NULL) return unknownId();
    mutexLock(&instance->lock);
    const State state = instance->state;
    mutexUnlock(&instance->lock);
    DWORD code = ERROR_SUCCESS;
    if (IS_BAD(slowOffline)) sleepFor(600);
    if (IS_BAD(offlineRefuses) && state == STATE_ONLINE)
        code = ERROR_INVALID_STATE;
    else if (IS_BAD(offlineOnlyOnce) && state == STATE_OFFLINE)
        code = ERROR_INVALID_STATE;
    else if (IS_BAD(threadAffine) && instance->openedBy != threadSelf() && state == STATE_ONLINE)
        code = ERROR_NOT_OWNER; /* W-1133 */
    else
        code = runOffline(instance);
    instanceRelease(instance);
    return code;
}
static DWORD WINAPI offlineV2(RESID id, LPCWSTR node, DWORD flags, BYTE* in, DWORD inSize, DWORD reserved) {
    (void)node, (void)flags, (void)in, (void)inSize, (void)reserved;
    return offlineV1(id);
}

static void WINAPI terminateIt(RESID id) {
    Instance* const instance = instanceFind(id);
    if (instance == NULL) return;
    if (IS_BAD(slowTerminate)) sleepFor(600); /* W-1118: "give it time to end by itself" */
    runTerminate(instance);
    instanceRelease(instance);
}

static BOOL aliveIn(RESID id) {
    Instance* const instance = instanceFind(id);
    if (instance == NULL) return FALSE;
    if (IS_BAD(terminateSkipsChecks)) {
        instance->checking = 1;
        sleepFor(40);
    }
    BOOL alive = runVerdict(instance);
    instance->checking = 0;
    if (IS_BAD(flaps) && alive && ++instance->polls == 5) alive = FALSE; /* W-1125 */
    instanceRelease(instance);
    return alive;
}

static BOOL WINAPI looksAlive(RESID id) {
    if (IS_BAD(slowLooksAlive)) sleepFor(600);
    return aliveIn(id);
}
static BOOL WINAPI isAlive(RESID id) {
    if (IS_BAD(slowIsAlive)) sleepFor(600); /* W-1101 */
    return aliveIn(id);
}

static DWORD WINAPI cancelIt(RESID id, DWORD flags) {
    (void)flags;
    Instance* const instance = instanceFind(id);
    if (instance == NULL) return unknownId();
    runCancel(instance);
    instanceRelease(instance);
    return ERROR_SUCCESS;
}

static DWORD WINAPI controlIt(RESID id, DWORD code, PVOID in, DWORD inSize, PVOID out, DWORD outSize,
                              LPDWORD returned) {
    DWORD nowhere = 0;
    if (returned == NULL) returned = &nowhere;
    if (!IS_BAD(bytesReturnedUntouched)) *returned = 0; /* W-141 */
    Instance* const instance = instanceFind(id);
    if (instance == NULL) return unknownId();
    if (IS_BAD(slowControl) && code == (CONTROL_OBJECT_RESOURCE | CONTROL_GET_PRIVATE_PROPERTIES)) sleepFor(600);
    if (IS_BAD(terminateSkipsControls)) {
        instance->controlling = 1;
        sleepFor(40);
    }
    const DWORD answer = resourceControl(instance, code, in, inSize, out, outSize, returned);
    instance->controlling = 0;
    instanceRelease(instance);
    return answer;
}

static DWORD WINAPI typeControlIt(LPCWSTR type, DWORD code, PVOID in, DWORD inSize, PVOID out, DWORD outSize,
                                  LPDWORD returned) {
    DWORD nowhere = 0;
    if (returned == NULL) returned = &nowhere;
    if (!IS_BAD(bytesReturnedUntouched)) *returned = 0;
    if (type != NULL && !sameText(type, TYPE_NAME)) return ERROR_CLUSTER_RESNAME_NOT_FOUND;
    return typeControl(code, in, inSize, out, outSize, returned);
}

static DWORD WINAPI arbitrateIt(RESID id, PQUORUM_RESOURCE_LOST lost) {
    (void)id, (void)lost;
    return ERROR_SUCCESS;
}

/* --- start-up ------------------------------------------------------------------------------------------------------ */

/* W-021, W-027: static, never written to, and the size is that of the functions. */
#define TABLE_SIZE(size) (IS_BAD(wrongTableSize) ? (DWORD)(size)-4 : (DWORD)(size))
#define LOOKS_ALIVE (IS_BAD(nullSlot) ? NULL : looksAlive)
#define ARBITRATE (IS_BAD(arbitrateAlone) ? arbitrateIt : NULL)
#define V1_FUNCTIONS(open)                                                                                    \
    {                                                                                                         \
        .Open = (open), .Close = closeIt, .Online = onlineV1, .Offline = offlineV1, .Terminate = terminateIt, \
        .LooksAlive = LOOKS_ALIVE, .IsAlive = isAlive, .Arbitrate = ARBITRATE, .Release = NULL,               \
        .ResourceControl = controlIt, .ResourceTypeControl = typeControlIt,                                   \
    }

static const CLRES_FUNCTION_TABLE tableV1 = {.TableSize = TABLE_SIZE(CLRES_V1_FUNCTION_SIZE),
                                             .Version = CLRES_VERSION_V1_00,
                                             .V1Functions = V1_FUNCTIONS(openV1)};
static const CLRES_FUNCTION_TABLE tableV1Ex = {.TableSize = TABLE_SIZE(CLRES_V1_FUNCTION_SIZE),
                                               .Version = CLRES_VERSION_V1_00,
                                               .V1Functions = V1_FUNCTIONS(openV1Ex)};
static const CLRES_FUNCTION_TABLE tableV2 = {.TableSize = TABLE_SIZE(CLRES_V2_FUNCTION_SIZE),
                                             .Version = CLRES_VERSION_V2_00,
                                             .V2Functions = {.Open = openV2,
                                                             .Close = closeIt,
                                                             .Online = onlineV2,
                                                             .Offline = offlineV2,
                                                             .Terminate = terminateIt,
                                                             .LooksAlive = LOOKS_ALIVE,
                                                             .IsAlive = isAlive,
                                                             .Arbitrate = ARBITRATE,
                                                             .Release = NULL,
                                                             .ResourceControl = controlIt,
                                                             .ResourceTypeControl = typeControlIt,
                                                             .Cancel = cancelIt}};

static PCLRES_FUNCTION_TABLE given(const CLRES_FUNCTION_TABLE* table) {
    if (IS_BAD(freshTable)) {
        static CLRES_FUNCTION_TABLE tables[64];
        static unsigned next;
        tables[next % 64] = *table;
        return &tables[next++ % 64];
    }
    return (PCLRES_FUNCTION_TABLE)(uintptr_t)table;
}

static int isOurType(LPCWSTR type) {
    if (IS_BAD(takesAnyType)) return 1;
    if (IS_BAD(comparesWithZero)) return !sameText(type, TYPE_NAME) && type[0] == 0; /* W-1111: equal is 2, not 0 */
    if (IS_BAD(caseMatters)) {
        LPCWSTR own = TYPE_NAME;
        while (*own != 0 && *own == *type) ++own, ++type;
        return *own == *type;
    }
    return sameText(type, TYPE_NAME); /* W-014 */
}

EXPORTED DWORD WINAPI Startup(LPCWSTR type, DWORD lowest, DWORD highest, PSET_RESOURCE_STATUS_ROUTINE status,
                              PLOG_EVENT_ROUTINE log, PCLRES_FUNCTION_TABLE* table);
EXPORTED DWORD WINAPI StartupEx(LPCWSTR type, DWORD lowest, DWORD highest, PCLRES_CALLBACK_FUNCTION_TABLE callbacks,
                                PCLRES_FUNCTION_TABLE* table);

/* Its status routine is that of version 1, so this is the version that comes this way. */
DWORD WINAPI Startup(LPCWSTR type, DWORD lowest, DWORD highest, PSET_RESOURCE_STATUS_ROUTINE status,
                     PLOG_EVENT_ROUTINE log, PCLRES_FUNCTION_TABLE* table) {
    if (IS_BAD(slowStartup)) sleepFor(600);
    if (!isOurType(type)) return ERROR_CLUSTER_RESNAME_NOT_FOUND;
    if ((lowest > CLRES_VERSION_V1_00 || highest < CLRES_VERSION_V1_00) && !IS_BAD(ignoresVersions))
        return ERROR_REVISION_MISMATCH; /* W-015 */
    ofStartup.log = log;
    ofStartup.status = status;
    *table = given(&tableV1);
    return ERROR_SUCCESS;
}

static void* lastEntries[17];

DWORD WINAPI StartupEx(LPCWSTR type, DWORD lowest, DWORD highest, PCLRES_CALLBACK_FUNCTION_TABLE callbacks,
                       PCLRES_FUNCTION_TABLE* table) {
    if (IS_BAD(slowStartup)) sleepFor(600);
    if (!isOurType(type)) return ERROR_CLUSTER_RESNAME_NOT_FOUND;
    if ((lowest > CLRES_VERSION_V2_00 || highest < CLRES_VERSION_V1_00) && !IS_BAD(ignoresVersions))
        return ERROR_REVISION_MISMATCH;
    if (IS_BAD(copiesWholeCallbacks)) { /* W-1128 */
        void* const volatile* const entries = (void* const volatile*)(const void*)callbacks;
        for (int index = 0; index < 17; ++index) lastEntries[index] = entries[index];
    }
    ofStartupEx.log = callbacks->LogEvent; /* W-031: these two are always there */
    ofStartupEx.statusEx = callbacks->SetResourceStatusEx;
    const int second = IS_BAD(exactVersionOnly) ? highest == CLRES_VERSION_V2_00 : highest >= CLRES_VERSION_V2_00;
    *table = given(second ? &tableV2 : &tableV1Ex); /* W-016 */
    return ERROR_SUCCESS;
}

#if defined(BAD_IS_extraExport)
EXPORTED DWORD WINAPI GoodAgentVersion(void);
DWORD WINAPI GoodAgentVersion(void) { return 1; }
#endif

/* --- loading ------------------------------------------------------------------------------------------------------- */

#if defined(_WIN32)
BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID reserved);
BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID reserved) {
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) DisableThreadLibraryCalls(module); /* W-002 */
    if (IS_BAD(slowLoad) && reason == DLL_PROCESS_ATTACH) sleepFor(600);
    return TRUE;
}
#else
__attribute__((constructor)) static void loaded(void) {
    if (IS_BAD(slowLoad)) sleepFor(600);
}
#endif
