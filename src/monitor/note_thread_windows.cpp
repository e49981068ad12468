// SPDX-License-Identifier: BSL-1.0
#include "monitor/note_thread.hpp"

#include <windows.h>

namespace holdfast::inline v1::monitor {

namespace {

/** What an exception filter gets of a stack that has overflowed. */
constexpr ULONG reserve = 32 * 1024;

thread_local bool reserved = false;  // plain data: no destructor may stay on a thread (D9)

}  // namespace

std::uint32_t noteThreadId() noexcept { return ::GetCurrentThreadId(); }

void lendNoteStack(std::uint32_t /*slot*/) noexcept {
    if (reserved) return;
    reserved = true;  // once per thread; the system keeps it
    ULONG size = reserve;
    ::SetThreadStackGuarantee(&size);
}

void takeNoteStackBack() noexcept {}

}  // namespace holdfast::inline v1::monitor
