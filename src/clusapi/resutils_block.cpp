// SPDX-License-Identifier: BSL-1.0
// resutils: parameter blocks, the structures that a resource DLL keeps its properties in (W-532, W-533).

#include "property_data.hpp"

using namespace holdfast::clusapi;

DWORD WINAPI ResUtilGetPropertiesToParameterBlock(HKEY key, PRESUTIL_PROPERTY_ITEM table, LPBYTE block,
                                                  WINBOOL checkRequired, LPWSTR* nameInError) {
    if (nameInError != nullptr) *nameInError = nullptr;
    return guarded([&]() -> DWORD {
        if (key == nullptr || table == nullptr || block == nullptr) return ERROR_BAD_ARGUMENTS;
        return forEach(table, [&](const Item& item) -> DWORD {
            std::optional<Data> data;
            DWORD code = readItem(key, item, data);
            if (code == ERROR_SUCCESS && !data) {
                if (checkRequired != FALSE && (item.Flags & RESUTIL_PROPITEM_REQUIRED) != 0) {
                    code = ERROR_FILE_NOT_FOUND;
                } else {
                    data = defaultOf(item);
                }
            } else if (code == ERROR_SUCCESS) {
                code = checkRange(item, *data);  // W-539: somebody edited it
            }
            if (code != ERROR_SUCCESS) {
                if (nameInError != nullptr) *nameInError = item.Name;
                return code;
            }
            writeMember(item, block, data);
            return ERROR_SUCCESS;
        });
    });
}

DWORD WINAPI ResUtilPropertyListFromParameterBlock(PRESUTIL_PROPERTY_ITEM table, PVOID out, LPDWORD size, LPBYTE block,
                                                   LPDWORD returned, LPDWORD required) {
    return guarded([&]() -> DWORD {
        if (table == nullptr || size == nullptr || block == nullptr) return ERROR_BAD_ARGUMENTS;
        ListWriter list;
        for (const Item* item = table; item->Name != nullptr; ++item) {
            if (const auto data = readMember(*item, block)) list.add(item->Name, item->Format, *data);
        }
        return answer(list.bytes(), out, *size, returned, required);
    });
}

void WINAPI ResUtilFreeParameterBlock(LPBYTE block, LPBYTE reference, PRESUTIL_PROPERTY_ITEM table) {
    if (block == nullptr || table == nullptr) return;
    for (const Item* item = table; item->Name != nullptr; ++item) {
        void* const pointer = pointerOf(*item, block);
        if (pointer == nullptr) continue;
        // What both blocks point to belongs to the other.
        if (reference != nullptr && reference != block && pointerOf(*item, reference) == pointer) continue;
        ::LocalFree(pointer);
        clearMember(*item, block);
    }
}

DWORD WINAPI ResUtilDupParameterBlock(LPBYTE out, LPBYTE in, PRESUTIL_PROPERTY_ITEM table) {
    if (out == nullptr || in == nullptr || table == nullptr) return ERROR_BAD_ARGUMENTS;
    for (const Item* item = table; item->Name != nullptr; ++item) clearMember(*item, out);
    const DWORD code = guarded([&]() -> DWORD {
        return forEach(table, [&](const Item& item) -> DWORD {
            writeMember(item, out, readMember(item, in));
            return ERROR_SUCCESS;
        });
    });
    if (code != ERROR_SUCCESS) ResUtilFreeParameterBlock(out, in, table);
    return code;
}
