// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "verify/property_lists.hpp"

#include <random>
#include <span>
#include <string>
#include <vector>

namespace holdfast::inline v1::verify {

/** A list with one defect, and what it may be answered with (6.4). */
struct MalformedList {
    std::string defect;
    ListBytes bytes;
    std::vector<abi::Dword> codes;
    bool noBuffer{false};
};

/**
 * A list of `good` alone for each defect that can be made in it. What is documented with one code only wants that code; where
 * pages name several, any of them will do.
 */
[[nodiscard]] std::vector<MalformedList> malformedLists(const abi::ListedProperty& good);
/** What looks wrong and is not: more than the count says (W-503). Must be taken as the list itself is. */
[[nodiscard]] std::vector<ListBytes> longerLists(const abi::ListedProperty& good);

/** The list with some bytes changed, and perhaps its end cut off: it may be anything. */
[[nodiscard]] ListBytes mutated(ListBytes list, std::mt19937_64& random);

/** A value that is of another format, whatever `format` is. */
[[nodiscard]] PropertyValue valueOfAnotherFormat(PropertyFormat format);

/** Other values than `value`, of its format, which a library may take or refuse; the tamest first. */
[[nodiscard]] std::vector<PropertyValue> neighbours(const PropertyValue& value);
/** The least and the greatest of a number's format; nothing for what is none. */
[[nodiscard]] std::vector<PropertyValue> extremes(PropertyFormat format);

}  // namespace holdfast::inline v1::verify
