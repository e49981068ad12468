// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/configuration.hpp>
#include <holdfast/property.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

/** What an agent says its private properties are; empty if it does not say (W-622). */
using PropertyFormats = std::vector<std::pair<std::string, PropertyFormat>>;

/** Reads the answer to GET_PRIVATE_RESOURCE_PROPERTY_FMTS (P12); nothing if it is malformed. */
[[nodiscard]] std::optional<PropertyFormats> readFormats(const std::vector<abi::Byte>& list);

struct EncodedProperties {
    PropertyBag bag;
    std::vector<Problem> problems;  ///< never with a value in them: it may be a secret
};

/**
 * Turns what the file says into what the agent's formats want. Without formats the TOML type decides: integers and
 * booleans become DWORD, strings SZ, arrays MULTI_SZ.
 */
[[nodiscard]] EncodedProperties encodeProperties(const std::vector<PropertySetting>& settings,
                                                 const std::optional<PropertyFormats>& formats);

/** The format the agent gives the property; unknown if it does not say. */
[[nodiscard]] PropertyFormat formatOf(std::string_view name, const std::optional<PropertyFormats>& formats);

/** Whether both are the same bytes in a registry. */
[[nodiscard]] bool sameStored(const PropertyValue& left, const PropertyValue& right);

/** How the file would set `name` to `value`; nothing if no file can. */
[[nodiscard]] std::optional<PropertySetting> settingOf(const std::string& name, const PropertyValue& value,
                                                       const std::optional<PropertyFormats>& formats);

/** What an Online will find: the resource's own values, then those of its type (D15). */
[[nodiscard]] PropertyBag effectiveProperties(const PropertyBag& own, const PropertyBag& ofType);

}  // namespace holdfast::inline v1::monitor
