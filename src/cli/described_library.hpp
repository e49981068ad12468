// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/property.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::inline v1::cli {

struct DescribedProperty {
    std::string name;
    std::string description;
    PropertyFormat format{PropertyFormat::unknown};
    std::string kind;  ///< as in PropertyDescription; empty if the library only tells formats
    bool required{false};
    bool secret{false};
    bool readOnly{false};
    bool framework{false};
    PropertyValue defaultValue;              ///< absent like `defaultText`
    std::optional<std::string> defaultText;  ///< none: it has no default, or does not tell it
    std::string range;
    std::string lowest;  ///< decimal, like `highest`; empty: the format is the only limit
    std::string highest;
    std::string pattern;
    Strings names;
};

/** W-660: a resource of one class, or of one type. */
struct RequiredDependency {
    std::uint32_t resourceClass{0};
    std::string type;  ///< empty: `resourceClass` counts
};

struct DescribedType {
    std::string name;
    std::string description;
    bool adopts{false};
    bool residentHost{true};                     ///< under Pacemaker
    std::optional<std::uint32_t> resourceClass;  ///< none: the code is answered by the monitor's default (W-602)
    std::optional<std::uint32_t> characteristics;
    std::vector<RequiredDependency> dependencies;
    std::vector<DescribedProperty> properties;
};

struct DescribedLibrary {
    std::filesystem::path file;
    std::string holdfast;  ///< version it was made with; empty: made without holdfast
    std::vector<DescribedType> types;
    Strings notes;  ///< what could not be learnt, and lines the library logged
};

/**
 * Loads an agent library and asks it through its C table. One made with holdfast tells which types it has; of any other,
 * `types` must name them, and formats are all that the cluster's control codes tell.
 *
 * @par Budget The library's own code runs in this thread: call it where it may hang.
 * @par Errors std::runtime_error in words.
 */
[[nodiscard]] DescribedLibrary describeLibraryFile(const std::filesystem::path& file, const Strings& types);

/** Parses what `control::typeGetDescription` answered. @par Errors std::runtime_error. */
[[nodiscard]] DescribedLibrary readDescription(std::string_view document);

[[nodiscard]] std::string className(std::uint32_t resourceClass);
[[nodiscard]] std::string dependencyText(const RequiredDependency& dependency);

/** For people. */
[[nodiscard]] std::string describeAsTable(const DescribedLibrary& library);
/** One line of JSON. */
[[nodiscard]] std::string describeAsJson(const DescribedLibrary& library);
/**
 * The OCF metadata of the library's first type, as the agent itself gives it. An empty `name` means the file's.
 *
 * @par Errors std::runtime_error if the library was made without holdfast.
 */
[[nodiscard]] std::string describeForPacemaker(const DescribedLibrary& library, const std::string& name,
                                               const std::string& version);

}  // namespace holdfast::inline v1::cli
