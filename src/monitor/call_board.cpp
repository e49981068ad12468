// SPDX-License-Identifier: BSL-1.0
#include "monitor/call_board.hpp"

#include <algorithm>
#include <cstring>

#if !defined(_WIN32)
#include <sys/syscall.h>
#include <unistd.h>
#include <csignal>
#include <memory>
#endif

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::size_t alternateStackSize = 64 * 1024;

std::atomic<CallBoard*> current{nullptr};

// Plain data: no destructor may stay on a thread (D9).
thread_local std::uint32_t mySlot = CallBoard::noSlot;
thread_local std::uint32_t depth = 0;
thread_local bool lentStack = false;

#if defined(_WIN32)
std::uint32_t threadId() noexcept { return 0; }
void lendStack(std::uint32_t /*slot*/) noexcept {}
void takeStackBack() noexcept {}
#else
std::uint32_t threadId() noexcept { return static_cast<std::uint32_t>(::syscall(SYS_gettid)); }

/** One alternate stack per slot, made when the slot is first used and kept: an overflow leaves no stack to report it on. */
std::array<std::atomic<char*>, CallBoard::slotCount> stacks{};

void lendStack(std::uint32_t slot) noexcept {
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

void takeStackBack() noexcept {
    if (!lentStack) return;
    lentStack = false;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    ::sigaltstack(&none, nullptr);
}
#endif

}  // namespace

CallBoard::Worker CallBoard::workerOf(const Slot& slot) {
    const auto* end = std::find(slot.call.begin(), slot.call.end(), '\0');
    return {static_cast<ResourceNumber>(slot.resource), std::string{slot.call.begin(), end}};
}

std::vector<CallBoard::Worker> CallBoard::atWork() const {
    std::vector<Worker> workers;
    for (const Slot& each : slots) {
        if (each.state.load(std::memory_order_acquire) == 2) workers.push_back(workerOf(each));
    }
    return workers;
}

std::vector<CallBoard::Worker> CallBoard::lastAtWork() const {
    const std::uint32_t last = slot;
    if (last >= slotCount || slots[last].state.load(std::memory_order_acquire) != 2) return {};
    return {workerOf(slots[last])};
}

void CallNote::use(CallBoard* board) noexcept { current.store(board, std::memory_order_release); }
CallBoard* CallNote::board() noexcept { return current.load(std::memory_order_acquire); }
std::uint32_t CallNote::currentSlot() noexcept { return mySlot; }

void CallNote::enter(ResourceNumber resource, std::string_view call) noexcept {
    CallBoard* const all = board();
    if (all == nullptr || depth++ > 0) return;
    const std::uint32_t thread = threadId();
    for (std::uint32_t tried = 0; tried < CallBoard::slotCount; ++tried) {
        const std::uint32_t index = (thread + tried) % CallBoard::slotCount;
        CallBoard::Slot& slot = all->slots[index];
        std::uint32_t free = 0;
        if (!slot.state.compare_exchange_strong(free, 1, std::memory_order_acq_rel)) continue;
        slot.resource = static_cast<std::uint32_t>(resource);
        slot.thread = thread;
        slot.call.fill('\0');
        std::memcpy(slot.call.data(), call.data(), std::min(call.size(), slot.call.size() - 1));
        slot.state.store(2, std::memory_order_release);
        mySlot = index;
        lendStack(index);
        return;
    }
}

void CallNote::leave() noexcept {
    CallBoard* const all = board();
    if (all == nullptr || depth == 0 || --depth > 0) return;
    if (mySlot == CallBoard::noSlot) return;
    takeStackBack();
    all->slots[mySlot].state.store(0, std::memory_order_release);
    mySlot = CallBoard::noSlot;
}

}  // namespace holdfast::inline v1::monitor
