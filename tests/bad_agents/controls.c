/* SPDX-License-Identifier: BSL-1.0 */
/* Control codes: the least that a good library answers (W-620, W-621), and 1 for every other (W-142). */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

/* W-630: all of it, or nothing and the size that it needs. */
static DWORD answer(const void* data, DWORD size, void* out, DWORD outSize, DWORD* returned) {
    if (IS_BAD(refusesNullBuffers) && out == NULL) return ERROR_INVALID_PARAMETER;
    *returned = size;
    if (size == 0) return ERROR_SUCCESS;
    if (out == NULL || outSize < size) {
        if (IS_BAD(shortSizeNeeded)) *returned = outSize; /* W-1119 */
        return ERROR_MORE_DATA;
    }
    memcpy(out, data, size);
    if (IS_BAD(writesBeyond)) memset((BYTE*)out + size, 0, 2); /* "one more NUL does no harm" */
    return ERROR_SUCCESS;
}

static DWORD answerWritten(Writer* writer, void* out, DWORD outSize, DWORD* returned) {
    const DWORD code =
        writer->failed ? ERROR_NOT_ENOUGH_MEMORY : answer(writer->data, writer->used, out, outSize, returned);
    free(writer->data);
    return code;
}

static DWORD answerValues(Instance* instance, int readOnly, void* out, DWORD outSize, DWORD* returned) {
    Values values;
    Writer writer = {NULL, 0, 0, 0};
    DWORD code = valuesRead(instance, &values);
    if (code != ERROR_NOT_ENOUGH_MEMORY) { /* W-539: a value that is no good is not the caller's fault */
        writeValues(&writer, &values, readOnly);
        code = answerWritten(&writer, out, outSize, returned);
    }
    valuesFree(&values);
    return code;
}

static DWORD takeName(Instance* instance, const void* in, DWORD inSize) {
    if (in == NULL || inSize < sizeof(WCHAR)) return ERROR_SUCCESS; /* W-651: it may come without a name */
    const DWORD units = inSize / (DWORD)sizeof(WCHAR);
    WCHAR* name = calloc((size_t)units + 1, sizeof(WCHAR));
    if (name == NULL) return ERROR_NOT_ENOUGH_MEMORY;
    memcpy(name, in, (size_t)units * sizeof(WCHAR));
    mutexLock(&instance->lock);
    WCHAR* const before = instance->name;
    instance->name = name;
    mutexUnlock(&instance->lock);
    free(before);
    return ERROR_SUCCESS;
}

/* What resources and their type answer alike: no quorum, no class, no dependencies (W-026, W-660). */
static DWORD answerTraits(DWORD code, void* out, DWORD outSize, DWORD* returned) {
    static const BYTE zeros[8] = {0};
    switch (code) {
        case CONTROL_UNKNOWN: return ERROR_SUCCESS;
        case CONTROL_GET_CHARACTERISTICS: return answer(zeros, 4, out, outSize, returned);
        case CONTROL_GET_CLASS_INFO: return answer(zeros, IS_BAD(shortClassInfo) ? 4 : 8, out, outSize, returned);
        case CONTROL_GET_REQUIRED_DEPENDENCIES: {
            static const BYTE storage[] = {2, 0, 2, 0, 4, 0, 0, 0, 1, 0, 0, 0};
            if (IS_BAD(noEndOfValues)) return answer(storage, sizeof storage, out, outSize, returned);
            return answer(zeros, 4, out, outSize, returned);
        }
        case CONTROL_GET_COMMON_PROPERTIES:
            if (IS_BAD(answersCommon)) return answer(zeros, 4, out, outSize, returned);
            return ERROR_INVALID_FUNCTION;
        case CONTROL_QUERY_MAINTENANCE_MODE:
            if (IS_BAD(answersMaintenance)) return answer(zeros, 4, out, outSize, returned);
            return ERROR_INVALID_FUNCTION;
        default: return ERROR_INVALID_FUNCTION; /* W-142 */
    }
}

static void misbehave(DWORD code) {
    if (code != CONTROL_GET_CLASS_INFO) return;
    if (IS_BAD(crashesInControl)) {
        volatile int* volatile nowhere = NULL;
        *nowhere = 1;
    }
    if (IS_BAD(hangsInControl)) {
        for (;;) sleepFor(1000);
    }
    if (IS_BAD(aborts)) abortProcess();
    if (IS_BAD(exits)) endProcess();
#if defined(BAD_IS_throwsInControl)
    throwOut();
#endif
}

