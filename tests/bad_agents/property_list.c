/* SPDX-License-Identifier: BSL-1.0 */
/* Property lists (6.2): the strict reader of what is set (W-520), and the writers of what is asked for. */
#include "agent.h"

#include <stdlib.h>
#include <string.h>

const Property propertyTable[PROPERTY_COUNT] = {
    {TEXT16("Path"), FORMAT_SZ, 0, 0, 0, 0, TEXT16("")},
    {TEXT16("Port"), FORMAT_DWORD, 0, 8080, 1, 65535, NULL},
    {TEXT16("Delay"), FORMAT_DWORD, 0, 10, 0, 600000, NULL},
    {TEXT16("Names"), FORMAT_MULTI_SZ, 0, 0, 0, 0, TEXT16("")},
    {TEXT16("Version"), FORMAT_SZ, 1, 0, 0, 0, TEXT16("1.0")},
};

enum { SYNTAX_END = 0, SYNTAX_NAME = 0x00040003, SYNTAX_VALUE = 0x00010000, FORMAT_WORD = 11 };
enum { LARGEST_LIST = 64 * 1024 }; /* W-513 */

/* --- reading ------------------------------------------------------------------------------------------------------- */

typedef struct Cursor {
    const BYTE* data;
    DWORD size, offset;
} Cursor;

typedef struct Entry {
    DWORD syntax;
    const BYTE* data;
    DWORD length;
} Entry;

static DWORD numberAt(const BYTE* data) {
    DWORD number;
    memcpy(&number, data, sizeof number); /* W-508: nothing is aligned */
    return number;
}

static WCHAR unitAt(const BYTE* data, DWORD index) {
    WCHAR unit;
    memcpy(&unit, data + (size_t)index * sizeof unit, sizeof unit);
    return unit;
}

static DWORD readEntry(Cursor* cursor, Entry* entry) {
    DWORD left = cursor->size - cursor->offset;
    if (left < 4) return ERROR_INSUFFICIENT_BUFFER;
    entry->syntax = numberAt(cursor->data + cursor->offset);
    entry->data = NULL;
    entry->length = 0;
    cursor->offset += 4;
    if (entry->syntax == SYNTAX_END) return ERROR_SUCCESS;
    left -= 4;
    if (left < 4) return ERROR_INSUFFICIENT_BUFFER;
    entry->length = numberAt(cursor->data + cursor->offset);
    cursor->offset += 4;
    left -= 4;
    if (entry->length > left) return ERROR_INSUFFICIENT_BUFFER; /* before any sum that could overflow */
    entry->data = cursor->data + cursor->offset;
    const DWORD padded = (entry->length + 3U) & ~3U; /* W-507 */
    cursor->offset += padded < left ? padded : left;
    return ERROR_SUCCESS;
}

/* Whether it is text that ends in its first NUL; only NULs may follow. */
static int isText(const BYTE* data, DWORD length) {
    if (length % 2 != 0 || length == 0) return 0;
    DWORD index = 0;
    const DWORD units = length / 2;
    while (index < units && unitAt(data, index) != 0) ++index;
    if (index == units) return 0;
    while (index < units && unitAt(data, index) == 0) ++index;
    return index == units;
}

/* Texts, each with its NUL, and one NUL more; the empty one may have 0, 2 or 4 bytes (W-512). */
static int isMultiText(const BYTE* data, DWORD length) {
    if (length % 2 != 0) return 0;
    const DWORD units = length / 2;
    int zeros = 1;
    for (DWORD index = 0; index < units && zeros; ++index) zeros = unitAt(data, index) == 0;
    if (zeros) return units <= 2;
    if (unitAt(data, 0) == 0) return 0;
    DWORD index = 0;
    while (index + 1 < units && (unitAt(data, index) != 0 || unitAt(data, index + 1) != 0)) ++index;
    if (index + 1 >= units) return 0;
    while (index < units && unitAt(data, index) == 0) ++index;
    return index == units;
}

