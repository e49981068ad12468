// SPDX-License-Identifier: BSL-1.0
#include "timeline/layout.hpp"

#include "timeline/words.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace holdfast::inline v1::timeline {

namespace {

constexpr double characterWidth = 6.1;
constexpr Nanoseconds second = 1'000'000'000;

/** The bytes of the UTF-8 character that begins so. */
std::size_t bytesOf(char lead) noexcept {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/** Wide characters begin with U+1100; those of three bytes and more are taken for wide, but for punctuation. */
double characterAt(std::string_view text, std::size_t at) noexcept {
    const auto byte = static_cast<unsigned char>(text[at]);
    return byte >= 0xE3 ? 2 * characterWidth : characterWidth;
}

/** The next round length: 1, 2, 5 below a second; what clocks have above. */
Nanoseconds roundUp(double length) {
    constexpr std::array<Nanoseconds, 20> above{1,      2,      5,      10,      15,      30,       60,
                                                120,    300,    600,    900,     1800,    3600,     7200,
                                                21'600, 43'200, 86'400, 172'800, 604'800, 2'592'000};
    for (Nanoseconds decade = 1; decade < second; decade *= 10) {
        for (const Nanoseconds digit : {1, 2, 5}) {
            if (static_cast<double>(decade * digit) >= length) return decade * digit;
        }
    }
    for (const Nanoseconds seconds : above) {
        if (static_cast<double>(seconds * second) >= length) return seconds * second;
    }
    return above.back() * second *
           static_cast<Nanoseconds>(std::ceil(length / static_cast<double>(above.back() * second)));
}

}  // namespace

LanePlace placeLane(const Lane& lane, double top) noexcept {
    LanePlace place;
    place.top = top;
    double y = top + lanePadding;
    const auto track = [&](double height) {
        const double at = y;
        if (height > 0) y += height + trackGap;
        return at;
    };
    place.events = track(lane.hasMarks ? eventsHeight : 0);
    place.states = track(lane.hasStates ? stateHeight : 0);
    place.pending = track(static_cast<double>(lane.pendingRows) * pendingHeight);
    place.calls = track(static_cast<double>(lane.callRows) * callHeight);
    if (y == top + lanePadding) y += callHeight;
    place.height = y - trackGap + lanePadding - top;
    return place;
}

std::vector<Tick> ticksOf(Time from, Time to, Time begin, double width, double room) {
    std::vector<Tick> ticks;
    if (to <= from || width <= 0) return ticks;
    const Nanoseconds step = roundUp(static_cast<double>(to - from) * room / width);
    int decimals = 0;
    for (Nanoseconds unit = second; unit > step && decimals < 9; unit /= 10) ++decimals;
    for (Time at = (from + step - 1) / step * step; at <= to; at += step) {
        const Nanoseconds since = at - begin;
        ticks.push_back(
            {at, clockText(at, decimals), (since < 0 ? "-" : "+") + lengthText(since < 0 ? -since : since)});
    }
    return ticks;
}

double widthOf(std::string_view text) noexcept {
    double width = 0;
    for (std::size_t i = 0; i < text.size(); i += bytesOf(text[i])) width += characterAt(text, i);
    return width;
}

std::string fitted(std::string_view text, double width) {
    if (widthOf(text) <= width) return std::string{text};
    double used = characterWidth;  // of the mark
    std::size_t end = 0;
    while (end < text.size() && used + characterAt(text, end) <= width) {
        used += characterAt(text, end);
        end += bytesOf(text[end]);
    }
    if (used < 4 * characterWidth) return {};
    return std::string{text.substr(0, end)} + "…";
}

}  // namespace holdfast::inline v1::timeline
