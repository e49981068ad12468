// SPDX-License-Identifier: BSL-1.0
#include "timeline/clock_fit.hpp"

#include <algorithm>

namespace holdfast::inline v1::timeline {

namespace {

/** A record may be late by a moment of its writer, and is cut to milliseconds: less than this is no jump. */
constexpr Nanoseconds tolerance = 20'000'000;
/** Records that are later than this, this many in a row, are not late: the wall clock was set forward. */
constexpr Nanoseconds forward = 250'000'000;
constexpr std::size_t enough = 8;

}  // namespace

ClockFit::ClockFit(const std::vector<Sample>& samples) {
    std::size_t above = 0;  // samples in a row that are later than they should be
    Nanoseconds lowest = 0;
    std::size_t first = 0;
    for (const Sample& sample : samples) {
        const Nanoseconds distance = sample.wall - sample.steady;
        if (pieces_.empty()) {
            pieces_.push_back({0, distance});
            continue;
        }
        Nanoseconds& current = pieces_.back().distance;
        if (distance < current - tolerance) {  // no record precedes what it is about: the wall clock was set back
            // … unless the piece's first samples were merely late.
            if (current - distance < forward) {
                current = distance;
            } else {
                pieces_.push_back({sample.entry, distance});
            }
            above = 0;
            continue;
        }
        if (distance <= current + forward) {
            current = std::min(current, distance);
            above = 0;
            continue;
        }
        if (above == 0) {
            lowest = distance;
            first = sample.entry;
        }
        lowest = std::min(lowest, distance);
        if (++above >= enough) {
            pieces_.push_back({first, lowest});
            above = 0;
        }
    }
}

Time ClockFit::wall(std::size_t entry, Nanoseconds steady) const noexcept {
    if (pieces_.empty()) return steady;
    const auto after =
        std::upper_bound(pieces_.begin(), pieces_.end(), entry,
                         [](std::size_t number, const Piece& piece) { return number < piece.firstEntry; });
    return steady + (after == pieces_.begin() ? *after : *std::prev(after)).distance;
}

}  // namespace holdfast::inline v1::timeline
