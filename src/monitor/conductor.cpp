// SPDX-License-Identifier: BSL-1.0
#include "monitor/conductor.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace holdfast::inline v1::monitor {

using core::MonitorState;
using Kind = core::MonitorEvent::Kind;

Conductor::Conductor(Places places) {
    for (auto& [number, place] : places) {
        Member& member = members_[number];
        member.providers = std::move(place.providers);
        member.group = std::move(place.group);
        member.wanted = place.wanted;
    }
    connect();
}

void Conductor::connect() {
    for (auto& [number, member] : members_) member.dependents.clear();
    for (auto& [number, member] : members_) {
        for (const std::size_t provider : member.providers) members_.at(provider).dependents.push_back(number);
    }
}

Conductor::Requests Conductor::changed(std::size_t resource, const View& view) {
    const auto found = members_.find(resource);
    if (found == members_.end()) return {};  // it is being prepared, or gone
    Member& member = found->second;
    View seen = view;
    if (seen.state == MonitorState::verifying) seen.state = MonitorState::online;  // the same from outside
    if (seen == member.view) return {};  // nothing new, and all that follows from it was asked for: most news are polls
    const bool wasDead = member.view.state == MonitorState::dead;
    const bool hasTaken = view.taken != member.view.taken;
    member.view = seen;
    if (!isCurrent(member)) return next();  // a request is on its way
    const bool settles = member.asked == Asked::down && phase_ == Phase::running;
    switch (view.state) {
        case MonitorState::opened:
            if (settles) member.asked = Asked::nothing;
            break;
        case MonitorState::unloaded:
            if (settles && !view.restartPending) member.asked = Asked::nothing;
            break;
        case MonitorState::failed:  // the restart policy goes on
            if (member.asked != Asked::close) member.asked = Asked::nothing;
            break;
        default: break;
    }
    const bool staysDead = wasDead && view.state == MonitorState::dead;
    if (view.state != MonitorState::failed && view.state != MonitorState::unloaded && !staysDead)
        member.restartDue = false;
    if (view.state == MonitorState::dead && hasTaken && member.asked == Asked::up) {
        member.asked = Asked::nothing;  // it came when there was no host: once more, when there is one
        member.restartDue = true;
    }
    return next();
}

Conductor::Requests Conductor::start() {
    if (phase_ == Phase::preparing) phase_ = Phase::running;
    return next();
}

Conductor::Requests Conductor::stop() {
    if (phase_ == Phase::preparing || phase_ == Phase::running) {
        phase_ = Phase::stopping;
        for (auto& [number, member] : members_) {
            if (member.asked != Asked::up)
                member.asked = Asked::nothing;  // what is to start may begin before it hears of this
        }
    } else if (phase_ == Phase::stopping || phase_ == Phase::closing) {
        Requests requests;
        if (phase_ == Phase::stopping) phase_ = Phase::terminating;
        for (auto& [number, member] : members_) {
            member.asked = Asked::down;
            ask(number, member, Kind::terminate, requests);
        }
        return requests;
    }
    return next();
}

Conductor::Requests Conductor::want(std::size_t resource, bool online) {
    const auto found = members_.find(resource);
    if (found == members_.end() || found->second.leaving) return {};
    Member& member = found->second;
    member.wanted = online;
    if (phase_ != Phase::running) return {};
    if (online) {
        holds_.erase(member.group);
        const bool gaveUp = member.view.state == MonitorState::unloaded && member.asked == Asked::up &&
                            isCurrent(member) && !member.view.restartPending;  // its agent could not be loaded
        if (gaveUp) member.asked = Asked::nothing;
        const bool dead = member.view.state == MonitorState::dead && isCurrent(member) && member.asked != Asked::close;
        if (dead) member.asked = Asked::nothing;  // nothing can be asked of it before it has a host again
        if (member.view.state == MonitorState::failed || member.view.broken || dead) member.restartDue = true;
    }
    Requests requests;
    if (online && member.asked == Asked::down && mayWork(member)) {  // its Offline may not have begun, or be vetoed
        member.asked = Asked::up;
        ask(resource, member, Kind::online, requests);
    }
    const auto more = next();
    requests.insert(requests.end(), more.begin(), more.end());
    return requests;
}

Conductor::Requests Conductor::lost(std::size_t resource) {
    if (const auto found = members_.find(resource); found != members_.end()) found->second.lost = true;
    return next();
}

Conductor::Requests Conductor::heard(std::size_t resource) {
    if (const auto found = members_.find(resource); found != members_.end()) found->second.lost = false;
    return next();
}

