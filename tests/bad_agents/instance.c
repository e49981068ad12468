/* SPDX-License-Identifier: BSL-1.0 */
/* Who is open. An id is a number that is never used again (W-106, W-108), not an address. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

static Mutex registryLock = MUTEX_INITIALIZER;
static Instance* registry; /* guarded by registryLock */
static uintptr_t lastId;   /* guarded by registryLock */

size_t lengthOf(LPCWSTR text) {
    size_t length = 0;
    while (text[length] != 0) ++length;
    return length;
}

WCHAR* copyOf(LPCWSTR text) {
    const size_t size = (lengthOf(text) + 1) * sizeof(WCHAR);
    WCHAR* const copy = malloc(size);
    if (copy != NULL) memcpy(copy, text, size);
    return copy;
}

static WCHAR folded(WCHAR unit) { return unit >= 'A' && unit <= 'Z' ? (WCHAR)(unit - 'A' + 'a') : unit; }

int sameText(LPCWSTR one, LPCWSTR other) {
    while (*one != 0 && folded(*one) == folded(*other)) ++one, ++other;
    return folded(*one) == folded(*other);
}

static void instanceFree(Instance* instance) {
    if (instance->parameters != NULL) ClusterRegCloseKey(instance->parameters);
    if (instance->failed != NULL && !instance->eventGone) eventClose(instance->failed);
    if (instance->operationStop != NULL) eventClose(instance->operationStop);
    if (instance->runStop != NULL) eventClose(instance->runStop);
    free(instance->name);
    free(instance);
}

static uintptr_t newId(const Instance* instance) {
    if (IS_BAD(sharedId)) return 1;
    if (IS_BAD(idIsAddress)) return (uintptr_t)instance;
    return ++lastId;
}

Instance* instanceMake(LPCWSTR name, HKEY key, RESOURCE_HANDLE resource, const Callbacks* callbacks) {
    Instance* const instance = calloc(1, sizeof *instance);
    if (instance == NULL) return NULL;
    mutexInit(&instance->lock);
    instance->references = 1;
    instance->resource = resource;
    instance->key = key;
    instance->callbacks = *callbacks;
    instance->name = copyOf(name); /* W-109 */
    instance->borrowedName = name;
    instance->openedBy = threadSelf();
    instance->failed = eventCreate();
    instance->operationStop = eventCreate();
    instance->runStop = eventCreate();
    if (IS_BAD(leaksInOpen)) eventCreate();
    if (instance->name == NULL || instance->failed == NULL || instance->operationStop == NULL ||
        instance->runStop == NULL) {
        instanceFree(instance);
        return NULL;
    }
    /* W-113: there may be no parameters yet. */
    if (key == NULL || ClusterRegOpenKey(key, TEXT16("Parameters"), KEY_ALL_ACCESS, &instance->parameters) != 0)
        instance->parameters = NULL;
    mutexLock(&registryLock);
    instance->id = newId(instance);
    instance->next = registry;
    registry = instance;
    mutexUnlock(&registryLock);
    return instance;
}

/* The link that leads to the instance; NULL if there is none. */
static Instance** linkTo(RESID id) {
    if (IS_BAD(idIsAddress) && ((const volatile Instance*)id)->id != (uintptr_t)id) return NULL;
    Instance** link = &registry;
    while (*link != NULL && (*link)->id != (uintptr_t)id) link = &(*link)->next;
    return *link != NULL ? link : NULL;
}

Instance* instanceFind(RESID id) {
    mutexLock(&registryLock);
    Instance** const link = linkTo(id);
    Instance* const found = link != NULL ? *link : NULL;
    if (found != NULL) ++found->references;
    mutexUnlock(&registryLock);
    return found;
}

Instance* instanceTake(RESID id) {
    mutexLock(&registryLock);
    Instance** const link = linkTo(id);
    Instance* const found = link != NULL ? *link : NULL;
    if (found != NULL) *link = found->next;
    mutexUnlock(&registryLock);
    return found;
}

void instanceKeep(Instance* instance) {
    mutexLock(&registryLock);
    ++instance->references;
    mutexUnlock(&registryLock);
}

void instanceRelease(Instance* instance) {
    mutexLock(&registryLock);
    const int last = --instance->references == 0;
    mutexUnlock(&registryLock);
    if (last) instanceFree(instance); /* W-235: a wedged thread keeps what it touches */
}

void instanceForEach(void (*visit)(Instance*)) {
    mutexLock(&registryLock);
    for (Instance* instance = registry; instance != NULL; instance = instance->next) visit(instance);
    mutexUnlock(&registryLock);
}
