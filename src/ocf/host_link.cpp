// SPDX-License-Identifier: BSL-1.0

#include "host_link.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C

#include <utility>

namespace holdfast::inline v1::ocf {

void HostLink::prepare(Parameters parameters, bool adoptOnly, bool clear) {
    const std::lock_guard lock{mutex_};
    parameters_ = std::move(parameters);
    adoptOnly_ = adoptOnly;
    clear_ = clear;
    wrongEverywhere_ = false;
    found_.reset();
    refused_ = false;
    lastStep_.clear();
    lastError_.clear();
}

std::optional<Presence> HostLink::found() const {
    const std::lock_guard lock{mutex_};
    return found_;
}

std::string HostLink::lastStep() const {
    const std::lock_guard lock{mutex_};
    return lastStep_;
}

std::string HostLink::lastError() const {
    const std::lock_guard lock{mutex_};
    return lastError_;
}

bool HostLink::report(const exec::StatusReport& status) noexcept {
    try {
        if (status.status == core::Status::onlinePending || status.status == core::Status::offlinePending) return true;
        Failure failure;
        if (status.status == core::Status::failed) {
            const std::lock_guard lock{mutex_};
            failure = {status.code, wrongEverywhere_, lastError_};
        }
        events_.reported(status.status, std::move(failure));
    } catch (const std::exception&) {  // out of memory: the operation's deadline ends it
    }
    return true;
}

void HostLink::log(LogLevel level, std::string_view text) noexcept {
    try {
        const std::lock_guard lock{mutex_};
        if (refused_ && text.find("online failed") == 0) return;  // it was only looked at, and nothing was there
    } catch (const std::exception&) {
    }
    logger_->log(level, text);
    try {
        const std::lock_guard lock{mutex_};
        // The words of a report or a failure come before it.
        if (level == LogLevel::error || level == LogLevel::severe) lastError_ = text;
        for (const std::string_view call : {"online: ", "offline: "}) {
            if (text.substr(0, call.size()) == call) lastStep_ = text.substr(call.size());
        }
    } catch (const std::exception&) {
    }
}

void HostLink::signalFailure(ErrorCode code) noexcept {
    static_cast<void>(code);
    try {
        events_.failed(lastError());
    } catch (const std::exception&) {
    }
}

PropertyBag HostLink::readProperties() {
    Parameters parameters;
    {
        const std::lock_guard lock{mutex_};
        parameters = parameters_;
    }
    try {
        auto read = readParameters(*type_, parameters);
        for (const auto& warning : read.warnings) logger_->log(LogLevel::warning, warning);
        type_->validate(read.values);
        return std::move(read.values);
    } catch (const std::exception&) {
        const std::lock_guard lock{mutex_};
        wrongEverywhere_ = true;
        throw;
    }
}

namespace {
// Of this worker: a check runs on it. Plain data: no destructor may stay on a thread (D9).
thread_local bool inCheck = false;
}  // namespace

void HostLink::enterCall(const char* call) noexcept {
    // Workers block signals for the sake of hosts that are not ours; here the agent's programs would start with them.
    sigset_t none;
    ::sigemptyset(&none);
    static_cast<void>(::pthread_sigmask(SIG_SETMASK, &none, nullptr));
    const std::string_view name{call};
    inCheck = name == "isAlive" || name == "looksAlive";
}

void HostLink::leaveCall() noexcept {
    if (!std::exchange(inCheck, false)) return;
    try {
        events_.checked();
    } catch (const std::exception&) {  // out of memory: the action's deadline ends it
    }
}

bool HostLink::mayStart(Presence found) noexcept {
    {
        const std::lock_guard lock{mutex_};
        found_ = found;
        refused_ = adoptOnly_;
        if (adoptOnly_ || !clear_ || found == Presence::running) return !adoptOnly_;
    }
    try {
        // W-124: probe() sees what serves; what was on the way there when the host died would become a second copy.
        const std::string wrong = events_.clear();
        if (wrong.empty()) return true;
        log(LogLevel::error, "of an earlier host " + wrong);
    } catch (const std::exception& error) {
        log(LogLevel::error, error.what());
    }
    return false;
}

}  // namespace holdfast::inline v1::ocf
