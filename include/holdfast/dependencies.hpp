// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a resource depends on, with the values an agent wants of it: network name, IP addresses, drive letters.

#include <holdfast/property.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1 {

/** A resource that this one depends on, as the engine describes it. */
struct Dependency {
    std::string name;
    std::string type;                       ///< "Network Name", "IP Address", "Physical Disk", ...
    PropertyBag properties;                 ///< its private properties, as far as they are set
    std::vector<std::string> driveLetters;  ///< of a disk: "E:", "F:"
};

/**
 * The resources that one depends on directly, read at one moment.
 *
 * @par Thread safety A value; distinct objects are independent.
 */
class Dependencies {
public:
    Dependencies() = default;
    explicit Dependencies(std::vector<Dependency> list, std::string networkName = {})
        : list_{std::move(list)}, networkName_{std::move(networkName)} {}

    [[nodiscard]] auto begin() const noexcept { return list_.begin(); }
    [[nodiscard]] auto end() const noexcept { return list_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

    /** By its name, compared without case; null if there is none. */
    [[nodiscard]] const Dependency* find(std::string_view name) const noexcept;
    /** The first of that resource type, compared without case; null if there is none. */
    [[nodiscard]] const Dependency* ofType(std::string_view type) const noexcept;

    /** The network name under which clients reach the resource (W-703): the engine's word, else "Name" of a Network Name. */
    [[nodiscard]] std::optional<std::string> networkName() const;
    /** "Address" of every IP Address and IPv6 Address it depends on, in order. */
    [[nodiscard]] std::vector<std::string> ipAddresses() const;
    /** "E:" and so on, of every disk it depends on, in order; a disk of our own monitor says them in "DriveLetters". */
    [[nodiscard]] std::vector<std::string> driveLetters() const;

private:
    std::vector<Dependency> list_;
    std::string networkName_;
};

/** What an engine says about a resource's dependencies after Open: notification codes of W-642. */
enum class DependencyEvent : std::uint8_t {
    added,         ///< ADD_DEPENDENCY
    removed,       ///< REMOVE_DEPENDENCY
    stateChanged,  ///< PROVIDER_STATE_CHANGE
};

struct DependencyNotice {
    DependencyEvent event{DependencyEvent::stateChanged};
    std::string name;  ///< of the resource depended on; empty if the engine did not say
};

}  // namespace holdfast::inline v1
