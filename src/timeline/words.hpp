// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "timeline/model.hpp"

#include <string>
#include <string_view>

namespace holdfast::inline v1::timeline {

/** "450 ns", "73.2 us", "1.25 ms", "2.5 s", "3 min 20 s": as much as a reader compares. */
[[nodiscard]] std::string lengthText(Nanoseconds length);
/** "07:51:28.956" in UTC, with that many decimals (0 to 9). */
[[nodiscard]] std::string clockText(Time time, int decimals = 3);
/** "2026-11-28 07:51:28.956" in UTC. */
[[nodiscard]] std::string dateText(Time time, int decimals = 3);

/** What a call's result means. A check answers a BOOL, everything else a Win32 code. */
[[nodiscard]] std::string resultText(std::string_view entryPoint, std::int64_t result);
/** Whether such a result means that something went wrong; a refused control code does not. */
[[nodiscard]] bool isFailure(std::string_view entryPoint, std::int64_t result) noexcept;
[[nodiscard]] bool isCheck(std::string_view entryPoint) noexcept;
/** The time an entry point should take (W-100, W-135), for traces that do not say it. */
[[nodiscard]] Nanoseconds budgetOf(std::string_view entryPoint) noexcept;

[[nodiscard]] Tone toneOf(std::string_view state) noexcept;

[[nodiscard]] std::string_view nameOf(SpanKind kind) noexcept;
[[nodiscard]] std::string_view nameOf(MarkKind kind) noexcept;
[[nodiscard]] std::string_view nameOf(Grade grade) noexcept;
[[nodiscard]] std::string_view nameOf(Tone tone) noexcept;

/** "13 calls, 3 pending operations, 0 late, 0 failed, 1 resource failure, 6.53 s". */
[[nodiscard]] std::string summaryOf(const Model& model);
/** The facts as lines of text, "key: value". */
[[nodiscard]] std::string joined(const std::vector<Fact>& facts);

}  // namespace holdfast::inline v1::timeline
