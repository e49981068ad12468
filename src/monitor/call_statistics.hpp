// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/record.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace holdfast::inline v1::monitor {

/**
 * Spans per entry point in bounded memory: 32 buckets per power of two, so a percentile is right to 3 %.
 *
 * @par Thread safety One owner.
 */
class CallStatistics {
public:
    void add(const std::string& resource, const CallRecord& call) {
        Series& series = series_[call.entryPoint];
        const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(call.span.count(), 0));
        ++series.buckets[bucketOf(ns)];
        ++series.count;
        series.sum += std::chrono::nanoseconds{static_cast<std::int64_t>(ns)};
        const auto bound = std::lower_bound(CallHistogram::bounds.begin(), CallHistogram::bounds.end(), call.span);
        if (bound != CallHistogram::bounds.end())
            ++series.within[static_cast<std::size_t>(bound - CallHistogram::bounds.begin())];
        if (call.span > call.budget) ++series.overBudget;
        if (call.span >= series.worst) {
            series.worst = call.span;
            series.worstResource = resource;
        }
    }

    [[nodiscard]] std::vector<CallSummary> summary() const {
        std::vector<CallSummary> rows;
        for (const auto& [entryPoint, series] : series_) {
            CallSummary row;
            row.entryPoint = entryPoint;
            row.count = series.count;
            row.median = series.percentile(50);
            row.percentile99 = series.percentile(99);
            row.worst = series.worst;
            row.budget = budgetOf(entryPoint);
            row.overBudget = series.overBudget;
            row.worstResource = series.worstResource;
            rows.push_back(std::move(row));
        }
        return rows;
    }

    [[nodiscard]] std::vector<CallHistogram> histograms() const {
        std::vector<CallHistogram> rows;
        for (const auto& [entryPoint, series] : series_) {
            CallHistogram row;
            row.entryPoint = entryPoint;
            std::uint64_t sum = 0;
            for (std::size_t i = 0; i < row.atMost.size(); ++i) row.atMost[i] = sum += series.within[i];
            row.count = series.count;
            row.sum = series.sum;
            row.overBudget = series.overBudget;
            rows.push_back(row);
        }
        return rows;
    }

private:
    static constexpr std::size_t perOctave = 32;
    static constexpr std::size_t bucketCount = 60 * perOctave;

    static std::size_t bucketOf(std::uint64_t ns) {
        if (ns < perOctave) return static_cast<std::size_t>(ns);
        const auto octave = static_cast<std::size_t>(std::bit_width(ns)) - 6;  // 32..63 is octave 0
        const auto within = static_cast<std::size_t>(ns >> octave) - perOctave;
        return std::min(perOctave + octave * perOctave + within, bucketCount - 1);
    }
    static std::uint64_t valueOf(std::size_t bucket) {
        if (bucket < perOctave) return bucket;
        const std::size_t octave = (bucket - perOctave) / perOctave;
        return static_cast<std::uint64_t>((bucket - perOctave) % perOctave + perOctave) << octave;
    }

    struct Series {
        std::array<std::uint64_t, bucketCount> buckets{};
        std::array<std::uint64_t, CallHistogram::bounds.size()> within{};  ///< between the bound before and this one
        std::uint64_t count{0};
        std::chrono::nanoseconds sum{0};
        std::uint64_t overBudget{0};
        std::chrono::nanoseconds worst{0};
        std::string worstResource;

        [[nodiscard]] std::chrono::nanoseconds percentile(std::uint64_t percent) const {
            const std::uint64_t rank = (count * percent + 99) / 100;
            std::uint64_t seen = 0;
            for (std::size_t i = 0; i < bucketCount; ++i) {
                seen += buckets[i];
                if (seen >= rank && seen > 0) {
                    return std::min(std::chrono::nanoseconds{static_cast<std::int64_t>(valueOf(i))}, worst);
                }
            }
            return worst;
        }
    };
    std::map<EntryPoint, Series> series_;
};

}  // namespace holdfast::inline v1::monitor