Conductor::Requests Conductor::revive(std::size_t resource) {
    if (const auto found = members_.find(resource); found != members_.end()) {
        found->second.restartDue = true;
        // Whatever was asked of it before, up or down, ended with its host.
        if (found->second.asked != Asked::close) found->second.asked = Asked::nothing;
    }
    return next();
}

bool Conductor::mayRestart(std::size_t resource) {
    const auto found = members_.find(resource);
    if (found == members_.end() || phase_ == Phase::preparing) return true;
    if (phase_ != Phase::running) return false;
    Member& member = found->second;
    if (!isCurrent(member)) return false;  // the request that is on its way decides
    if (mayWork(member) && isFree(member)) {
        member.asked = Asked::up;  // it begins before it can tell
        return true;
    }
    member.restartDue = true;
    if (member.asked == Asked::up) member.asked = Asked::nothing;
    return false;
}

Conductor::Requests Conductor::arrange(Places places) {
    for (auto& [number, member] : members_) {
        const auto place = places.find(number);
        if (place == places.end()) {
            member.leaving = true;  // it keeps its providers: it goes before they do
            continue;
        }
        member.providers = std::move(place->second.providers);
        member.group = std::move(place->second.group);
        places.erase(place);
    }
    for (auto& [number, place] : places) {
        Member& member = members_[number];
        member.providers = std::move(place.providers);
        member.group = std::move(place.group);
        member.wanted = place.wanted;
        member.after = std::move(place.after);
    }
    connect();
    std::erase_if(holds_, [&](const auto& hold) {
        return std::none_of(members_.begin(), members_.end(), [&](const auto& entry) {
            return !entry.second.leaving && entry.second.group == hold.first;
        });
    });
    return next();
}

Conductor::Requests Conductor::hold(const std::string& group, bool returns) {
    if (phase_ != Phase::running) return {};
    holds_[group] = {returns, false};
    return next();
}

Conductor::Requests Conductor::release(const std::string& group) {
    holds_.erase(group);
    return next();
}

std::string Conductor::groupOf(std::size_t resource) const {
    const auto found = members_.find(resource);
    return found == members_.end() ? std::string{} : found->second.group;
}

std::vector<std::string> Conductor::fallen() {
    std::vector<std::string> groups;
    if (phase_ != Phase::running) return groups;
    for (auto& [name, hold] : holds_) {
        const bool down = std::all_of(members_.begin(), members_.end(), [&, &group = name](const auto& entry) {
            const View& view = entry.second.view;
            return entry.second.group != group ||
                   (isQuiet(entry.second) && view.state != MonitorState::failed && !view.restartPending);
        });
        if (!down || hold.told) continue;
        hold.told = true;
        groups.push_back(name);
    }
    return groups;
}

bool Conductor::isDown(const Member& member) noexcept {
    switch (member.view.state) {
        case MonitorState::unloaded:
        case MonitorState::opened:
        case MonitorState::failed:
        case MonitorState::closed:
        case MonitorState::dead: return true;
        default: return false;
    }
}

bool Conductor::isOnline(const Member& member) noexcept {
    return !member.lost && member.view.state == MonitorState::online;
}

/** Down, and sure to stay so: who has been asked to start may begin at any moment. */
bool Conductor::isQuiet(const Member& member) noexcept {
    // Until it has a host again; but what its dead host left may still be at work (D17).
    if (member.view.state == MonitorState::dead) return isCurrent(member) && !member.view.restartPending;
    return isDown(member) && member.asked != Asked::up && isCurrent(member);
}

/** Whoever can be reached from `start`, each once: the ways may be many. */
template <typename Holds>
bool Conductor::all(const std::vector<std::size_t>& start, std::vector<std::size_t> Member::*next,
                    const Holds& holds) const {
    if (start.empty()) return true;
    std::vector<std::size_t> todo = start;
    std::set<std::size_t> seen{start.begin(), start.end()};
    while (!todo.empty()) {
        const Member& member = members_.at(todo.back());
        todo.pop_back();
        if (!holds(member)) return false;
        for (const std::size_t number : member.*next) {
            if (seen.insert(number).second) todo.push_back(number);
        }
    }
    return true;
}

/** What stands on it through one that has failed counts too. */
bool Conductor::isFree(const Member& member) const {
    return all(member.dependents, &Member::dependents, [](const Member& dependent) { return isQuiet(dependent); });
}

void Conductor::ask(std::size_t number, Member& member, Kind kind, Requests& requests) {
    ++member.sent;
    requests.push_back({number, kind});
}

bool Conductor::isAllowed(const Member& member) const {
    return member.wanted && !member.leaving && !holds_.contains(member.group) &&
           std::none_of(member.after.begin(), member.after.end(), [&](std::size_t number) { return has(number); });
}

