// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The property lists of control codes (section 6.2): read from any buffer, written whole or not at all.

#include <holdfast/abi/resapi.hpp>
#include <holdfast/control.hpp>
#include <holdfast/property.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::abi {

/** Syntax numbers (W-510): type in the high word, format in the low one (W-506). */
namespace syntax {
inline constexpr Dword endMark = 0x00000000;
inline constexpr Dword name = 0x00040003;
inline constexpr Dword resourceClass = 0x00020002;
inline constexpr Dword listValue = 0x00010000;  ///< plus a PropertyFormat
}  // namespace syntax

/** W-513: a longer list is refused before anything is allocated. */
inline constexpr std::size_t defaultListLimit = 65'536;

/** One property of a list. Several values under one name are legal (W-505). */
struct ListedProperty {
    std::string name;
    std::vector<PropertyValue> values;
};

/** What reading came to. Codes as in 6.4: 0, 13 (malformed) or 122 (cut short). */
struct PropertyList {
    Dword code{code::success};
    std::string_view problem;  ///< static text; empty on success
    std::size_t offset{0};     ///< of the problem; on success the bytes consumed
    std::vector<ListedProperty> properties;
};

/**
 * Reads a property list; `data` may be null, unaligned (W-508), longer than the list (W-503) and hostile.
 *
 * @par Thread safety Pure. @par Errors Only std::bad_alloc is thrown.
 */
[[nodiscard]] PropertyList readPropertyList(const void* data, std::size_t size, std::size_t limit = defaultListLimit);

/** One entry of a value list (W-506, W-507); `data` views the buffer that was read. */
struct ListEntry {
    Dword syntax{0};
    std::size_t offset{0};
    std::span<const Byte> data;
};
struct ValueList {
    Dword code{code::success};
    std::string_view problem;
    std::size_t end{0};  ///< behind the end mark; on failure where the problem is
    std::vector<ListEntry> entries;
};
/** Reads entries up to and with the end mark, from `offset` on. */
[[nodiscard]] ValueList readValueList(std::span<const Byte> data, std::size_t offset = 0);

/** Who will read the list: an engine gets both forms of an EXPAND_SZ, a client sends only the raw one (W-511). */
enum class ListUse { answer, send };

/** The list of `properties`; values that no format holds are left out, and so are properties without any other. */
[[nodiscard]] std::vector<Byte> writePropertyList(std::span<const ListedProperty> properties);
[[nodiscard]] std::vector<Byte> writePropertyList(const PropertyBag& bag, ListUse use);
/** The answer to ..._PROPERTY_FMTS: each property's format as a WORD (W-538). */
[[nodiscard]] std::vector<Byte> writeFormatList(std::span<const PropertyDescription> properties);
/** The answer to ENUM_..._PROPERTIES: a multi-string of the names (W-537). */
[[nodiscard]] std::vector<Byte> writeNameList(std::span<const PropertyDescription> properties);
/** The same of plain names. */
[[nodiscard]] std::vector<Byte> writeNames(const Strings& names);
/** The answer to GET_REQUIRED_DEPENDENCIES: a value list of classes and type names (W-660). */
[[nodiscard]] std::vector<Byte> writeDependencyList(std::span<const RequiredDependency> dependencies);

/**
 * Copies a whole answer into the caller's buffer, or nothing: 0, or 234 with the size needed (W-141, W-630). `out` and
 * `bytesReturned` may be null.
 */
[[nodiscard]] Dword copyAnswer(std::span<const Byte> answer, void* out, Dword outSize, Dword* bytesReturned) noexcept;

}  // namespace holdfast::inline v1::abi
