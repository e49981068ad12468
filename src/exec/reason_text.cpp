// SPDX-License-Identifier: BSL-1.0

#include "reason_text.hpp"

#include <fmt/format.h>

namespace holdfast::inline v1::exec {

using core::Job;
using core::Reason;

const char* jobName(Job job) noexcept {
    switch (job) {
        case Job::online: return "online";
        case Job::offline: return "offline";
        case Job::look: return "looksAlive";
        case Job::check: return "isAlive";
        case Job::repair: return "repair";
        case Job::terminate: return "terminate";
    }
    return "?";
}

ReasonText reasonText(Reason reason, Job job, const std::string& detail) {
    // A repair that did not help leaves the check's verdict standing.
    const bool verdict = reason == Reason::checkFailed || reason == Reason::toleratedFailure;
    const char* const name = jobName(verdict && job == Job::repair ? Job::check : job);
    const std::string because = detail.empty() ? std::string{} : ": " + detail;
    switch (reason) {
        case Reason::none: return {LogLevel::information, detail};
        case Reason::progress: return {LogLevel::information, fmt::format("{}{}", name, because)};
        case Reason::waitingForPrevious:
            return {LogLevel::warning, "online: waiting for the previous operation to end before anything starts"};
        case Reason::onlineFailed: return {LogLevel::error, "online failed" + because};
        case Reason::offlineFailed: return {LogLevel::error, "offline failed" + because};
        case Reason::failedWhileStarting: return {LogLevel::error, "failed while starting" + because};
        case Reason::overloaded:
            return {LogLevel::error, fmt::format("{} not started: too many calls run already in this process", name)};
        case Reason::limitExceeded:
            return {LogLevel::error,
                    fmt::format("{} exceeded its limit; last step{}", name, because.empty() ? ": none" : because)};
        case Reason::predecessorTimeout:
            return {LogLevel::error,
                    fmt::format("online gave up: the previous {} still has not ended (PredecessorTimeout)", name)};
        case Reason::checkFailed: return {LogLevel::error, fmt::format("{} failed{}", name, because)};
        case Reason::checkTimedOut: return {LogLevel::error, fmt::format("{} did not end within CheckTimeout", name)};
        case Reason::repairTimedOut: return {LogLevel::error, "repair did not end within CheckTimeout"};
        case Reason::reportedFailure: return {LogLevel::error, "the agent reported a failure" + because};
        case Reason::toleratedFailure:
            return {LogLevel::warning, fmt::format("{} failed, tolerated by FailureTolerance{}", name, because)};
        case Reason::toleratedTimeout:
            return {LogLevel::warning,
                    fmt::format("{} did not end within CheckTimeout, tolerated by TimeoutTolerance", name)};
        case Reason::checkNotStarted:
            return {LogLevel::warning,
                    fmt::format("{} could not be started: too many calls run already (overload)", name)};
        case Reason::repaired: return {LogLevel::warning, "repaired; checking again"};
        case Reason::cancelled:
            return {LogLevel::warning,
                    fmt::format("{} was cancelled by the engine", job == Job::offline ? name : "online")};
        case Reason::stopIgnored:
            return {LogLevel::warning, fmt::format("{} ignores its stop; going on without it{}", name,
                                                   detail.empty() ? "" : " (last step: " + detail + ")")};
        case Reason::endedLate:
            return {LogLevel::warning, fmt::format("an abandoned {} ended after all{}", name, because)};
        case Reason::undone:
            return {LogLevel::information, fmt::format("undoing what the abandoned {} may have left", name)};
        case Reason::offlineByTerminate: return {LogLevel::warning, "offline reached by terminate(), not by offline()"};
        case Reason::engineStopped: return {LogLevel::warning, fmt::format("the engine stopped {}", name)};
        case Reason::slowTerminate: return {LogLevel::warning, "terminate() exceeds its 300 ms; waiting for it"};
        case Reason::terminateTimedOut:
            return {LogLevel::severe, "terminate() did not end within TerminateTimeout: the entity may still run"};
        case Reason::closedWedged:
            return {LogLevel::severe,
                    fmt::format("closed although {} still runs; its thread and this library stay loaded", name)};
    }
    return {LogLevel::error, detail};
}

}  // namespace holdfast::inline v1::exec
