// SPDX-License-Identifier: BSL-1.0

/// What an instance leaves in the flight recorder, and what it writes out of it.

#include "flight_history.hpp"
#include "flight_subjects.hpp"

#include <holdfast/abi/resapi.hpp>
#include <holdfast/exec/instance.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <utility>

namespace holdfast::inline v1::exec {
namespace {

// Late work tends to be late again and again, and each line costs the engine's log.
constexpr std::int64_t writeInterval = 60'000;  // ms

}  // namespace

std::uint32_t codeOf(const Instance::Result& result) noexcept {
    if (!result) return abi::code::timeout;  // D2: taken back, nothing was started
    switch (*result) {
        case core::Answer::done: return abi::code::success;
        case core::Answer::pending: return abi::code::ioPending;
        case core::Answer::invalidState: return abi::code::invalidState;
        case core::Answer::failed: return abi::code::resourceFailed;
        case core::Answer::closed: return abi::code::resourceNotFound;
    }
    return abi::code::resourceFailed;
}

void Instance::record(FlightKind kind, FlightSubject subject, core::Generation run,
                      std::string_view text) const noexcept {
    flightRecorder().record({kind, FlightPhase::instant, subject, flight_, 0, run, 0, text});
}

void Instance::writeFlight(std::string reason) noexcept {
    const std::int64_t now = Runtime::coarseNow();
    std::int64_t last = flightWritten_.load(std::memory_order_relaxed);
    if (now - last < writeInterval || !flightWritten_.compare_exchange_strong(last, now, std::memory_order_relaxed))
        return;
    try {
        // Not here: this may be the strand, and the ring is long.
        runtime().control().submit([self = shared_from_this(), why = std::move(reason)] { self->writeFlightNow(why); });
    } catch (const std::exception&) {  // out of memory
    }
}

void Instance::writeFlightNow(const std::string& reason) {
    record(FlightKind::alarm, FlightSubject::none, 0, reason);
    LastStep step;
    {
        const std::lock_guard lock{textMutex_};
        step = {progress_, progressAt_};
    }
    reporter_->log(LogLevel::information, std::string{clamped(flightHistory(flight_, step))});
    if (!closed()) link().flightAlarm(reason.c_str());  // W-117: after Close the engine's handle is not ours any more
}

}  // namespace holdfast::inline v1::exec