static int isWellFormed(const Entry* value) {
    if ((value->syntax & 0xFFFF0000U) != SYNTAX_VALUE) return 0;
    switch (value->syntax & 0xFFFFU) {
        case FORMAT_DWORD:
        case 7: return value->length == 4;
        case FORMAT_WORD: return value->length == 2;
        case 6:
        case 10:
        case 12: return value->length == 8;
        case FORMAT_SZ:
        case 4:
        case 8: return value->length == 0 || isText(value->data, value->length);
        case FORMAT_MULTI_SZ: return isMultiText(value->data, value->length);
        case 1:
        case 9:
        case 13:
        case 14: return 1;
        default: return (value->syntax & 0x8000U) != 0; /* a vendor's own */
    }
}

static int isNamed(const Entry* name, LPCWSTR wanted) {
    const size_t length = lengthOf(wanted);
    if (name->length / 2 < length + 1) return 0;
    for (DWORD index = 0; index <= length; ++index) {
        const WCHAR one[2] = {unitAt(name->data, index), 0};
        const WCHAR other[2] = {wanted[index], 0};
        if (!sameText(one, other)) return 0;
    }
    return 1;
}

/* What one property of a well-formed list means to the table. */
static DWORD takeProperty(const Entry* name, const Entry* value, DWORD valueCount, int ofType,
                          Incoming incoming[PROPERTY_COUNT]) {
    int index = 0;
    while (index < PROPERTY_COUNT && (ofType || !isNamed(name, propertyTable[index].name))) ++index;
    if (index == PROPERTY_COUNT) return IS_BAD(dropsUnknown) && !ofType ? ERROR_SUCCESS : ERROR_INVALID_PARAMETER;
    const Property* const property = &propertyTable[index];
    if (property->readOnly) return ERROR_INVALID_PARAMETER;
    if (incoming[index].data != NULL) return ERROR_INVALID_DATA; /* W-509 */
    if (valueCount != 1 || value->syntax != (DWORD)(SYNTAX_VALUE | property->format)) return ERROR_INVALID_DATA;
    if (property->format == FORMAT_DWORD && !IS_BAD(ignoresRange)) {
        const DWORD number = numberAt(value->data);
        if (number < property->minimum || number > property->maximum) return ERROR_INVALID_DATA;
    }
    incoming[index].data = value->data;
    incoming[index].length = value->length;
    return ERROR_SUCCESS;
}

/* One walk; with `incoming` what the properties mean is looked at, too. */
static DWORD walk(const BYTE* data, DWORD size, int ofType, Incoming* incoming) {
    Cursor cursor = {data, size, 4};
    DWORD code = ERROR_SUCCESS;
    for (DWORD count = numberAt(data); count > 0; --count) {
        Entry name;
        Entry value = {0, NULL, 0};
        DWORD values = 0;
        if (size - cursor.offset >= 4 && numberAt(data + cursor.offset) != SYNTAX_NAME) return ERROR_INVALID_DATA;
        code = readEntry(&cursor, &name);
        if (code != ERROR_SUCCESS) return code;
        if (!isText(name.data, name.length) || unitAt(name.data, 0) == 0) return ERROR_INVALID_DATA;
        for (;;) {
            Entry entry;
            code = readEntry(&cursor, &entry);
            if (IS_BAD(acceptsCutLists) && code == ERROR_INSUFFICIENT_BUFFER && values > 0 && cursor.offset == size) {
                entry.syntax = SYNTAX_END; /* "the last end mark is not needed" */
                code = ERROR_SUCCESS;
            }
            if (code != ERROR_SUCCESS) return code;
            if (entry.syntax == SYNTAX_END) break;
            if (!isWellFormed(&entry)) return ERROR_INVALID_DATA;
            value = entry;
            ++values;
        }
        if (values == 0) return ERROR_INVALID_DATA;
        if (IS_BAD(stepsTooFar)) { /* W-1112: sizeof(CLUSPROP_SZ) has 4 bytes of data in it already */
            const volatile BYTE* const wrong = value.data + ((value.length + 3U) & ~3U) + 4;
            (void)*wrong;
        }
        if (incoming == NULL) continue;
        code = takeProperty(&name, &value, values, ofType, incoming);
        if (code != ERROR_SUCCESS) return code;
    }
    return ERROR_SUCCESS;
}

