// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A property's data as bytes, the one form in which a property list, a registry value, a default and a member of a parameter
/// block are compared and copied.

#include "substitute.hpp"

#include <optional>
#include <string>
#include <vector>

namespace holdfast::clusapi {

using Data = std::vector<BYTE>;
using Item = RESUTIL_PROPERTY_ITEM;

/** One value of the registry; `code` is ERROR_FILE_NOT_FOUND if it is not set. */
struct Stored {
    DWORD code{ERROR_SUCCESS};
    DWORD type{REG_NONE};
    Data data;
};
[[nodiscard]] Stored readValue(HKEY key, const wchar_t* name);
/** Of all values of a key, in its order; code of what went wrong. */
struct NamedValue {
    std::wstring name;
    DWORD type{REG_NONE};
    Data data;
};
[[nodiscard]] DWORD readAll(HKEY key, std::vector<NamedValue>& values);

/** One property of a list: its first value. */
struct Listed {
    std::wstring name;
    DWORD format{CLUSPROP_FORMAT_UNKNOWN};
    Data data;
    std::size_t values{0};  ///< how many the list has for it
};
/** Reads with the agent library's own reader, so the codes are those of 6.4. */
[[nodiscard]] DWORD readList(const void* list, DWORD size, std::vector<Listed>& properties);

/** Makes a property list. */
class ListWriter {
public:
    /** An EXPAND_SZ gets its expanded form as a second value (W-511). */
    void add(std::wstring_view name, DWORD format, const Data& data);
    [[nodiscard]] const Data& bytes() const noexcept { return bytes_; }

private:
    void number(DWORD value);
    void entry(DWORD syntax, const void* data, std::size_t size);
    Data bytes_ = Data(sizeof(DWORD));
};

/**
 * Hands out a whole answer or none of it (W-535): 0, or 234 and the size needed. Neither pointer may be null: then 160.
 */
[[nodiscard]] DWORD answer(const Data& data, void* out, DWORD size, DWORD* returned, DWORD* required) noexcept;

[[nodiscard]] Data textData(std::wstring_view text);
/** With exactly one NUL for a text, and an empty string at the end of a MULTI_SZ (W-512); anything else stays. */
[[nodiscard]] Data normal(DWORD format, Data data);
[[nodiscard]] std::wstring expanded(const wchar_t* text);

[[nodiscard]] DWORD registryTypeOf(DWORD format) noexcept;
/** Of a value that no table describes. */
[[nodiscard]] DWORD formatOf(DWORD registryType) noexcept;
[[nodiscard]] bool isText(DWORD format) noexcept;
/** Text or bytes: a pointer in a parameter block; MULTI_SZ and BINARY with a size behind it (W-532). */
[[nodiscard]] bool isSized(DWORD format) noexcept;
/** Bytes of a number; 0 for what is none. */
[[nodiscard]] std::size_t numberSize(DWORD format) noexcept;

[[nodiscard]] const Item* findItem(const Item* table, std::wstring_view name) noexcept;
[[nodiscard]] bool sameName(std::wstring_view left, std::wstring_view right) noexcept;

/** What is stored for an item; nothing if it is not set. The code says what is wrong (W-539: another type is 13). */
[[nodiscard]] DWORD readItem(HKEY key, const Item& item, std::optional<Data>& data);
[[nodiscard]] DWORD writeItem(HKEY key, const Item& item, const Data& data);
/** Nothing if the item has none: a text whose default is NULL. */
[[nodiscard]] std::optional<Data> defaultOf(const Item& item);
/** 0, or 13 for a value outside [Minimum, Maximum]. */
[[nodiscard]] DWORD checkRange(const Item& item, const Data& data) noexcept;

/** The member of a block; nothing for a null pointer. */
[[nodiscard]] std::optional<Data> readMember(const Item& item, const BYTE* block);
/** Gives the old one back and takes a copy; nothing makes a null pointer, and leaves a number as it is. */
void writeMember(const Item& item, BYTE* block, const std::optional<Data>& data);
/** As if the member were not there yet. */
void clearMember(const Item& item, BYTE* block) noexcept;
/** The pointer in a member; null for a number. */
[[nodiscard]] void* pointerOf(const Item& item, const BYTE* block) noexcept;

/** Each item up to the one without a name (W-530). */
template <typename Call>
DWORD forEach(const Item* table, Call&& call) {
    for (; table->Name != nullptr; ++table) {
        if (const DWORD code = call(*table); code != ERROR_SUCCESS) return code;
    }
    return ERROR_SUCCESS;
}

}  // namespace holdfast::clusapi
