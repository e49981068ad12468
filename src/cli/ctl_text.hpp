// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What `holdfast ctl` prints for people.

#include <boost/json/object.hpp>

#include <string>

namespace holdfast::inline v1::cli {

/** The answer to `list` as a table. */
[[nodiscard]] std::string listText(const boost::json::object& answer);
/** The answer to `show`, one thing a line. */
[[nodiscard]] std::string showText(const boost::json::object& resource);
/** The answer to `properties`. */
[[nodiscard]] std::string propertiesText(const boost::json::object& answer);
/** A record as `holdfast run` prints it. */
[[nodiscard]] std::string recordText(const boost::json::object& record);

}  // namespace holdfast::inline v1::cli
