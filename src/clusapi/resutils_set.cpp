// SPDX-License-Identifier: BSL-1.0
// resutils: property lists that somebody sent are checked as a whole, then written (W-501, W-520, W-533, W-534).

#include "property_data.hpp"

using namespace holdfast::clusapi;

namespace {

/** The rows of 6.4 that a table decides. */
DWORD check(const Item& item, const Listed& property) {
    if ((item.Flags & RESUTIL_PROPITEM_READ_ONLY) != 0) return ERROR_INVALID_PARAMETER;
    if (property.format != item.Format || property.values != 1) return ERROR_INVALID_DATA;
    const bool required = (item.Flags & RESUTIL_PROPITEM_REQUIRED) != 0;
    if (required && isText(item.Format) && property.data.size() <= sizeof(wchar_t)) return ERROR_INVALID_DATA;
    return checkRange(item, property.data);
}

DWORD verify(const Item* table, bool allowUnknown, const void* list, DWORD size, std::vector<Listed>& properties) {
    if (const DWORD code = readList(list, size, properties); code != ERROR_SUCCESS) return code;
    for (const auto& property : properties) {
        const Item* const item = findItem(table, property.name);
        if (item == nullptr && !allowUnknown) return ERROR_INVALID_PARAMETER;
        if (item == nullptr) continue;
        if (const DWORD code = check(*item, property); code != ERROR_SUCCESS) return code;
    }
    return ERROR_SUCCESS;
}

void toBlock(const Item* table, const std::vector<Listed>& properties, BYTE* block) {
    if (block == nullptr) return;
    for (const auto& property : properties) {
        if (const Item* const item = findItem(table, property.name)) writeMember(*item, block, property.data);
    }
}

/** W-534: what is there already is not written; neither is a default over nothing. */
DWORD writeChanged(HKEY key, const Item& item, const Data& data, bool force) {
    if (!force) {
        std::optional<Data> now;
        const DWORD code = readItem(key, item, now);
        if (code != ERROR_SUCCESS && code != ERROR_INVALID_DATA) return code;
        if (code == ERROR_SUCCESS) {
            if (!now) now = defaultOf(item);
            if (now == data) return ERROR_SUCCESS;
        }
    }
    return writeItem(key, item, data);
}

DWORD writePlain(HKEY key, const Listed& property) {
    const DWORD type = registryTypeOf(property.format);
    const Stored now = readValue(key, property.name.c_str());
    if (now.code == ERROR_SUCCESS && now.type == type && now.data == property.data) return ERROR_SUCCESS;
    return static_cast<DWORD>(::RegSetValueExW(key, property.name.c_str(), 0, type, property.data.data(),
                                               static_cast<DWORD>(property.data.size())));
}

DWORD writeUnknown(HKEY key, const Item* table, const std::vector<Listed>& properties) {
    for (const auto& property : properties) {
        if (table != nullptr && findItem(table, property.name) != nullptr) continue;
        if (const DWORD code = writePlain(key, property); code != ERROR_SUCCESS) return code;
    }
    return ERROR_SUCCESS;
}

}  // namespace

DWORD WINAPI ResUtilVerifyPropertyTable(PRESUTIL_PROPERTY_ITEM table, PVOID /*reserved*/, WINBOOL allowUnknown,
                                        PVOID list, DWORD size, LPBYTE block) {
    return guarded([&]() -> DWORD {
        if (table == nullptr) return ERROR_BAD_ARGUMENTS;
        std::vector<Listed> properties;
        if (const DWORD code = verify(table, allowUnknown != FALSE, list, size, properties)) return code;
        toBlock(table, properties, block);
        return ERROR_SUCCESS;
    });
}

