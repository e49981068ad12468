// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace holdfast::inline v1::monitor {

/** This thread's number, as the system has it. */
[[nodiscard]] std::uint32_t noteThreadId() noexcept;

/** Sees to it that an overflow of this thread's stack can be reported. `slot` is the thread's until `takeNoteStackBack`. */
void lendNoteStack(std::uint32_t slot) noexcept;
void takeNoteStackBack() noexcept;

}  // namespace holdfast::inline v1::monitor
