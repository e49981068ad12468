// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/reporter.hpp>

#include "guard.hpp"

#include <holdfast/exec/flight_recorder.hpp>

#include <fmt/format.h>

#include <utility>

namespace holdfast::inline v1::exec {
namespace {

FlightSubject stateOf(core::Status status) noexcept {
    switch (status) {
        case core::Status::onlinePending: return FlightSubject::onlinePendingState;
        case core::Status::offlinePending: return FlightSubject::offlinePendingState;
        case core::Status::online: return FlightSubject::onlineState;
        case core::Status::offline: return FlightSubject::offlineState;
        case core::Status::failed: return FlightSubject::failedState;
    }
    return FlightSubject::none;
}

}  // namespace

void Reporter::open(core::Generation generation) {
    const std::lock_guard lock{mutex_};
    open_ = generation;
}

void Reporter::close() {
    const std::lock_guard lock{mutex_};
    open_ = 0;
    // None of these may begin any more; dropped here, so that a slow engine does not make them pile up.
    reports_ -= std::erase_if(queue_, [](const Item& item) { return std::holds_alternative<Report>(item); });
    std::erase_if(queue_, [](const Item& item) { return std::holds_alternative<Failure>(item); });
    settleSignal();
}

void Reporter::report(core::Generation generation, const StatusReport& status) {
    std::unique_lock lock{mutex_};
    const auto pending = [](core::Status state) {
        return state == core::Status::onlinePending || state == core::Status::offlinePending;
    };
    if (pending(status.status)) {
        for (Item& item : queue_) {
            auto* const waiting = std::get_if<Report>(&item);
            if (waiting == nullptr || waiting->generation != generation || !pending(waiting->status.status)) continue;
            waiting->status = status;  // an engine that is slow to listen hears only the newest
            return;
        }
    }
    ++reports_;
    push(Report{generation, status}, lock);
}

void Reporter::log(LogLevel level, std::string text) {
    flightRecorder().record({FlightKind::log, FlightPhase::instant, FlightSubject::none, flight_,
                             static_cast<std::uint32_t>(level), 0, 0, text});
    std::unique_lock lock{mutex_};
    if (lines_ >= mostLines) {
        ++lost_;
        return;
    }
    ++lines_;
    push(Line{level, std::move(text)}, lock);
}

void Reporter::resetEvent(core::Generation run) {
    const std::lock_guard lock{mutex_};
    run_ = run;
    event_.reset();
}

void Reporter::signal(core::Generation run) {
    std::unique_lock lock{mutex_};
    signal_ = run;
    settleSignal();
    if (!queue_.empty()) startDraining(lock);
}

void Reporter::settleSignal() {
    if (signal_ == 0 || reports_ != 0) return;
    const core::Generation run = std::exchange(signal_, 0);
    if (run != run_ || shut_) return;
    event_.signal();
    if (run != open_) return;  // a stop was accepted: nobody wants to hear of it any more (W-246)
    try {
        queue_.emplace_back(Failure{run});
    } catch (const std::exception&) {  // out of memory: the event says it
    }
}

void Reporter::shut() {
    const std::lock_guard lock{mutex_};
    shut_ = true;
    open_ = 0;
    queue_.clear();
    lines_ = 0;
    reports_ = 0;
}

bool Reporter::waitIdle(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    return idle_.wait_for(lock, patience, [this] { return !calling_; });
}

bool Reporter::waitReported(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    return idle_.wait_for(
        lock, patience, [this] { return reporting_ == std::thread::id{} || reporting_ == std::this_thread::get_id(); });
}

bool Reporter::flush(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    return idle_.wait_for(lock, patience, [this] { return !calling_ && queue_.empty(); });
}

void Reporter::push(Item item, std::unique_lock<std::mutex>& lock) {
    if (shut_) return;
    queue_.push_back(std::move(item));
    startDraining(lock);
}

void Reporter::startDraining(std::unique_lock<std::mutex>& lock) {
    if (draining_) return;
    draining_ = true;
    lock.unlock();
    try {
        lane_.submit([self = shared_from_this()] { self->drain(); });
    } catch (const std::exception&) {
        lock.lock();
        draining_ = false;  // out of memory: it leaves with the next one
    }
}

void Reporter::drain() {
    std::unique_lock lock{mutex_};
    // Also when an engine ends our thread in its callback: the next push finds another.
    const OnLeave ended{[&] {
        draining_ = false;
        idle_.notify_all();
    }};
    while (!queue_.empty()) {
        const Item item = std::move(queue_.front());
        queue_.pop_front();
        send(item, lock);
    }
}

void Reporter::send(const Item& item, std::unique_lock<std::mutex>& lock) {
    const auto* const report = std::get_if<Report>(&item);
    const auto* const failure = std::get_if<Failure>(&item);
    const bool isLine = report == nullptr && failure == nullptr;
    const bool mayBegin =  // W-240, W-249
        isLine || (report != nullptr ? report->generation : failure->generation) == open_;
    std::size_t lost = 0;
    if (isLine && lines_ > 0) {
        --lines_;
        lost = std::exchange(lost_, 0);
    }
    bool proceed = true;
    if (mayBegin) {
        calling_ = true;
        if (!isLine) reporting_ = std::this_thread::get_id();
        lock.unlock();
        const OnLeave back{[&] {
            lock.lock();
            calling_ = false;
            reporting_ = {};
            idle_.notify_all();
        }};
        if (report != nullptr) {
            // Both ends: an engine that blocks in a callback is seen to.
            FlightNote note{FlightKind::report, FlightPhase::begin,       stateOf(report->status.status), flight_, 0,
                            report->generation, report->status.checkPoint};
            flightRecorder().record(note);
            proceed = link_->report(report->status);
            note.phase = FlightPhase::end;
            note.code = proceed ? 0 : 1;
            flightRecorder().record(note);
        } else if (failure != nullptr) {
            link_->signalFailure(ErrorCode::failed);
            flightRecorder().record(
                {FlightKind::report, FlightPhase::end, FlightSubject::failureSignal, flight_, 0, failure->generation});
        } else {
            if (lost != 0) {
                link_->log(LogLevel::warning, fmt::format("{} log lines were lost: the engine is too slow", lost));
            }
            const auto& line = std::get<Line>(item);
            link_->log(line.level, line.text);
        }
    }
    if (report != nullptr && reports_ > 0) {
        --reports_;
        settleSignal();
    }
    if (!proceed) {
        lock.unlock();
        engineStopped_(report->generation);
        lock.lock();
    }
}

}  // namespace holdfast::inline v1::exec