DWORD WINAPI ResUtilSetPropertyTableEx(HKEY key, PRESUTIL_PROPERTY_ITEM table, PVOID /*reserved*/, WINBOOL allowUnknown,
                                       PVOID list, DWORD size, WINBOOL force, LPBYTE block) {
    holdfast::clusapi::noteCall("ResUtilSetPropertyTableEx");
    return guarded([&]() -> DWORD {
        if (key == nullptr || table == nullptr) return ERROR_BAD_ARGUMENTS;
        std::vector<Listed> properties;
        // W-501: nothing is written before all of it is good.
        if (const DWORD code = verify(table, allowUnknown != FALSE, list, size, properties)) return code;
        for (const auto& property : properties) {
            const Item* const item = findItem(table, property.name);
            if (item == nullptr) continue;
            if (const DWORD code = writeChanged(key, *item, property.data, force != FALSE)) return code;
        }
        if (const DWORD code = writeUnknown(key, table, properties)) return code;
        toBlock(table, properties, block);
        return ERROR_SUCCESS;
    });
}

DWORD WINAPI ResUtilSetPropertyTable(HKEY key, PRESUTIL_PROPERTY_ITEM table, PVOID reserved, WINBOOL allowUnknown,
                                     PVOID list, DWORD size, LPBYTE block) {
    holdfast::clusapi::noteCall("ResUtilSetPropertyTable");
    return ResUtilSetPropertyTableEx(key, table, reserved, allowUnknown, list, size, FALSE, block);
}

DWORD WINAPI ResUtilSetPropertyParameterBlockEx(HKEY key, PRESUTIL_PROPERTY_ITEM table, PVOID /*reserved*/, LPBYTE in,
                                                PVOID list, DWORD size, WINBOOL force, LPBYTE out) {
    holdfast::clusapi::noteCall("ResUtilSetPropertyParameterBlockEx");
    return guarded([&]() -> DWORD {
        if (key == nullptr || table == nullptr || in == nullptr) return ERROR_BAD_ARGUMENTS;
        std::vector<Listed> properties;
        if (list != nullptr && size != 0) {
            if (const DWORD code = readList(list, size, properties)) return code;
        }
        if (const DWORD code = forEach(table, [&](const Item& item) -> DWORD {
                const auto data = readMember(item, in);
                if (!data || (item.Flags & RESUTIL_PROPITEM_READ_ONLY) != 0) return ERROR_SUCCESS;
                return writeChanged(key, item, *data, force != FALSE);
            })) {
            return code;
        }
        if (const DWORD code = writeUnknown(key, table, properties)) return code;
        if (out == nullptr || out == in) return ERROR_SUCCESS;
        return forEach(table, [&](const Item& item) -> DWORD {
            const auto data = readMember(item, in);
            if (data != readMember(item, out)) writeMember(item, out, data);
            return ERROR_SUCCESS;
        });
    });
}

DWORD WINAPI ResUtilSetPropertyParameterBlock(HKEY key, PRESUTIL_PROPERTY_ITEM table, PVOID reserved, LPBYTE in,
                                              PVOID list, DWORD size, LPBYTE out) {
    holdfast::clusapi::noteCall("ResUtilSetPropertyParameterBlock");
    return ResUtilSetPropertyParameterBlockEx(key, table, reserved, in, list, size, FALSE, out);
}

DWORD WINAPI ResUtilSetUnknownProperties(HKEY key, PRESUTIL_PROPERTY_ITEM table, PVOID list, DWORD size) {
    holdfast::clusapi::noteCall("ResUtilSetUnknownProperties");
    return guarded([&]() -> DWORD {
        if (key == nullptr || table == nullptr) return ERROR_BAD_ARGUMENTS;
        std::vector<Listed> properties;
        if (const DWORD code = readList(list, size, properties)) return code;
        return writeUnknown(key, table, properties);
    });
}

DWORD WINAPI ResUtilVerifyPrivatePropertyList(PVOID list, DWORD size) {
    return guarded([&]() -> DWORD {
        std::vector<Listed> properties;
        return readList(list, size, properties);
    });
}

DWORD WINAPI ResUtilSetPrivatePropertyList(HKEY key, PVOID list, DWORD size) {
    holdfast::clusapi::noteCall("ResUtilSetPrivatePropertyList");
    return guarded([&]() -> DWORD {
        if (key == nullptr) return ERROR_BAD_ARGUMENTS;
        std::vector<Listed> properties;
        if (const DWORD code = readList(list, size, properties)) return code;
        return writeUnknown(key, nullptr, properties);
    });
}
