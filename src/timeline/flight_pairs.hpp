// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <map>
#include <string>
#include <tuple>

namespace holdfast::inline v1::timeline {

/** Which span a flight recorder's "it ended" belongs to: what began last with that name on that thread. */
class FlightPairs {
public:
    void begin(const std::string& resource, const FlightEventEntry& event, std::size_t span) {
        open_[keyOf(resource, event)] = span;
    }
    /** The span that this event ends; `none` if it ends nothing, or its beginning was overwritten. */
    std::size_t take(const std::string& resource, const FlightEventEntry& event) {
        if (!event.ends) return none;
        const auto found = open_.find(keyOf(resource, event));
        if (found == open_.end()) return none;
        const std::size_t span = found->second;
        open_.erase(found);
        return span;
    }

private:
    using Key = std::tuple<std::string, std::string, std::string, std::uint64_t>;
    static Key keyOf(const std::string& resource, const FlightEventEntry& event) {
        return {resource, event.event, event.what, event.thread};
    }
    std::map<Key, std::size_t> open_;
};

}  // namespace holdfast::inline v1::timeline
