/* SPDX-License-Identifier: BSL-1.0 */
/* The private properties of a resource, in the key Parameters below its own (W-113). */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

/* The key, opened at the first use; NULL if there is none. It stays open until Close. */
static HKEY parametersOf(Instance* instance, int create) {
    mutexLock(&instance->lock);
    HKEY key = instance->parameters;
    mutexUnlock(&instance->lock);
    if (key != NULL || instance->key == NULL) return key;
    HKEY opened = NULL;
    DWORD made = 0;
    const LONG code =
        create ? ClusterRegCreateKey(instance->key, TEXT16("Parameters"), 0, KEY_ALL_ACCESS, NULL, &opened, &made)
               : ClusterRegOpenKey(instance->key, TEXT16("Parameters"), KEY_ALL_ACCESS, &opened);
    if (code != 0 || opened == NULL) return NULL;
    mutexLock(&instance->lock);
    if (instance->parameters == NULL) {
        instance->parameters = opened;
        opened = NULL;
    }
    key = instance->parameters;
    mutexUnlock(&instance->lock);
    if (opened != NULL) ClusterRegCloseKey(opened);
    return key;
}

static int setText(Value* value, const void* data, DWORD bytes, DWORD endUnits) {
    free(value->text);
    value->bytes = 0;
    value->text = calloc(1, bytes + endUnits * sizeof(WCHAR));
    if (value->text == NULL) return 0;
    if (bytes > 0) memcpy(value->text, data, bytes);
    value->bytes = bytes;
    return 1;
}

static DWORD readText(HKEY key, const Property* property, Value* value) {
    const DWORD wanted = property->format == FORMAT_SZ ? REG_SZ : REG_MULTI_SZ;
    DWORD type = 0;
    DWORD size = 0;
    DWORD code = (DWORD)ClusterRegQueryValue(key, property->name, &type, NULL, &size);
    if (code == ERROR_FILE_NOT_FOUND) return ERROR_SUCCESS;
    if (code != ERROR_SUCCESS && code != ERROR_MORE_DATA) return code;
    if (type != wanted || size % sizeof(WCHAR) != 0 || size > 64 * 1024) return ERROR_INVALID_DATA; /* W-539 */
    BYTE* const data = malloc((size_t)size + 1);
    if (data == NULL) return ERROR_NOT_ENOUGH_MEMORY;
    code = (DWORD)ClusterRegQueryValue(key, property->name, &type, data, &size);
    /* Whoever wrote it may have left out its end, or written more than one: a text has one NUL, a list of texts two. */
    DWORD length = size / (DWORD)sizeof(WCHAR);
    const WCHAR zero = 0;
    while (length > 0 && memcmp(data + ((size_t)length - 1) * sizeof zero, &zero, sizeof zero) == 0) --length;
    const DWORD end = property->format == FORMAT_SZ || length == 0 ? 1 : 2;
    if (code == ERROR_SUCCESS) {
        if (setText(value, data, length * (DWORD)sizeof(WCHAR), end))
            value->bytes += end * (DWORD)sizeof(WCHAR);
        else
            code = ERROR_NOT_ENOUGH_MEMORY;
    }
    free(data);
    return code;
}

static DWORD readNumber(HKEY key, const Property* property, Value* value) {
    DWORD type = 0;
    DWORD number = 0;
    DWORD size = sizeof number;
    const DWORD code = (DWORD)ClusterRegQueryValue(key, property->name, &type, (LPBYTE)&number, &size);
    if (code == ERROR_FILE_NOT_FOUND) return ERROR_SUCCESS;
    if (code == ERROR_MORE_DATA) return ERROR_INVALID_DATA;
    if (code != ERROR_SUCCESS) return code;
    if (type != REG_DWORD || size != sizeof number) return ERROR_INVALID_DATA;
    value->number = number; /* shown as it is, even out of its range */
    return !IS_BAD(ignoresRange) && (number < property->minimum || number > property->maximum) ? ERROR_INVALID_DATA
                                                                                               : ERROR_SUCCESS;
}

DWORD valuesRead(Instance* instance, Values* values) {
    memset(values, 0, sizeof *values);
    const HKEY key = parametersOf(instance, 0);
    DWORD code = ERROR_SUCCESS;
    for (int index = 0; index < PROPERTY_COUNT; ++index) {
        const Property* const property = &propertyTable[index];
        Value* const value = &values->of[index];
        value->number = property->standard;
        if (property->format != FORMAT_DWORD &&
            !setText(value, property->text, (DWORD)((lengthOf(property->text) + 1) * sizeof(WCHAR)), 1))
            return ERROR_NOT_ENOUGH_MEMORY;
        if (key == NULL || property->readOnly) continue;
        const DWORD found =
            property->format == FORMAT_DWORD ? readNumber(key, property, value) : readText(key, property, value);
        if (found == ERROR_NOT_ENOUGH_MEMORY) return found;
        if (found != ERROR_SUCCESS) code = ERROR_INVALID_DATA;
    }
    return code;
}

