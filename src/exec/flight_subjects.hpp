// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/lifecycle.hpp>
#include <holdfast/exec/flight_recorder.hpp>

#include <cstdint>
#include <limits>

namespace holdfast::inline v1::exec {

inline constexpr std::int64_t neverWritten = std::numeric_limits<std::int64_t>::min() / 2;

[[nodiscard]] constexpr FlightSubject jobSubject(core::Job job) noexcept {
    switch (job) {
        case core::Job::online: return FlightSubject::onlineJob;
        case core::Job::offline: return FlightSubject::offlineJob;
        case core::Job::look: return FlightSubject::looksAliveJob;
        case core::Job::check: return FlightSubject::isAliveJob;
        case core::Job::repair: return FlightSubject::repairJob;
        case core::Job::terminate: return FlightSubject::terminateJob;
    }
    return FlightSubject::none;
}

[[nodiscard]] constexpr FlightSubject stateOf(core::Phase phase) noexcept {
    switch (phase) {
        case core::Phase::offline: return FlightSubject::offlineState;
        case core::Phase::onlinePending: return FlightSubject::onlinePendingState;
        case core::Phase::online: return FlightSubject::onlineState;
        case core::Phase::offlinePending: return FlightSubject::offlinePendingState;
        case core::Phase::failed: return FlightSubject::failedState;
        case core::Phase::closed: return FlightSubject::closedState;
    }
    return FlightSubject::none;
}

/** Something did not end when it should: worth writing the recorder out for. */
[[nodiscard]] constexpr bool meansLate(core::Reason reason) noexcept {
    switch (reason) {
        case core::Reason::limitExceeded:
        case core::Reason::predecessorTimeout:
        case core::Reason::checkTimedOut:
        case core::Reason::repairTimedOut:
        case core::Reason::toleratedTimeout:
        case core::Reason::stopIgnored:
        case core::Reason::slowTerminate:
        case core::Reason::terminateTimedOut:
        case core::Reason::closedWedged: return true;
        default: return false;
    }
}

}  // namespace holdfast::inline v1::exec
