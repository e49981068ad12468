// SPDX-License-Identifier: BSL-1.0
// The life of hosts as the engine sees it: a host that died, what follows for each of its resources, and a new one.
#include "monitor/engine.hpp"

#include <holdfast/abi/wide.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::inline v1::monitor {

using core::MonitorEvent;
using core::MonitorState;
using Kind = core::MonitorEvent::Kind;

namespace {

/** A host that dies while resources are prepared, and not by their doing, is no reason to refuse them; if it goes on, it is. */
constexpr unsigned mostPreparations = 5;

}  // namespace

void ResourceMonitor::Engine::hostStarted(ResourceNumber resource, std::int64_t process) noexcept {
    const auto target = unit(resource);
    if (!target) return;
    boost::asio::post(target->strand, [this, target, process] {
        target->hostProcess = process;
        publishView(*target);
    });
}

void ResourceMonitor::Engine::hostDied(ResourceNumber resource, HostDeath death) noexcept {
    const auto target = unit(resource);
    if (!target) return;
    {
        // At once, for every resource of the host before the first hears that it may start again (W-412).
        const std::lock_guard lock{conducting_};
        settle(conductor_.lost(target->index));
    }
    boost::asio::post(target->strand, [this, target, how = std::move(death)]() mutable {
        target->hostProcess = 0;
        target->controlLog = {how.text};
        if (!target->prepared && !how.culprit && ++target->preparations <= mostPreparations) {
            // The host that comes is asked again.
            const bool wasFirst = !target->controls.empty() && target->controls.front().preparing;
            if (wasFirst) target->controlRunning = false;
            std::erase_if(target->controls, [](const Unit::Control& control) { return control.preparing; });
        }
        if (target->controlRunning) takeControl(*target, abi::code::exceptionInResourceCall);
        target->blamed = target->blamed || how.culprit;
        if (how.culprit) separate(*target);
        target->deathText = std::move(how.text);
        // Who was only to be opened, and ended its host with that, is opened again when it is to work: not for ever.
        const auto& s = target->machine.snapshot();
        if (target->blamed && s.state == MonitorState::unloaded && s.call != core::Call::none)
            target->afterHost = Unit::AfterHost::stay;
        feed(*target, core::MonitorEvent::of(Kind::hostDied));
        if (target->machine.state() != MonitorState::dead) target->blamed = false;  // nothing follows for it
        const std::lock_guard lock{conducting_};
        settle(conductor_.heard(target->index));
    });
}

void ResourceMonitor::Engine::hostReady(ResourceNumber resource) noexcept {
    const auto target = unit(resource);
    if (target) boost::asio::post(target->strand, [this, target] { resume(*target); });
}

void ResourceMonitor::Engine::hostSays(abi::Dword level, std::string text) noexcept {
    // What agents print need not be UTF-8, nor whole.
    log({}, static_cast<LogLevel>(std::min<abi::Dword>(level, 3)), {}, abi::toUtf8(abi::toWide(text)));
}

void ResourceMonitor::Engine::hostUnkillable(std::string text) noexcept {
    log({}, LogLevel::severe, {}, text + " (W-443)");
    ProgramQueues::Run run;
    {
        const std::lock_guard lock{views_};
        run.program = fence_;
    }
    if (run.program.path.empty()) return;
    run.environment = {{"HOLDFAST_EVENT", "fence"}, {"HOLDFAST_MONITOR", name_}, {"HOLDFAST_REASON", std::move(text)}};
    run.what = "fence";
    programs_->push(std::move(run));
}

/** W-402: only the culprit gets a host of its own; who is innocent comes back where it was. */
void ResourceMonitor::Engine::separate(Unit& unit) {
    if (std::exchange(unit.separate, true)) return;
    host_->isolate(unit.number);
    if (store_) store_->separate(unit.configuration.name);
    log(unit.configuration.name, LogLevel::warning, {}, "from now on it has a host of its own (SeparateMonitor = 1)");
}

/** Before anything is started: true if its preparation has to be given up. */
bool ResourceMonitor::Engine::preparationLost(Unit& unit) {
    if (unit.blamed || !host_->isolates() || unit.preparations > mostPreparations) return true;
    log(unit.configuration.name, LogLevel::warning, {}, unit.deathText + "; it is prepared once more");
    return false;
}

/** S39: what was decided when the host died is carried out now that nothing of it is left. */
void ResourceMonitor::Engine::resume(Unit& unit) {
    if (unit.machine.state() != MonitorState::dead) return;
    const auto after = unit.afterHost;
    unit.blamed = false;
    feed(unit, MonitorEvent::of(Kind::hostRestarted));  // seen with what is still to follow
    unit.afterHost = Unit::AfterHost::nothing;
    if (!unit.prepared) return prepareUnit(unit);
    {
        const std::lock_guard lock{conducting_};
        if (conductor_.phase() != Conductor::Phase::running) return;
        // Through the conductor: its providers may have died with it, and they come first (W-412).
        if (after == Unit::AfterHost::revive) return settle(conductor_.revive(unit.index));
    }
    switch (after) {
        case Unit::AfterHost::restart:
        case Unit::AfterHost::retry:
            unit.retrying = after == Unit::AfterHost::retry;
            feed(unit, MonitorEvent::restart(unit.afterDelay));
            break;
        case Unit::AfterHost::nothing:
            if (!unit.closed) feed(unit, MonitorEvent::of(Kind::open));
            break;
        case Unit::AfterHost::stay: publishView(unit); break;
        case Unit::AfterHost::revive: break;
    }
}

/** Asks for one Online in `delay`, or once there is a host again. */
void ResourceMonitor::Engine::scheduleRestart(Unit& unit, std::chrono::milliseconds delay, bool retrying) {
    if (unit.machine.state() == MonitorState::dead) {
        unit.afterHost = retrying ? Unit::AfterHost::retry : Unit::AfterHost::restart;
        unit.afterDelay = delay;
        return;
    }
    unit.retrying = retrying;
    feed(unit, MonitorEvent::restart(delay));
}

}  // namespace holdfast::inline v1::monitor