DWORD resourceControl(Instance* instance, DWORD code, void* in, DWORD inSize, void* out, DWORD outSize,
                      DWORD* returned) {
    Writer writer = {NULL, 0, 0, 0};
    if ((code & 0xFF000000U) != CONTROL_OBJECT_RESOURCE) return ERROR_INVALID_FUNCTION;
    const DWORD function = code & 0x00FFFFFFU;
    misbehave(function);
    switch (function) {
        case CONTROL_ENUM_PRIVATE_PROPERTIES:
            writeNames(&writer);
            return answerWritten(&writer, out, outSize, returned);
        case CONTROL_GET_PRIVATE_PROPERTY_FMTS:
            writeFormats(&writer);
            return answerWritten(&writer, out, outSize, returned);
        case CONTROL_GET_RO_PRIVATE_PROPERTIES:
            if (IS_BAD(readOnlyUnanswered)) return ERROR_INVALID_FUNCTION;
            return answerValues(instance, 1, out, outSize, returned);
        case CONTROL_GET_PRIVATE_PROPERTIES: return answerValues(instance, 0, out, outSize, returned);
        case CONTROL_VALIDATE_PRIVATE_PROPERTIES: return propertiesSet(instance, in, inSize, 0);
        case CONTROL_SET_PRIVATE_PROPERTIES:
            if (IS_BAD(setUnanswered)) return ERROR_INVALID_FUNCTION; /* W-1121 */
            return propertiesSet(instance, in, inSize, 1);
        case CONTROL_SET_NAME:
            if (IS_BAD(refusesNotifications) && in == NULL) return ERROR_INVALID_PARAMETER;
            return takeName(instance, in, inSize);
        case CONTROL_DELETE:
        case CONTROL_INSTALL_NODE:
        case CONTROL_EVICT_NODE:
        case CONTROL_ADD_DEPENDENCY:
        case CONTROL_REMOVE_DEPENDENCY:
        case CONTROL_ADD_OWNER:
        case CONTROL_REMOVE_OWNER:
        case CONTROL_CLUSTER_NAME_CHANGED:
        case CONTROL_CLUSTER_VERSION_CHANGED:
            return IS_BAD(refusesNotifications) ? ERROR_ACCESS_DENIED : ERROR_SUCCESS; /* W-642 */
        default:
            /* Common properties and maintenance are codes that are known, just not ours. */
            if (IS_BAD(unknownCodeDone) && function > CONTROL_GET_PRIVATE_RESOURCE_PROPERTY_FMTS &&
                function != CONTROL_QUERY_MAINTENANCE_MODE && function != 0x4001E6 && function != 0x400296 &&
                function != 0x40005E)
                return ERROR_SUCCESS;
            return answerTraits(function, out, outSize, returned);
    }
}

/* The type has no properties of its own, and says so. */
DWORD typeControl(DWORD code, void* in, DWORD inSize, void* out, DWORD outSize, DWORD* returned) {
    static const BYTE nothing[4] = {0};
    Incoming incoming[PROPERTY_COUNT];
    Writer writer = {NULL, 0, 0, 0};
    if ((code & 0xFF000000U) != CONTROL_OBJECT_TYPE) return ERROR_INVALID_FUNCTION;
    const DWORD function = code & 0x00FFFFFFU;
    switch (function) {
        case CONTROL_ENUM_PRIVATE_PROPERTIES:
            if (IS_BAD(typeListsResources)) { /* W-1120 */
                writeNames(&writer);
                return answerWritten(&writer, out, outSize, returned);
            }
            return answer(nothing, sizeof(WCHAR), out, outSize, returned);
        case CONTROL_GET_RO_PRIVATE_PROPERTIES:
        case CONTROL_GET_PRIVATE_PROPERTIES:
        case CONTROL_GET_PRIVATE_PROPERTY_FMTS: return answer(nothing, 4, out, outSize, returned);
        case CONTROL_SET_PRIVATE_PROPERTIES:
        case CONTROL_VALIDATE_PRIVATE_PROPERTIES: return listCheck(in, inSize, 1, incoming);
        case CONTROL_GET_PRIVATE_RESOURCE_PROPERTY_FMTS:
            if (IS_BAD(typeFormatsUnanswered)) return ERROR_INVALID_FUNCTION;
            writeFormats(&writer);
            return answerWritten(&writer, out, outSize, returned);
        case CONTROL_INSTALL_NODE:
        case CONTROL_EVICT_NODE:
        case CONTROL_CLUSTER_VERSION_CHANGED:
        case CONTROL_STARTING_PHASE1:
        case CONTROL_STARTING_PHASE2: return ERROR_SUCCESS;
        default: return answerTraits(function, out, outSize, returned);
    }
}
