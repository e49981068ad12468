// SPDX-License-Identifier: BSL-1.0
#include "killer.hpp"

#include <fmt/format.h>

#include <csignal>
#include <utility>

namespace chaos {

namespace {

using namespace std::chrono_literals;

constexpr auto scanInterval = 200ms;

// Of 1,000 acts.
constexpr unsigned victims = 370;
constexpr unsigned trees = 110;
constexpr unsigned reapers = 150;
constexpr unsigned hosts = 100;
constexpr unsigned guards = 50;
constexpr unsigned pairs = 80;  // reaper and host at once
constexpr unsigned stops = 128;
constexpr unsigned monitors = 6;
constexpr unsigned allFour = 6;
static_assert(victims + trees + reapers + hosts + guards + pairs + stops + monitors + allFour == 1'000);

}  // namespace

Killer::Killer(const Options& options, MonitorLife& monitor, Journal& journal)
    : options_{options}, monitor_{monitor}, journal_{journal}, random_{options.seed} {}

std::chrono::milliseconds Killer::pause() {
    const unsigned least = options_.pause / 5;
    return std::chrono::milliseconds{least + draw(options_.pause - least + 1)};
}

void Killer::refresh(bool now) {
    if (!now && Clock::now() - seenAt_ < scanInterval) return;
    seen_ = processesOf(options_.directory.string());
    seenAt_ = Clock::now();
}

const Seen* Killer::any(Role role, const std::string& resource) {
    std::vector<const Seen*> fit;
    for (const auto& seen : seen_) {
        if (seen.role == role && (resource.empty() || seen.resource == resource)) fit.push_back(&seen);
    }
    return fit.empty() ? nullptr : fit[draw(static_cast<unsigned>(fit.size()))];
}

bool Killer::kill(const Seen* seen, const std::string& what) {
    if (seen == nullptr) return false;
    const Target target{*seen, options_.directory.string()};
    if (!target.signal(SIGKILL)) return false;
    ++kills_[what];
    journal_.note("kill " + what, fmt::format("{} {} {}", nameOf(seen->role), seen->pid, seen->resource));
    return true;
}

void Killer::killMonitor(const std::string& what) {
    const Seen monitor{monitor_.process(), Role::monitor, {}};
    if (monitor.pid == 0 || !kill(&monitor, what)) return;
    monitorKilled_ = true;
    monitorAt_ = Clock::now() + std::chrono::milliseconds{draw(3'000)};
}

/** A resource's program, reaper and host; with everything also the monitor. */
void Killer::killTogether(bool everything) {
    const Seen* const victim = any(Role::victim);
    if (victim == nullptr) return;
    const std::string what = everything ? "all four" : "reaper and host";
    const std::string resource = victim->resource;
    const Seen host{hostOf(resource), Role::host, {}};
    if (everything) {
        kill(victim, "victim (of all four)");
        killMonitor("monitor (of all four)");
    }
    kill(any(Role::reaper, resource), "reaper (of " + what + ")");
    if (host.pid != 0) kill(&host, "host (of " + what + ")");
}

/** The monitor knows; if it does not say so at once, any host. */
pid_t Killer::hostOf(const std::string& resource) {
    const auto listed = monitor_.list(500ms);
    const auto found = listed.find(resource);
    if (found != listed.end() && found->second.hostProcess != 0) return static_cast<pid_t>(found->second.hostProcess);
    const Seen* const host = any(Role::host);
    return host == nullptr ? 0 : host->pid;
}

void Killer::stop() {
    constexpr Role roles[] = {Role::victim, Role::tree, Role::reaper, Role::host, Role::guard, Role::monitor};
    const Role role = roles[draw(6)];
    if (role == Role::monitor && draw(4) != 0) return;
    const Seen monitor{monitor_.process(), Role::monitor, {}};
    const Seen* const seen = role == Role::monitor ? (monitor.pid == 0 ? nullptr : &monitor) : any(role);
    if (seen == nullptr) return;
    Target target{*seen, options_.directory.string()};
    if (!target.signal(SIGSTOP)) return;
    const std::chrono::milliseconds span{1 + draw(2'000)};
    ++kills_[fmt::format("SIGSTOP {}", nameOf(role))];
    journal_.note("stop", fmt::format("{} {} {} {} ms", nameOf(role), seen->pid, seen->resource, span.count()));
    stopped_.push_back({std::move(target), Clock::now() + span});
}

/** What is due: processes that go on, a monitor that comes back. */
void Killer::tend() {
    std::erase_if(stopped_, [](const Stopped& stopped) {
        if (Clock::now() < stopped.until) return false;
        stopped.target.signal(SIGCONT);
        return true;
    });
    if (const auto status = monitor_.ended(); status && !std::exchange(monitorKilled_, false)) {
        surprises_.push_back(fmt::format("the monitor ended by itself (wait status 0x{:x})", *status));
        monitorAt_ = Clock::now();
    }
    if (monitor_.process() == 0 && Clock::now() >= monitorAt_) monitor_.start();
}

void Killer::step(bool monitorToo) {
    tend();
    refresh(false);
    unsigned dice = draw(1'000);
    const auto falls = [&](unsigned share) {
        if (dice < share) return true;
        dice -= share;
        return false;
    };
    if (falls(victims)) {
        kill(any(Role::victim), "victim");
    } else if (falls(trees)) {
        kill(any(Role::tree), "tree");
    } else if (falls(reapers)) {
        kill(any(Role::reaper), "reaper");
    } else if (falls(hosts)) {
        kill(any(Role::host), "host");
    } else if (falls(guards)) {
        kill(any(Role::guard), "guard");
    } else if (falls(pairs)) {
        killTogether(false);
    } else if (falls(stops)) {
        stop();
    } else if (!monitorToo) {
        return;
    } else if (falls(monitors)) {
        killMonitor("monitor");
    } else {
        killTogether(true);
    }
}

void Killer::finish() {
    for (auto& stopped : stopped_) stopped.target.signal(SIGCONT);
    stopped_.clear();
    monitorAt_ = Clock::now();
    const auto until = Clock::now() + 10s;
    do {
        tend();
        std::this_thread::sleep_for(20ms);
    } while (monitor_.process() == 0 && Clock::now() < until);
}

}  // namespace chaos
