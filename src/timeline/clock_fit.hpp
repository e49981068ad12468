// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/trace_reader.hpp"

#include <cstddef>
#include <vector>

namespace holdfast::inline v1::timeline {

/**
 * Where readings of the steady clock lie on the wall clock.
 *
 * Calls carry the steady clock in nanoseconds, everything else the wall clock in milliseconds. A call is recorded soon
 * after it returned, so the smallest difference between record and return is the best estimate of the clocks' distance.
 * It is one number while it fits, so that spans keep their exact order; when the wall clock was set, or drifted by more
 * than the tolerance, a new one begins.
 */
class ClockFit {
public:
    struct Sample {
        std::size_t entry{0};  ///< which record it is of; rising
        Time wall{0};
        Nanoseconds steady{0};
    };
    explicit ClockFit(const std::vector<Sample>& samples);

    /** The wall clock at this reading, near the record with this number. */
    [[nodiscard]] Time wall(std::size_t entry, Nanoseconds steady) const noexcept;
    /** How often the distance changed. */
    [[nodiscard]] std::size_t jumps() const noexcept { return pieces_.empty() ? 0 : pieces_.size() - 1; }

private:
    struct Piece {
        std::size_t firstEntry{0};
        Nanoseconds distance{0};
    };
    std::vector<Piece> pieces_;
};

}  // namespace holdfast::inline v1::timeline
