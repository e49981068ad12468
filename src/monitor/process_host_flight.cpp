// SPDX-License-Identifier: BSL-1.0

/// When a ProcessHost writes out what its hosts recorded.

#include "monitor/process_host_core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::chrono::seconds lookInterval{1};
/** Taking stacks stops every thread of a host for a moment, and one hang raises many alarms. */
constexpr std::chrono::seconds alarmInterval{60};
constexpr int timesBudget = 10;
constexpr abi::Dword information = 0;

/** As people know the group: `library /usr/lib/x.so` is `x`. */
std::string shortName(const std::string& key) {
    constexpr std::string_view library = "library ";
    if (key.starts_with(library)) return std::filesystem::path{key.substr(library.size())}.stem().string();
    return key;
}

}  // namespace

/** False: nothing is written, and `taken` is not called. */
bool ProcessHost::Core::writeFlight(const std::string& key, const std::string& reason, bool lives,
                                    std::function<void()> taken) {
    const Group& group = groups_[key];
    const auto life = group.process ? group.process->life() : nullptr;
    if (!life || life->flightMemory() == nullptr || group.process->process() == 0) return false;
    FlightLog::Order order;
    order.incident = {shortName(key), reason, group.process->process(), std::chrono::system_clock::now()};
    order.owner = life;
    order.memory = life->flightMemory();
    order.stacks = lives;
    order.interrupted = [this, life, process = order.incident.process] {
        boost::asio::post(io_, [life, process] { life->goOn(process); });
    };
    order.taken = std::move(taken);
    order.said = [this](std::string text) {
        boost::asio::post(io_, [this, said = std::move(text)] {
            if (const auto listener = listener_.lock()) listener->hostSays(information, said);
        });
    };
    return flights_.write(std::move(order));
}

/** At most once a minute for each host. */
void ProcessHost::Core::alarm(const std::string& key, const std::string& reason) {
    Group& group = groups_[key];
    const auto now = std::chrono::steady_clock::now();
    if (!group.process || !group.process->isReady() || group.flightWritten) return;
    if (group.lastFlight != std::chrono::steady_clock::time_point{} && now - group.lastFlight < alarmInterval) return;
    if (writeFlight(key, reason, true)) group.lastFlight = now;
}

/** A call that does not come back is looked at while it hangs, whatever its library is made with. */
void ProcessHost::Core::lookAtCalls() {
    struct Late {
        ResourceNumber resource;
        EntryPoint entryPoint;
        std::chrono::milliseconds age;
    };
    std::vector<Late> late;
    {
        const auto now = std::chrono::steady_clock::now();
        const std::lock_guard lock{mutex_};
        for (auto& [call, running] : running_) {
            const auto age = std::chrono::duration_cast<std::chrono::milliseconds>(now - running.since);
            if (running.written || age < settings_.flightAfter || age < budgetOf(call.second) * timesBudget) continue;
            running.written = true;
            late.push_back({call.first, call.second, age});
        }
    }
    for (const auto& [resource, entryPoint, age] : late) {
        const auto found = resources_.find(resource);
        if (found == resources_.end() || !found->second.added) continue;
        alarm(found->second.group, fmt::format("'{}': {} has been running for {} ms", found->second.description.name,
                                               nameOf(entryPoint), age.count()));
    }
    looking_.expires_after(std::min<std::chrono::milliseconds>(lookInterval, settings_.flightAfter));
    looking_.async_wait([this](const boost::system::error_code& error) {
        if (!error && !leaving_) lookAtCalls();
    });
}

}  // namespace holdfast::inline v1::monitor