DWORD listCheck(const void* list, DWORD size, int ofType, Incoming incoming[PROPERTY_COUNT]) {
    static const BYTE nothing = 0;
    memset(incoming, 0, PROPERTY_COUNT * sizeof *incoming);
    if (list == NULL || size < 4 || size > LARGEST_LIST) return ERROR_INVALID_DATA;
    DWORD code = walk(list, size, ofType, NULL);
    if (code == ERROR_SUCCESS) code = walk(list, size, ofType, incoming);
    for (int index = 0; index < PROPERTY_COUNT; ++index)
        if (incoming[index].data != NULL && incoming[index].length == 0) incoming[index].data = &nothing;
    return code;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

void writeBytes(Writer* writer, const void* data, DWORD size) {
    if (writer->failed) return;
    if (size > writer->room - writer->used) {
        const DWORD room = writer->room * 2 + size + 256;
        BYTE* const larger = realloc(writer->data, room);
        if (larger == NULL) {
            writer->failed = 1;
            return;
        }
        writer->data = larger;
        writer->room = room;
    }
    if (size > 0) memcpy(writer->data + writer->used, data, size);
    writer->used += size;
}

void writeNumber(Writer* writer, DWORD number) { writeBytes(writer, &number, sizeof number); }

static void writeEntry(Writer* writer, DWORD syntax, const void* data, DWORD length) {
    static const BYTE zeros[4] = {0, 0, 0, 0};
    const DWORD padding = ((length + 3U) & ~3U) - length;
    writeNumber(writer, syntax);
    writeNumber(writer, IS_BAD(paddingCounted) && syntax != SYNTAX_NAME ? length + padding : length); /* W-502 */
    writeBytes(writer, data, length);
    writeBytes(writer, zeros, padding); /* W-504 */
}

static void writeName(Writer* writer, LPCWSTR name) {
    writeEntry(writer, SYNTAX_NAME, name, (DWORD)((lengthOf(name) + 1) * sizeof(WCHAR)));
}

static void writeEnd(Writer* writer) {
    if (!IS_BAD(noEndOfProperty)) writeNumber(writer, SYNTAX_END);
}

void writeNames(Writer* writer) {
    const WCHAR end = 0;
    for (int index = 0; index < PROPERTY_COUNT; ++index) {
        if (IS_BAD(forgetsName) && index == NAMES) continue;
        const LPCWSTR name = propertyTable[index].name;
        writeBytes(writer, name, (DWORD)((lengthOf(name) + 1) * sizeof(WCHAR)));
    }
    writeBytes(writer, &end, sizeof end);
}

void writeValues(Writer* writer, const Values* values, int readOnly) {
    DWORD count = 0;
    for (int index = 0; index < PROPERTY_COUNT; ++index) count += propertyTable[index].readOnly == readOnly;
    writeNumber(writer, count);
    for (int index = 0; index < PROPERTY_COUNT; ++index) {
        const Property* const property = &propertyTable[index];
        if (property->readOnly != readOnly) continue;
        const Value* const value = &values->of[index];
        writeName(writer, property->name);
        if (property->format == FORMAT_DWORD)
            writeEntry(writer, SYNTAX_VALUE | FORMAT_DWORD, &value->number, sizeof value->number);
        else
            writeEntry(writer, SYNTAX_VALUE | (DWORD)property->format, value->text, value->bytes);
        writeEnd(writer);
    }
}

void writeFormats(Writer* writer) { /* W-538 */
    writeNumber(writer, PROPERTY_COUNT);
    for (int index = 0; index < PROPERTY_COUNT; ++index) {
        WORD format = propertyTable[index].format;
        if (IS_BAD(wrongFormat) && index == PORT) format = FORMAT_SZ;
        writeName(writer, propertyTable[index].name);
        writeEntry(writer, SYNTAX_VALUE | FORMAT_WORD, &format, sizeof format);
        writeNumber(writer, SYNTAX_END);
    }
}
