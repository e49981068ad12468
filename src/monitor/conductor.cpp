// SPDX-License-Identifier: BSL-1.0
#include "monitor/conductor.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::inline v1::monitor {

using core::MonitorState;
using Kind = core::MonitorEvent::Kind;

Conductor::Conductor(std::vector<std::vector<std::size_t>> providers) : members_(providers.size()) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        members_[i].providers = std::move(providers[i]);
        for (const std::size_t provider : members_[i].providers) members_[provider].dependents.push_back(i);
    }
}

Conductor::Requests Conductor::changed(std::size_t resource, const View& view) {
    Member& member = members_[resource];
    member.view = view;
    switch (view.state) {
        case MonitorState::opened:
            if (member.asked == Asked::down && phase_ == Phase::running) member.asked = Asked::nothing;
            break;
        case MonitorState::unloaded:
            if (member.asked == Asked::down && phase_ == Phase::running && !view.restartPending)
                member.asked = Asked::nothing;
            break;
        case MonitorState::failed: member.asked = Asked::nothing; break;  // the restart policy goes on
        default: break;
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
        for (Member& member : members_) member.asked = Asked::nothing;
    } else if (phase_ == Phase::stopping || phase_ == Phase::closing) {
        Requests requests;
        if (phase_ == Phase::stopping) phase_ = Phase::terminating;
        for (std::size_t i = 0; i < members_.size(); ++i) {
            members_[i].asked = Asked::down;
            requests.push_back({i, Kind::terminate});
        }
        return requests;
    }
    return next();
}

Conductor::Requests Conductor::want(std::size_t resource, bool online) {
    Member& member = members_[resource];
    member.wanted = online;
    Requests requests;
    if (phase_ != Phase::running) return requests;
    if (online && member.view.state == MonitorState::failed && mayWork(member)) {
        member.asked = Asked::up;
        requests.push_back({resource, Kind::online});
        return requests;
    }
    if (member.asked == Asked::up && !online) member.asked = Asked::nothing;
    // One that was given up, and whose restarts are used up, has nobody else to ask for it.
    if (online && (member.view.state == MonitorState::dead || member.view.state == MonitorState::unloaded))
        member.asked = Asked::nothing;
    return next();
}

Conductor::Requests Conductor::lost(std::size_t resource) {
    members_[resource].lost = true;
    return next();
}

Conductor::Requests Conductor::revive(std::size_t resource) {
    members_[resource].asked = Asked::nothing;
    return next();
}

std::uint32_t Conductor::rank(std::size_t resource) const {
    std::uint32_t above = 0;
    for (const std::size_t provider : members_[resource].providers) above = std::max(above, rank(provider) + 1);
    return above;
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
    return !member.lost &&
           (member.view.state == MonitorState::online || member.view.state == MonitorState::verifying);
}

bool Conductor::mayWork(const Member& member) const {
    // Its providers' providers count too: what stands on something lost goes down before that does.
    return member.wanted && std::all_of(member.providers.begin(), member.providers.end(),
                                        [&](std::size_t i) { return isOnline(members_[i]) && mayWork(members_[i]); });
}

Conductor::Requests Conductor::next() {
    Requests requests;
    if (phase_ == Phase::running) conduct(requests);
    if (phase_ == Phase::stopping) lower(requests);
    if (phase_ == Phase::stopping || phase_ == Phase::terminating) {
        const bool down =
            std::all_of(members_.begin(), members_.end(), [](const Member& member) { return isDown(member); });
        if (down) {
            phase_ = Phase::closing;
            for (std::size_t i = 0; i < members_.size(); ++i) requests.push_back({i, Kind::shutdown});
        }
    }
    if (phase_ == Phase::closing) {
        const bool closed = std::all_of(members_.begin(), members_.end(), [](const Member& member) {
            return member.view.closed || member.view.state == MonitorState::dead;
        });
        if (closed) phase_ = Phase::stopped;
    }
    return requests;
}

void Conductor::conduct(Requests& requests) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = members_[i];
        if (mayWork(member)) {
            const bool idle = member.view.state == MonitorState::opened || member.view.state == MonitorState::unloaded;
            if (idle && member.asked == Asked::nothing) {
                member.asked = Asked::up;
                requests.push_back({i, Kind::online});
            }
            continue;
        }
        // Its provider is down, or nobody wants it; a restart that is due would come too early as well.
        const bool works = !isDown(member) || member.view.restartPending || member.view.state == MonitorState::failed;
        const bool free = std::all_of(member.dependents.begin(), member.dependents.end(),
                                      [&](std::size_t d) { return isDown(members_[d]); });
        if (works && free && member.asked != Asked::down && member.view.state != MonitorState::dead) {
            member.asked = Asked::down;
            requests.push_back({i, Kind::offline});
        }
    }
}

void Conductor::lower(Requests& requests) {
    for (std::size_t i = 0; i < members_.size(); ++i) {
        Member& member = members_[i];
        if (member.asked == Asked::down || member.view.state == MonitorState::dead) continue;
        const bool free = std::all_of(member.dependents.begin(), member.dependents.end(),
                                      [&](std::size_t d) { return isDown(members_[d]); });
        if (!free) continue;
        member.asked = Asked::down;
        requests.push_back({i, Kind::offline});
    }
}

bool Conductor::hopeless() const {
    if (phase_ != Phase::running) return false;
    bool anyFailed = false;
    for (const Member& member : members_) {
        if (!isDown(member) || member.view.restartPending) return false;
        const bool starting = member.asked == Asked::up && member.view.state == MonitorState::opened;
        if (starting) return false;
        anyFailed = anyFailed || member.view.state == MonitorState::failed || member.view.state == MonitorState::dead ||
                    (member.view.state == MonitorState::unloaded && member.asked == Asked::up);
    }
    return anyFailed;
}

}  // namespace holdfast::inline v1::monitor
