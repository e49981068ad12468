// SPDX-License-Identifier: BSL-1.0
#include "monitor/note_thread.hpp"

#include "monitor/call_board.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <new>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::size_t alternateStackSize = 64 * 1024;

/** One alternate stack per slot, made when the slot is first used and kept: an overflow leaves no stack to report it on. */
std::array<std::atomic<char*>, CallBoard::slotCount> stacks{};

thread_local bool lentStack = false;  // plain data: no destructor may stay on a thread (D9)

}  // namespace

std::uint32_t noteThreadId() noexcept { return static_cast<std::uint32_t>(::syscall(SYS_gettid)); }

void lendNoteStack(std::uint32_t slot) noexcept {
    stack_t has{};
    if (::sigaltstack(nullptr, &has) != 0 || (has.ss_flags & SS_DISABLE) == 0) return;  // the thread has one of its own
    char* memory = stacks[slot].load(std::memory_order_relaxed);
    if (memory == nullptr) {
        memory = new (std::nothrow) char[alternateStackSize];
        if (memory == nullptr) return;
        stacks[slot].store(memory, std::memory_order_relaxed);  // the slot is ours alone
    }
    stack_t lent{};
    lent.ss_sp = memory;
    lent.ss_size = alternateStackSize;
    lentStack = ::sigaltstack(&lent, nullptr) == 0;
}

void takeNoteStackBack() noexcept {
    if (!lentStack) return;
    lentStack = false;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
}

}  // namespace holdfast::inline v1::monitor
