// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace holdfast::inline v1::timeline {

/** Which span a flight recorder's "it ended" belongs to: what began last with that name on that thread. */
class FlightPairs {
public:
    /** It began; `none`: it is not drawn, and neither is its end. */
    void begin(const FlightEventEntry& event, std::size_t span) { open_[keyOf(event)].push_back(span); }
    /** Whether the host has begun the same call on the same thread: then this is the library's side of it. */
    [[nodiscard]] bool hostBegan(const FlightEventEntry& event) const {
        const auto found = open_.find(Key{"host", event.event, event.what, event.thread});
        return event.by != "host" && found != open_.end() && !found->second.empty();
    }
    struct Begun {
        bool known{false};  ///< false: it ends nothing, or its beginning was overwritten
        std::size_t span{none};
    };
    /** What this event ends. */
    Begun take(const FlightEventEntry& event) {
        if (!event.ends) return {};
        const auto found = open_.find(keyOf(event));
        if (found == open_.end() || found->second.empty()) return {};
        const Begun begun{true, found->second.back()};
        found->second.pop_back();
        return begun;
    }

private:
    using Key = std::tuple<std::string, std::string, std::string, std::uint64_t>;
    // Not by the resource: a library knows it only once Open has returned.
    static Key keyOf(const FlightEventEntry& event) { return {event.by, event.event, event.what, event.thread}; }
    std::map<Key, std::vector<std::size_t>> open_;
};

}  // namespace holdfast::inline v1::timeline
