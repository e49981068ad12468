// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <string>
#include <vector>

namespace holdfast::inline v1::timeline {

/** Where the tracks of one lane are, in pixels from the top; a track that the lane does not have has no height. */
struct LanePlace {
    double top{0};
    double height{0};
    double events{0};
    double states{0};
    double pending{0};
    double calls{0};
};

inline constexpr double eventsHeight = 18;
inline constexpr double stateHeight = 20;
inline constexpr double pendingHeight = 18;
inline constexpr double callHeight = 18;
inline constexpr double trackGap = 3;
inline constexpr double lanePadding = 7;

[[nodiscard]] LanePlace placeLane(const Lane& lane, double top) noexcept;

/** The marks of an axis. */
struct Tick {
    Time at{0};
    std::string clock;  ///< UTC
    std::string since;  ///< "+1.5 s" after the model's begin
};
/** Ticks between `from` and `to` at round times, at most one for every `room` pixels of `width`. */
[[nodiscard]] std::vector<Tick> ticksOf(Time from, Time to, Time begin, double width, double room);

/** About how wide that text is in the pictures' font of 11 pixels. */
[[nodiscard]] double widthOf(std::string_view text) noexcept;
/** Cut, with "…", to that many pixels; empty if not even three characters fit. */
[[nodiscard]] std::string fitted(std::string_view text, double width);

}  // namespace holdfast::inline v1::timeline
