// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/call_statistics.hpp"

#include <holdfast/monitor/record.hpp>

#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Where every record goes: the calls table, the trace file, the observer.
 *
 * @par Thread safety Every member from any thread; records are taken one at a time.
 */
class Journal {
public:
    explicit Journal(std::function<void(const Record&)> observer) : observer_{std::move(observer)} {}

    /** Starts a trace; false if the file cannot be written. */
    [[nodiscard]] bool trace(const std::filesystem::path& file) {
        const std::lock_guard lock{mutex_};
        trace_.open(file, std::ios::trunc | std::ios::binary);
        return trace_.is_open();
    }

    void take(const Record& record) {
        const std::lock_guard lock{mutex_};
        if (const auto* call = std::get_if<CallRecord>(&record.what)) statistics_.add(record.resource, *call);
        if (trace_.is_open()) trace_ << toJson(record) << '\n' << std::flush;  // a crash must not take the last lines
        if (observer_) observer_(record);
    }

    [[nodiscard]] std::vector<CallSummary> calls() const {
        const std::lock_guard lock{mutex_};
        return statistics_.summary();
    }

    [[nodiscard]] std::vector<CallHistogram> histograms() const {
        const std::lock_guard lock{mutex_};
        return statistics_.histograms();
    }

private:
    mutable std::mutex mutex_;
    std::function<void(const Record&)> observer_;
    std::ofstream trace_;
    CallStatistics statistics_;
};

}  // namespace holdfast::inline v1::monitor
