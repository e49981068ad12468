// SPDX-License-Identifier: BSL-1.0
// resutils: what a resource's properties are, as lists (W-535, W-537, W-538).

#include "property_data.hpp"

using namespace holdfast::clusapi;

namespace {

/** A value that fits no format is listed as the bytes it is. */
void addStored(ListWriter& list, const NamedValue& value) {
    DWORD format = formatOf(value.type);
    const auto size = numberSize(format);
    if (size != 0 && value.data.size() != size) format = CLUSPROP_FORMAT_BINARY;
    list.add(value.name, format, value.data);
}

DWORD addTable(ListWriter& list, HKEY key, const Item* table) {
    return forEach(table, [&](const Item& item) -> DWORD {
        std::optional<Data> data;
        if (const DWORD code = readItem(key, item, data); code != ERROR_SUCCESS) return code;
        if (!data) data = defaultOf(item);
        if (data) list.add(item.Name, item.Format, *data);
        return ERROR_SUCCESS;
    });
}

DWORD addUnknown(ListWriter& list, HKEY key, const Item* table) {
    std::vector<NamedValue> values;
    if (const DWORD code = readAll(key, values); code != ERROR_SUCCESS) return code;
    for (const auto& value : values) {
        const Item* const item = table == nullptr ? nullptr : findItem(table, value.name);
        // Of an item that lies in a subkey, a value of the same name here is somebody else's.
        if (item == nullptr || item->KeyName != nullptr) addStored(list, value);
    }
    return ERROR_SUCCESS;
}

Data namesOf(const std::vector<std::wstring>& names) {
    Data data;
    for (const auto& name : names) {
        const Data text = textData(name);
        data.insert(data.end(), text.begin(), text.end());
    }
    data.resize(data.size() + sizeof(wchar_t));
    return data;
}

}  // namespace

DWORD WINAPI ResUtilEnumProperties(PRESUTIL_PROPERTY_ITEM table, LPWSTR out, DWORD size, LPDWORD returned,
                                   LPDWORD required) {
    return guarded([&]() -> DWORD {
        if (table == nullptr) return ERROR_BAD_ARGUMENTS;
        std::vector<std::wstring> names;
        for (const Item* item = table; item->Name != nullptr; ++item) names.emplace_back(item->Name);
        return answer(namesOf(names), out, size, returned, required);
    });
}

DWORD WINAPI ResUtilEnumPrivateProperties(HKEY key, LPWSTR out, DWORD size, LPDWORD returned, LPDWORD required) {
    return guarded([&]() -> DWORD {
        if (key == nullptr) return ERROR_BAD_ARGUMENTS;
        std::vector<NamedValue> values;
        if (const DWORD code = readAll(key, values); code != ERROR_SUCCESS) return code;
        std::vector<std::wstring> names;
        for (auto& value : values) names.push_back(std::move(value.name));
        return answer(namesOf(names), out, size, returned, required);
    });
}

DWORD WINAPI ResUtilGetProperties(HKEY key, PRESUTIL_PROPERTY_ITEM table, PVOID out, DWORD size, LPDWORD returned,
                                  LPDWORD required) {
    return guarded([&]() -> DWORD {
        if (key == nullptr || table == nullptr) return ERROR_BAD_ARGUMENTS;
        ListWriter list;
        if (const DWORD code = addTable(list, key, table); code != ERROR_SUCCESS) return code;
        return answer(list.bytes(), out, size, returned, required);
    });
}

DWORD WINAPI ResUtilGetAllProperties(HKEY key, PRESUTIL_PROPERTY_ITEM table, PVOID out, DWORD size, LPDWORD returned,
                                     LPDWORD required) {
    return guarded([&]() -> DWORD {
        if (key == nullptr || table == nullptr) return ERROR_BAD_ARGUMENTS;
        ListWriter list;
        if (const DWORD code = addTable(list, key, table); code != ERROR_SUCCESS) return code;
        if (const DWORD code = addUnknown(list, key, table); code != ERROR_SUCCESS) return code;
        return answer(list.bytes(), out, size, returned, required);
    });
}

DWORD WINAPI ResUtilGetPrivateProperties(HKEY key, PVOID out, DWORD size, LPDWORD returned, LPDWORD required) {
    return guarded([&]() -> DWORD {
        if (key == nullptr) return ERROR_BAD_ARGUMENTS;
        ListWriter list;
        if (const DWORD code = addUnknown(list, key, nullptr); code != ERROR_SUCCESS) return code;
        return answer(list.bytes(), out, size, returned, required);
    });
}

DWORD WINAPI ResUtilAddUnknownProperties(HKEY key, PRESUTIL_PROPERTY_ITEM table, PVOID out, DWORD size,
                                         LPDWORD returned, LPDWORD required) {
    return guarded([&]() -> DWORD {
        if (key == nullptr || table == nullptr || returned == nullptr || out == nullptr || *returned > size) {
            return ERROR_BAD_ARGUMENTS;
        }
        ListWriter list;
        std::vector<Listed> before;
        // What the list has already, and its size, come in by the same pointers.
        if (*returned != 0) {
            if (const DWORD code = readList(out, *returned, before); code != ERROR_SUCCESS) return code;
            for (const auto& property : before) list.add(property.name, property.format, property.data);
        }
        if (const DWORD code = addUnknown(list, key, table); code != ERROR_SUCCESS) return code;
        return answer(list.bytes(), out, size, returned, required);
    });
}

DWORD WINAPI ResUtilGetPropertyFormats(PRESUTIL_PROPERTY_ITEM table, PVOID out, DWORD size, LPDWORD returned,
                                       LPDWORD required) {
    return guarded([&]() -> DWORD {
        if (table == nullptr) return ERROR_BAD_ARGUMENTS;
        ListWriter list;
        for (const Item* item = table; item->Name != nullptr; ++item) {
            const auto format = static_cast<WORD>(item->Format);
            const auto* const bytes = reinterpret_cast<const BYTE*>(&format);
            list.add(item->Name, 11, Data{bytes, bytes + sizeof format});  // CLUSPROP_FORMAT_WORD
        }
        return answer(list.bytes(), out, size, returned, required);
    });
}
