// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One value against one rule.

#include <holdfast/detail/property_table.hpp>

#include <memory>
#include <optional>

namespace holdfast::inline v1::detail {

/** Throws std::logic_error if `expression` is no regular expression. */
[[nodiscard]] std::shared_ptr<const Matcher> compilePattern(std::string_view property, const std::string& expression);

/** Fills the default's value and text into the description; throws std::logic_error if it breaks its own rule. */
void setDefault(PropertyRule& rule, const Matcher* pattern);

/** The value to store, or nothing if it is not set and need not be; throws `PropertyError`. */
[[nodiscard]] std::optional<Native> checkedValue(const PropertyRule& rule, const Matcher* pattern,
                                                 const PropertyValue* value);

}  // namespace holdfast::inline v1::detail
