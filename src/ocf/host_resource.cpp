// SPDX-License-Identifier: BSL-1.0
// How the resource of a host comes online, fails, and ends.

#include "host.hpp"

#include "leftovers.hpp"

#include <holdfast/exec/entry_points.hpp>

#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace holdfast::inline v1::ocf {

using std::chrono::milliseconds;

milliseconds Host::reserveOf(milliseconds budget) noexcept {
    const milliseconds least = std::min<milliseconds>(budget / 3, std::chrono::seconds{1});
    return std::clamp<milliseconds>(budget / 10, least, std::chrono::seconds{10});
}

std::string Host::because(const std::string& text) { return text.empty() ? std::string{} : ": " + text; }

void Host::beginOnline(bool adoptOnly) {
    phase_ = adoptOnly ? Phase::adopting : Phase::starting;
    firstMonitor_ = true;
    asked_ = false;
    failure_.clear();
    try {
        // What a monitor looks for is not changed by looking: the record stays as the dead host left it.
        if (!adoptOnly) {
            note("starting");
            arm(std::chrono::duration_cast<milliseconds>(startUntil_ - Clock::now()), [this] {
                const auto step = link_->lastStep();
                onStartFailed({Code::generic, fmt::format("it did not come online within {} ms; last step: {}",
                                                          startBudget_.count(), step.empty() ? "none" : step)});
            });
        }
        instantFailure_ = InstantFailure::monitor;
        for (const auto& [name, value] : parameters_) {
            if (name != instantFailureName) continue;
            if (value == "notify") instantFailure_ = InstantFailure::notify;
            if (value == "off") instantFailure_ = InstantFailure::off;
        }
        link_->prepare(parameters_, adoptOnly, !before_.empty());
        if (id_ == nullptr) {
            id_ = exec::openInstance({instanceName_, type_, link_});
            instance_ = exec::findInstance(id_);
        }
        const auto result = instance_ ? instance_->online(!before_.empty()) : exec::Instance::Result{};
        if (result && (*result == core::Answer::pending || *result == core::Answer::done)) return;
        onReported(core::Status::failed, {ErrorCode::busy, false, "the executor did not take the order"});
    } catch (const std::exception& error) {
        onReported(core::Status::failed, {ErrorCode::outOfResources, false, error.what()});
    }
}

void Host::onReported(core::Status status, const Failure& failure) {
    switch (phase_) {
        case Phase::adopting:
            if (status == core::Status::online) return onAdopted();
            return onNotAdopted(failure);
        case Phase::starting:
            if (status != core::Status::online) return onStartFailed(outcomeOf(failure));
            disarm();
            phase_ = Phase::online;
            asked_ = true;
            note("online");
            answerAll(starters_, {Code::success, {}});
            if (!type_->residentHost()) leave();
            return;
        case Phase::stopping:
            if (terminating_) return;  // its end is proved, not this one's
            if (status == core::Status::offline) return proveDead();
            if (status == core::Status::failed && !proving_) return terminate("offline() failed");
            return;
        default: return;
    }
}

void Host::onStartFailed(Outcome outcome) {
    logger_->log(LogLevel::error, "start failed: " + outcome.reason);
    startFailed_ = std::move(outcome);
    terminate("a start that failed");  // L-057
}

void Host::onAdopted() {
    disarm();
    phase_ = Phase::online;
    asked_ = true;
    note("online");
    answerAll(starters_, {Code::success, {}});
    if (!stoppers_.empty()) return beginStop(std::chrono::duration_cast<milliseconds>(stopUntil_ - Clock::now()));
    if (!type_->residentHost()) return checkOnce();
    logger_->log(LogLevel::warning, "took over the resource of a resident host that is gone");
    answerAll(adopters_, verdict());
}

/** Where nobody stays, "alive" is what a check says now. */
void Host::checkOnce() {
    if (adopters_.empty()) return leave();
    core::Policy policy;
    try {
        policy = type_->policy(readParameters(*type_, parameters_).values);
    } catch (const std::exception& error) {
        answerAll(adopters_, {Code::generic, error.what()});
        return leave();
    }
    policy.checkInterval = milliseconds{10};
    // L-080: level 10 is isAlive(); below it looksAlive(), if the type has its own.
    policy.thoroughEvery = level_ >= 10 || policy.thoroughEvery == 1 ? 1 : 1'000;
    arm(policy.checkTimeout + std::chrono::seconds{1}, [this] {
        answerAll(adopters_, {Code::generic, "its check did not end"});
        leave();
    });
    instance_->changePolicy(policy);
}

void Host::onChecked() {
    if (phase_ != Phase::online || !stoppers_.empty()) return;
    // A negative one is no verdict yet: it may be repaired or tolerated; if not, onFailed() hears of it.
    if (!instance_->lastVerdict().isAlive()) return;
    answerAll(adopters_, {Code::success, {}});
    leave();
}

void Host::onNotAdopted(const Failure& failure) {
    if (phase_ != Phase::adopting) return;
    disarm();
    Outcome outcome{Code::notRunning, {}};
    const auto found = link_->found();
    if (found == Presence::running) {
        outcome = {Code::generic, "it runs, but the agent cannot take it over"};
    } else if (found != Presence::notRunning && !before_.empty()) {
        // L-043: in doubt it is failed; the stop that follows makes sure.
        outcome = {Code::generic, "its resident host died" + because(failure.reason)};
    } else if (const pid_t left = anyLeftover(place_, instanceName_); left != 0) {
        // L-132: it does not serve, and is not stopped.
        outcome = {Code::generic, fmt::format("process {} of it still lives", left)};
    } else if (!before_.empty()) {
        logger_->log(LogLevel::warning, "its resident host died, and nothing of the resource runs");
    }
    answerAll(adopters_, outcome);
    if (!stoppers_.empty() || !starters_.empty()) {
        startFailed_.reset();
        const bool nothing = found == Presence::notRunning || (!found && before_.empty());
        phase_ = Phase::stopping;
        if (nothing) return proveDead();
        // L-058: an agent that could not even be asked cannot have ended it.
        if (!found) unasked_ = failure.reason.empty() ? "the agent could not be asked" : failure.reason;
        // Ended first, whatever it is; a start then begins as if new.
        return terminate("what a dead resident host left");
    }
    leave();
}