bool Conductor::mayWork(const Member& member) const {
    // Its providers' providers count too: what stands on something lost goes down before that does.
    return isAllowed(member) && all(member.providers, &Member::providers, [&](const Member& provider) {
               return isOnline(provider) && provider.asked != Asked::down && isCurrent(provider) && isAllowed(provider);
           });
}

Conductor::Requests Conductor::next() {
    Requests requests;
    if (phase_ == Phase::running) {
        dismiss(requests);
        conduct(requests);
    }
    if (phase_ == Phase::stopping) lower(requests);
    if (phase_ == Phase::stopping || phase_ == Phase::terminating) {
        const bool down = std::all_of(members_.begin(), members_.end(), [](const auto& entry) {
            return isDown(entry.second) && isCurrent(entry.second);
        });
        if (down) {
            phase_ = Phase::closing;
            for (auto& [number, member] : members_) ask(number, member, Kind::shutdown, requests);
        }
    }
    if (phase_ == Phase::closing) {
        const bool closed = std::all_of(members_.begin(), members_.end(), [](const auto& entry) {
            return entry.second.view.closed || entry.second.view.state == MonitorState::dead;
        });
        if (closed) phase_ = Phase::stopped;
    }
    return requests;
}

/** Who leaves is closed once it is down, and gone once it is closed. */
void Conductor::dismiss(Requests& requests) {
    bool gone = false;
    for (auto it = members_.begin(); it != members_.end();) {
        Member& member = it->second;
        const bool free = member.leaving && isFree(member);
        // D17: one that died, in its Close perhaps, is gone once nothing of its host is left.
        const bool ended = member.view.state == MonitorState::dead ? !member.view.restartPending : member.view.closed;
        if (free && ended) {
            for (auto& [number, other] : members_) std::erase(other.providers, it->first);
            gone_.push_back(it->first);
            it = members_.erase(it);
            gone = true;
            continue;
        }
        const bool still = member.view.state == MonitorState::opened || member.view.state == MonitorState::unloaded;
        if (free && still && isQuiet(member) && !member.view.restartPending && member.asked != Asked::close) {
            member.asked = Asked::close;
            ask(it->first, member, Kind::remove, requests);
        }
        ++it;
    }
    if (gone) connect();
}

void Conductor::raise(std::size_t number, Member& member, Requests& requests) const {
    const bool idle = member.view.state == MonitorState::opened || (member.view.state == MonitorState::unloaded &&
                                                                    !member.view.restartPending && !member.view.broken);
    const bool again = member.restartDue && isDown(member) && member.view.state != MonitorState::dead;
    if ((!idle && !again) || member.asked != Asked::nothing || !isFree(member)) return;
    member.restartDue = false;
    member.asked = Asked::up;
    ask(number, member, Kind::online, requests);
}

void Conductor::conduct(Requests& requests) {
    for (auto& [number, member] : members_) {
        if (mayWork(member)) {
            raise(number, member, requests);
            continue;
        }
        // Its provider is down, or nobody wants it; a restart that is due would come too early as well.
        const bool works = !isDown(member) || member.asked == Asked::up || member.view.restartPending ||
                           member.view.state == MonitorState::failed || member.view.broken;
        if (works && isFree(member) && member.asked != Asked::down && member.asked != Asked::close &&
            member.view.state != MonitorState::dead) {
            member.asked = Asked::down;
            member.restartDue = false;
            ask(number, member, Kind::offline, requests);
        }
    }
}

void Conductor::lower(Requests& requests) {
    for (auto& [number, member] : members_) {
        if (member.asked == Asked::down || member.view.state == MonitorState::dead) continue;
        if (!isFree(member)) continue;
        member.asked = Asked::down;
        ask(number, member, Kind::offline, requests);
    }
}

bool Conductor::hopeless() const {
    if (phase_ != Phase::running) return false;
    bool anyFailed = false;
    for (const auto& [number, member] : members_) {
        if (!isDown(member) || member.view.restartPending || member.restartDue) return false;
        const bool starting = member.asked == Asked::up && member.view.state == MonitorState::opened;
        if (starting) return false;
        anyFailed = anyFailed || member.view.state == MonitorState::failed || member.view.state == MonitorState::dead ||
                    (member.view.state == MonitorState::unloaded && member.asked == Asked::up);
    }
    for (const auto& [name, hold] : holds_) {
        if (hold.returns) return false;
        anyFailed = true;
    }
    return anyFailed;
}

}  // namespace holdfast::inline v1::monitor
