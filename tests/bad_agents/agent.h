/* SPDX-License-Identifier: BSL-1.0 */
#ifndef BAD_AGENTS_AGENT_H
#define BAD_AGENTS_AGENT_H

/* The inside of the hand-written agent: type "Good Agent", a thread that serves, and, if Path is set, a file that must be
 * there. Failed is the one whose thread stands still, whose file is gone, or beside whose file lies a file PATH.fail. */

#include "bad_agents.h"
#include "portable.h"

#define TYPE_NAME TEXT16("Good Agent")

/* The most that an entry point waits for its threads, below the 300 ms of W-100. */
enum { PATIENCE_MS = 240 };

enum { PATH, PORT, DELAY, NAMES, VERSION, PROPERTY_COUNT };

typedef struct Value {
    DWORD number;
    WCHAR* text; /* owned; terminated as its format wants */
    DWORD bytes; /* of the text, with its end */
} Value;

typedef struct Values {
    Value of[PROPERTY_COUNT];
} Values;

typedef enum State { STATE_OFFLINE, STATE_ONLINE_PENDING, STATE_ONLINE, STATE_OFFLINE_PENDING, STATE_FAILED } State;

/* What a start-up routine was given; an instance has a copy (W-018). One of the status routines is NULL. */
typedef struct Callbacks {
    PLOG_EVENT_ROUTINE log;
    PSET_RESOURCE_STATUS_ROUTINE status;
    PSET_RESOURCE_STATUS_ROUTINE_EX statusEx;
} Callbacks;

typedef struct Instance {
    /* Guarded by the lock of the registry (instance.c). */
    struct Instance* next;
    unsigned references;

    /* Constant from Open to Close. */
    uintptr_t id;
    RESOURCE_HANDLE resource;
    HKEY key;
    Callbacks callbacks;
    HANDLE failed;        /* manual reset; signalled after the verdict is set (W-320) */
    HANDLE operationStop; /* the worker shall end */
    HANDLE runStop;       /* what Online started shall end */

    Mutex lock; /* guards the rest; nobody waits or calls back while holding it */
    WCHAR* name;
    HKEY parameters; /* NULL until there are any (W-113) */
    State state;
    DWORD operation;    /* generation of the pending operation: reports of an older one are dropped (W-249) */
    DWORD run;          /* generation of what Online started: verdicts of an older one are dropped (W-332) */
    DWORD terminations; /* so that an Online on the stack notices one (W-240) */
    Thread* worker;
    Thread* entity;
    Thread* poll;
    DWORD served; /* counts while the entity works */
    int alive;
    ULONGLONG checkedAt; /* when the last check ended (W-331) */
    /* Only bad agents do something with these. */
    int entityLeft, checking, controlling, eventGone, closed;
    DWORD forgotten, terminatedInARow, onlines, polls;
    ULONGLONG openedBy;
    LPCWSTR borrowedName;
} Instance;

/* instance.c: the registry. What `instanceFind` gives is released by its caller. */
Instance* instanceMake(LPCWSTR name, HKEY key, RESOURCE_HANDLE resource, const Callbacks* callbacks);
Instance* instanceFind(RESID id);
Instance* instanceTake(RESID id); /* finds it, and nobody after that */
void instanceKeep(Instance* instance);
void instanceRelease(Instance* instance);
void instanceForEach(void (*visit)(Instance*)); /* only a bad agent does */
int sameText(LPCWSTR one, LPCWSTR other);       /* whole, in any case of ASCII letters */
size_t lengthOf(LPCWSTR text);
WCHAR* copyOf(LPCWSTR text);

/* run.c: the threads of an instance. */
DWORD runOnline(Instance* instance);
DWORD runOffline(Instance* instance);
void runTerminate(Instance* instance);
void runCancel(Instance* instance);
BOOL runVerdict(Instance* instance);
void tell(const Instance* instance, LOG_LEVEL level, LPCWSTR format); /* one insert: the name */

/* properties.c: what is stored. 0 or the code of what is wrong. */
DWORD valuesRead(Instance* instance, Values* values); /* defaults for what is missing; 13 if what is there is no good */
void valuesFree(Values* values);
DWORD propertiesSet(Instance* instance, const void* list, DWORD size, int store);

/* property_table.c, property_list.c */
typedef struct Property {
    LPCWSTR name;
    WORD format; /* W-510 */
    int readOnly;
    DWORD standard, minimum, maximum; /* of a DWORD */
    LPCWSTR text;
} Property;
extern const Property propertyTable[PROPERTY_COUNT];
enum { FORMAT_DWORD = 2, FORMAT_SZ = 3, FORMAT_MULTI_SZ = 5 };

/* A value of a list that is being set, inside the caller's buffer. */
typedef struct Incoming {
    const BYTE* data; /* NULL: not in the list */
    DWORD length;
} Incoming;
DWORD listCheck(const void* list, DWORD size, int ofType, Incoming incoming[PROPERTY_COUNT]);

/* A growing answer; `failed` once memory ran out. */
typedef struct Writer {
    BYTE* data;
    DWORD used, room;
    int failed;
} Writer;
void writeNames(Writer* writer);
void writeValues(Writer* writer, const Values* values, int readOnly);
void writeFormats(Writer* writer);
void writeBytes(Writer* writer, const void* data, DWORD size);
void writeNumber(Writer* writer, DWORD number);

/* controls.c */
DWORD resourceControl(Instance* instance, DWORD code, void* in, DWORD inSize, void* out, DWORD outSize,
                      DWORD* returned);
DWORD typeControl(DWORD code, void* in, DWORD inSize, void* out, DWORD outSize, DWORD* returned);

/* conduct.c, throws.cpp: what only bad agents do to the process they live in */
void changeProcess(void);
void endProcess(void);
void abortProcess(void);
void throwOut(void);

#endif
