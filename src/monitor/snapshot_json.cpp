// SPDX-License-Identifier: BSL-1.0
#include "monitor/snapshot_json.hpp"

#include "monitor/reason_text.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <string>
#include <type_traits>

namespace holdfast::inline v1::monitor {

namespace {

namespace json = boost::json;
using Clock = std::chrono::steady_clock;

std::int64_t milliseconds(Clock::duration span) {
    return std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(span).count(), 0);
}

json::value valueOf(const PropertyValue& value) {
    return std::visit(
        [](const auto& data) -> json::value {
            using Type = std::decay_t<decltype(data)>;
            if constexpr (std::is_same_v<Type, std::monostate>) {
                return nullptr;
            } else if constexpr (std::is_same_v<Type, Strings>) {
                json::array items;
                for (const auto& item : data) items.emplace_back(item);
                return items;
            } else if constexpr (std::is_same_v<Type, Bytes>) {
                static constexpr char digits[] = "0123456789abcdef";
                std::string hex;
                for (const auto byte : data) {
                    hex.push_back(digits[std::to_integer<unsigned>(byte) >> 4U]);
                    hex.push_back(digits[std::to_integer<unsigned>(byte) & 15U]);
                }
                return json::value(hex);
            } else {
                return json::value(data);
            }
        },
        value.data());
}

}  // namespace

json::object toJsonObject(const ResourceSnapshot& snapshot, Clock::time_point now) {
    json::array providers;
    for (const auto& name : snapshot.dependsOn) providers.emplace_back(name);
    json::object out{{"name", snapshot.name},
                     {"type", snapshot.type},
                     {"dependsOn", std::move(providers)},
                     {"state", stateName(snapshot.state)},
                     {"external", stateName(snapshot.external)},
                     {"externalValue", static_cast<std::int32_t>(snapshot.external)},
                     {"wanted", snapshot.wanted ? "online" : "offline"},
                     {"onlines", snapshot.onlines},
                     {"failures", snapshot.failures},
                     {"restarts", snapshot.restarts},
                     {"separateMonitor", snapshot.separateMonitor}};
    if (snapshot.since != Clock::time_point{}) out["age"] = milliseconds(now - snapshot.since);
    if (snapshot.restartPending) out["restartIn"] = milliseconds(snapshot.restartAt - now);
    if (!snapshot.reason.empty()) out["reason"] = snapshot.reason;
    const bool pending = snapshot.external == abi::ResourceState::onlinePending ||
                         snapshot.external == abi::ResourceState::offlinePending;
    if (pending && snapshot.stepAt != Clock::time_point{}) {
        out["step"] = snapshot.step;
        out["stepAge"] = milliseconds(now - snapshot.stepAt);
    }
    if (snapshot.lastCheck) {
        out["lastCheck"] = json::object{{"entryPoint", nameOf(snapshot.lastCheck->entryPoint)},
                                        {"alive", snapshot.lastCheck->alive},
                                        {"age", milliseconds(now - snapshot.lastCheck->at)}};
    }
    if (snapshot.worst.budget.count() != 0) {
        out["worst"] = json::object{{"entryPoint", nameOf(snapshot.worst.entryPoint)},
                                    {"span", snapshot.worst.span.count()},
                                    {"budget", std::chrono::nanoseconds{snapshot.worst.budget}.count()}};
    }
    if (snapshot.hostProcess != 0) out["hostProcess"] = snapshot.hostProcess;
    return out;
}

json::object toJsonObject(const VisibleProperties& properties) {
    json::array rows;
    for (const auto& entry : properties.entries) {
        json::object row{{"name", entry.name}, {"stored", entry.stored}, {"shown", !entry.value.absent()}};
        if (entry.readOnly) row["readOnly"] = true;
        if (!entry.value.absent()) {
            row["format"] = formatName(entry.value.format());
            row["value"] = valueOf(entry.value);
        }
        rows.push_back(std::move(row));
    }
    json::object out{{"properties", std::move(rows)}, {"code", properties.code}};
    if (properties.code != abi::code::success) out["why"] = "the agent shows no values: " + codeText(properties.code);
    return out;
}

}  // namespace holdfast::inline v1::monitor