void Host::onFailed(std::string reason) {
    if (phase_ != Phase::online) return;
    phase_ = Phase::failed;
    failure_ = reason.empty() ? "it failed" : std::move(reason);
    answerAll(held_, verdict());
    if (!type_->residentHost()) {
        answerAll(adopters_, verdict());
        return leave();
    }
    if (instantFailure_ == InstantFailure::notify) notifier_.notify(instanceName_, node_);
}

void Host::beginStop(milliseconds budget) {
    notifier_.cancel();
    disarm();
    budget = std::max(budget, milliseconds{100});
    stopUntil_ = Clock::now() + budget;
    // What failed, or is not there yet, has nothing to be graceful about.
    const bool graceful = phase_ == Phase::online && verdict().code == Code::success;
    answerAll(starters_, {Code::generic, "it was stopped while it started"});
    answerAll(held_, {Code::generic, "it is being stopped"});
    if (!graceful) return terminate("a stop of what is not online");
    phase_ = Phase::stopping;
    note("stopping");
    arm(budget - reserveOf(budget), [this] {
        const auto step = link_->lastStep();
        logger_->log(LogLevel::warning, "offline did not end in the time a stop has; last step: " + step);
        terminate("the stop's time is up");
    });
    const auto result = instance_->offline();
    if (result && *result == core::Answer::done) return proveDead();
    if (!result || *result != core::Answer::pending) terminate("offline() was not taken");
}

void Host::terminate(const char* why) {
    if (terminating_) return;
    terminating_ = true;
    notifier_.cancel();  // L-127
    disarm();
    phase_ = Phase::stopping;
    note("stopping");
    if (!instance_) {
        terminating_ = false;
        return proveDead();
    }
    // L-058: while its parameters are still read there is no object, and Terminate ends nothing of a dead host's.
    asked_ = asked_ || instance_->hasObject();
    if (!asked_ && !before_.empty() && unasked_.empty()) unasked_ = "the agent could not be asked";
    // On a thread of its own: it waits for the author's terminate().
    std::thread{[this, why, instance = instance_] {
        const auto result = instance->terminate();
        const bool ended = result && *result == core::Answer::done;
        boost::asio::post(io_, [this, why, ended] {
            terminating_ = false;
            if (phase_ != Phase::stopping) return;
            unended_ = ended ? std::string{} : fmt::format("terminate() did not end ({})", why);
            proveDead();
        });
    }}.detach();
}

void Host::proveDead() {
    if (proving_) return;
    proving_ = true;
    disarm();
    const auto left = std::chrono::duration_cast<milliseconds>(stopUntil_ - Clock::now());
    const auto patience =
        std::clamp<milliseconds>(left - milliseconds{50}, milliseconds{500}, std::chrono::seconds{25});
    std::thread{[this, patience] {
        std::string complaint;
        try {
            complaint = endLeftovers(place_, instanceName_, *logger_, patience);
        } catch (const std::exception& error) {
            complaint = error.what();
        }
        boost::asio::post(io_, [this, complaint = std::move(complaint)] { onProved(complaint); });
    }}.detach();
}

void Host::onProved(const std::string& remaining) {
    proving_ = false;
    // Its processes may be dead and what is no process, as a mount, may not.
    const std::string& complaint = remaining.empty() ? unended_ : remaining;
    if (!complaint.empty()) {
        // L-058: not stopped, so not said to be. The next stop tries again.
        logger_->log(LogLevel::error, "not stopped: " + complaint);
        phase_ = Phase::failed;
        note("failed");
        failure_ = "it could not be stopped: " + complaint;
        answerAll(stoppers_, {Code::generic, failure_});
        answerAll(starters_, startFailed_.value_or(Outcome{Code::generic, failure_}));
        startFailed_.reset();
        return;
    }
    if (!unasked_.empty()) {
        // Whatever that agent runs may run still. The record stays; the next action's host asks anew.
        const Outcome doubt{Code::generic, "it could not be ended: " + unasked_};
        logger_->log(LogLevel::error, doubt.reason);
        answerAll(stoppers_, doubt);
        answerAll(starters_, startFailed_.value_or(doubt));
        return leave();
    }
    if (!starters_.empty() && !startFailed_ && stoppers_.empty()) return beginOnline(false);
    ::unlink(place_.record.c_str());
    const Outcome stopped{Code::success, {}};
    answerAll(starters_, startFailed_.value_or(Outcome{Code::generic, "it was stopped while it started"}));
    answerAll(stoppers_, stopped);
    leave();
}

void Host::leave() {
    phase_ = Phase::gone;
    idle_.cancel();
    disarm();
    if (std::exchange(listening_, false)) {
        boost::system::error_code ignored;
        ::unlink(place_.socket.c_str());
        acceptor_.close(ignored);  // NOLINT(bugprone-unused-return-value): told by `ignored`
    }
    for (const auto& session : sessions_) {
        if (session->idle()) continue;
        session->whenIdle([this] { leave(); });
        return;
    }
    io_.stop();
}

}  // namespace holdfast::inline v1::ocf
