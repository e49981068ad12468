// SPDX-License-Identifier: BSL-1.0
// The state of a monitor as JSON. A reader refuses what it does not understand as a whole: half a state is a wrong one.
#include "monitor/state_store.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <exception>
#include <stdexcept>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace json = boost::json;

namespace {

constexpr std::int64_t formatNumber = 1;
/** No period is as long (49 days): what a damaged file says to be older must not overflow. */
constexpr std::chrono::milliseconds oldest = std::chrono::hours{24 * 365};
using Slice = core::RestartPolicy::Slice;

json::value toValue(const SettingValue& setting) {
    return std::visit(
        [](const auto& value) -> json::value {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::vector<std::string>>) {
                json::array out;
                for (const auto& text : value) out.emplace_back(text);
                return out;
            } else {
                return json::value(value);
            }
        },
        setting);
}

SettingValue toSetting(const json::value& value) {
    switch (value.kind()) {
        case json::kind::bool_: return value.get_bool();
        case json::kind::int64: return value.get_int64();
        case json::kind::double_:
            if (!std::isfinite(value.get_double())) throw std::runtime_error{"no number"};
            return value.get_double();
        case json::kind::string: return std::string{value.get_string()};
        case json::kind::array: {
            std::vector<std::string> out;
            for (const auto& text : value.get_array()) out.emplace_back(text.as_string());
            return out;
        }
        default: throw std::runtime_error{"no setting"};
    }
}

/** Both clocks of each: the steady one is exact within a start of the system, the other one goes on over it. */
json::array toValue(const std::vector<Slice>& slices, const StateClock& now) {
    json::array out;
    for (const auto& slice : slices) {
        const auto wall = [&](core::RestartPolicy::Time time) {
            return (now.wall - (now.steady - time)).time_since_epoch().count();
        };
        out.push_back(json::object{{"first", slice.first.time_since_epoch().count()},
                                   {"last", slice.last.time_since_epoch().count()},
                                   {"firstWall", wall(slice.first)},
                                   {"lastWall", wall(slice.last)},
                                   {"count", slice.restarts}});
    }
    return out;
}

std::vector<Slice> toSlices(const json::value& value, const StateClock& now, bool sameBoot) {
    using Time = core::RestartPolicy::Time;
    std::vector<Slice> out;
    const auto time = [&](const json::value& entry, std::string_view steady, std::string_view wall) {
        if (sameBoot) {
            const Time then{std::chrono::milliseconds{entry.at(steady).as_int64()}};
            return std::clamp(then, now.steady - oldest, now.steady);
        }
        // A clock that was set back makes it younger, never from the future.
        const std::chrono::sys_time<std::chrono::milliseconds> then{
            std::chrono::milliseconds{entry.at(wall).as_int64()}};
        return now.steady - (now.wall - std::clamp(then, now.wall - oldest, now.wall));
    };
    for (const auto& entry : value.as_array()) {
        Slice slice;
        slice.first = time(entry, "first", "firstWall");
        slice.last = std::max(slice.first, time(entry, "last", "lastWall"));
        slice.restarts =
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, entry.at("count").to_number<std::int64_t>()));
        out.push_back(slice);
    }
    std::sort(out.begin(), out.end(), [](const Slice& a, const Slice& b) { return a.first < b.first; });
    return out;
}

json::object toValue(const StoredResource& resource, const StateClock& now) {
    json::object out;
    if (resource.wanted) out["wanted"] = *resource.wanted;
    if (resource.separate) out["separate"] = true;
    if (resource.failed) out["failed"] = true;
    if (!resource.reason.empty()) out["reason"] = resource.reason;
    if (!resource.restarts.empty()) out["restarts"] = toValue(resource.restarts, now);
    json::object properties;
    for (const auto& [name, property] : resource.properties) {
        json::object entry{{"value", toValue(property.value)}};
        if (property.inFile) entry["file"] = toValue(*property.inFile);
        properties[name] = std::move(entry);
    }
    if (!properties.empty()) out["properties"] = std::move(properties);
    return out;
}

StoredResource toResource(const json::object& in, const StateClock& now, bool sameBoot) {
    StoredResource out;
    if (const auto* wanted = in.if_contains("wanted")) out.wanted = wanted->as_bool();
    if (const auto* separate = in.if_contains("separate")) out.separate = separate->as_bool();
    if (const auto* failed = in.if_contains("failed")) out.failed = failed->as_bool();
    if (const auto* reason = in.if_contains("reason")) out.reason = std::string{reason->as_string()};
    if (const auto* restarts = in.if_contains("restarts")) out.restarts = toSlices(*restarts, now, sameBoot);
    if (const auto* properties = in.if_contains("properties")) {
        for (const auto& entry : properties->as_object()) {
            StoredProperty property;
            property.value = toSetting(entry.value().at("value"));
            if (const auto* inFile = entry.value().as_object().if_contains("file"))
                property.inFile = toSetting(*inFile);
            out.properties[std::string{entry.key()}] = std::move(property);
        }
    }
    return out;
}

}  // namespace

StateClock StateClock::now() {
    StateClock clock;
    clock.steady = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now());
    clock.wall = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
    clock.boot = os::bootId();
    return clock;
}

std::string writeState(const StoredState& state, const StateClock& now) {
    json::object resources;
    for (const auto& [name, resource] : state.resources) resources[name] = toValue(resource, now);
    json::object groups;
    for (const auto& [name, group] : state.groups) {
        json::object entry{{"failovers", toValue(group.failovers, now)}};
        if (group.held) entry["held"] = true;
        groups[name] = std::move(entry);
    }
    return json::serialize(json::object{{"format", formatNumber},
                                        {"boot", now.boot},
                                        {"resources", std::move(resources)},
                                        {"groups", std::move(groups)}}) +
           "\n";
}

std::optional<StoredState> readState(std::string_view text, const StateClock& now) {
    try {
        const json::value root = json::parse(text);
        if (root.at("format").as_int64() != formatNumber) return std::nullopt;
        const auto boot = std::string{root.at("boot").as_string()};
        const bool sameBoot = !boot.empty() && boot == now.boot;
        StoredState state;
        for (const auto& entry : root.at("resources").as_object()) {
            state.resources[std::string{entry.key()}] = toResource(entry.value().as_object(), now, sameBoot);
        }
        for (const auto& entry : root.at("groups").as_object()) {
            auto& group = state.groups[std::string{entry.key()}];
            group.failovers = toSlices(entry.value().at("failovers"), now, sameBoot);
            if (const auto* held = entry.value().as_object().if_contains("held")) group.held = held->as_bool();
        }
        return state;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

}  // namespace holdfast::inline v1::monitor
