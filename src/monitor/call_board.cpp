// SPDX-License-Identifier: BSL-1.0
#include "monitor/call_board.hpp"

#include "monitor/note_thread.hpp"

#include <algorithm>
#include <cstring>

namespace holdfast::inline v1::monitor {

namespace {

std::atomic<CallBoard*> current{nullptr};

// Plain data: no destructor may stay on a thread (D9).
thread_local std::uint32_t mySlot = CallBoard::noSlot;
thread_local std::uint32_t depth = 0;

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
    const std::uint32_t thread = noteThreadId();
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
        lendNoteStack(index);
        return;
    }
}

void CallNote::leave() noexcept {
    CallBoard* const all = board();
    if (all == nullptr || depth == 0 || --depth > 0) return;
    if (mySlot == CallBoard::noSlot) return;
    takeNoteStackBack();
    all->slots[mySlot].state.store(0, std::memory_order_release);
    mySlot = CallBoard::noSlot;
}

}  // namespace holdfast::inline v1::monitor