void valuesFree(Values* values) {
    for (int index = 0; index < PROPERTY_COUNT; ++index) free(values->of[index].text);
    memset(values, 0, sizeof *values);
}

/* The bytes that the registry gets: a text always with its end. */
static DWORD storedForm(const Property* property, const Incoming* from, Value* to) {
    if (property->format == FORMAT_DWORD) {
        memcpy(&to->number, from->data, sizeof to->number);
        return ERROR_SUCCESS;
    }
    DWORD length = from->length / (DWORD)sizeof(WCHAR);
    const WCHAR zero = 0;
    while (length > 0 && memcmp(from->data + ((size_t)length - 1) * sizeof zero, &zero, sizeof zero) == 0) --length;
    const DWORD end = property->format == FORMAT_SZ || length == 0 ? 1 : 2;
    if (IS_BAD(losesText) && length > 0) --length; /* "the last one is the NUL" */
    if (!setText(to, from->data, length * (DWORD)sizeof(WCHAR), end)) return ERROR_NOT_ENOUGH_MEMORY;
    to->bytes += end * (DWORD)sizeof(WCHAR);
    return ERROR_SUCCESS;
}

static int isSame(const Property* property, const Value* one, const Value* other) {
    if (property->format == FORMAT_DWORD) return one->number == other->number;
    return one->bytes == other->bytes && memcmp(one->text, other->text, one->bytes) == 0;
}

static DWORD writeValue(HKEY key, const Property* property, const Value* value) {
    if (property->format == FORMAT_DWORD)
        return (DWORD)ClusterRegSetValue(key, property->name, REG_DWORD, (const BYTE*)&value->number,
                                         sizeof value->number);
    return (DWORD)ClusterRegSetValue(key, property->name, property->format == FORMAT_SZ ? REG_SZ : REG_MULTI_SZ,
                                     (const BYTE*)value->text, value->bytes);
}

/* Writes what differs (W-534), and says whether anything did. */
static DWORD writeAll(Instance* instance, const Incoming incoming[PROPERTY_COUNT], int* changed) {
    Values before;
    Values after;
    memset(&after, 0, sizeof after);
    DWORD code = valuesRead(instance, &before);
    if (code == ERROR_INVALID_DATA) code = ERROR_SUCCESS; /* what is wrong can be put right */
    for (int index = 0; index < PROPERTY_COUNT && code == ERROR_SUCCESS; ++index)
        if (incoming[index].data != NULL) code = storedForm(&propertyTable[index], &incoming[index], &after.of[index]);
    HKEY key = NULL;
    for (int index = 0; index < PROPERTY_COUNT && code == ERROR_SUCCESS; ++index) {
        if (incoming[index].data == NULL || isSame(&propertyTable[index], &before.of[index], &after.of[index]))
            continue;
        if (key == NULL) key = parametersOf(instance, 1);
        code = key != NULL ? writeValue(key, &propertyTable[index], &after.of[index]) : ERROR_FILE_NOT_FOUND;
        *changed = 1;
    }
    valuesFree(&before);
    valuesFree(&after);
    return code;
}

DWORD propertiesSet(Instance* instance, const void* list, DWORD size, int store) {
    Incoming incoming[PROPERTY_COUNT];
    int changed = 0;
    DWORD code = listCheck(list, size, 0, incoming); /* W-501: all of it, before anything is written */
    if (IS_BAD(writesAsItReads) && store && code != ERROR_SUCCESS) writeAll(instance, incoming, &changed);
    if (code != ERROR_SUCCESS || !(store || IS_BAD(validateWrites))) return code;
    code = writeAll(instance, incoming, &changed);
    if (code != ERROR_SUCCESS || !changed || IS_BAD(claimsInEffect) || !store) return code;
    mutexLock(&instance->lock);
    const int inUse = instance->state != STATE_OFFLINE && instance->state != STATE_FAILED;
    mutexUnlock(&instance->lock);
    return inUse ? ERROR_RESOURCE_PROPERTIES_STORED : ERROR_SUCCESS; /* W-640 */
}
