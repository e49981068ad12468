// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/reporter.hpp>

#include "guard.hpp"

#include <fmt/format.h>

#include <utility>

namespace holdfast::inline v1::exec {

void Reporter::open(core::Generation generation) {
    const std::lock_guard lock{mutex_};
    open_ = generation;
}

void Reporter::close() {
    const std::lock_guard lock{mutex_};
    open_ = 0;
}

void Reporter::report(core::Generation generation, const StatusReport& status) {
    std::unique_lock lock{mutex_};
    push(Report{generation, status}, lock);
}

void Reporter::log(LogLevel level, std::string text) {
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
    push(Signal{run}, lock);
}

void Reporter::shut() {
    const std::lock_guard lock{mutex_};
    shut_ = true;
    open_ = 0;
    queue_.clear();
    lines_ = 0;
}

bool Reporter::waitIdle(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    return idle_.wait_for(lock, patience, [this] { return !calling_; });
}

bool Reporter::flush(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    return idle_.wait_for(lock, patience, [this] { return !calling_ && queue_.empty(); });
}

void Reporter::push(Item item, std::unique_lock<std::mutex>& lock) {
    if (shut_) return;
    queue_.push_back(std::move(item));
    if (draining_) return;
    draining_ = true;
    lock.unlock();
    lane_.submit([self = shared_from_this()] { self->drain(); });
}

void Reporter::drain() {
    std::unique_lock lock{mutex_};
    while (!queue_.empty()) {
        const Item item = std::move(queue_.front());
        queue_.pop_front();
        send(item, lock);
    }
    draining_ = false;
    idle_.notify_all();
}

void Reporter::send(const Item& item, std::unique_lock<std::mutex>& lock) {
    if (const auto* signal = std::get_if<Signal>(&item)) {
        if (signal->run == run_) event_.signal();
        return;
    }
    const auto* report = std::get_if<Report>(&item);
    if (report != nullptr && report->generation != open_) return;  // W-240, W-249: it may not begin any more
    std::size_t lost = 0;
    if (report == nullptr) {
        --lines_;
        lost = std::exchange(lost_, 0);
    }
    calling_ = true;
    lock.unlock();
    bool proceed = true;
    {
        // An engine that ends our thread in its callback must not leave the waiters behind.
        const OnLeave back{[&] {
            lock.lock();
            calling_ = false;
            idle_.notify_all();
        }};
        if (report != nullptr) {
            proceed = link_->report(report->status);
        } else {
            if (lost != 0)
                link_->log(LogLevel::warning, fmt::format("{} log lines were lost: the engine is too slow", lost));
            const auto& line = std::get<Line>(item);
            link_->log(line.level, line.text);
        }
    }
    if (!proceed) {
        lock.unlock();
        engineStopped_(report->generation);
        lock.lock();
    }
}

}  // namespace holdfast::inline v1::exec
