// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/slot_table.hpp>

#include "immortal.hpp"

#include <cstdint>
#include <new>
#include <utility>

namespace holdfast::inline v1::exec {
namespace {

using FirstChunk = std::array<Slot, SlotTable::chunkSize>;

constexpr std::uint64_t indexBits = 16;
static_assert(sizeof(std::uintptr_t) == 8, "an id holds a slot number and 32 bits of generation (W-005)");

abi::ResourceId makeId(std::size_t index, std::uint32_t generation) noexcept {
    const std::uint64_t value = static_cast<std::uint64_t>(generation) << indexBits | index;
    return reinterpret_cast<abi::ResourceId>(static_cast<std::uintptr_t>(value));
}

std::pair<std::size_t, std::uint32_t> parts(abi::ResourceId id) noexcept {
    const auto value = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(id));
    if (value >> (indexBits + 32U) != 0) return {0, 0};
    return {static_cast<std::size_t>(value & ((1U << indexBits) - 1U)), static_cast<std::uint32_t>(value >> indexBits)};
}

}  // namespace

os::SlimMutex& SlotTable::mutex() {
    return immortal<os::SlimMutex>();  // apart from the table, which is there before any code runs (D8)
}

Slot* SlotTable::at(std::size_t index) noexcept {
    Slot* const chunk = chunks_[index / chunkSize].load(std::memory_order_acquire);
    return chunk == nullptr ? nullptr : chunk + index % chunkSize;
}

abi::ResourceId SlotTable::insert(const std::shared_ptr<Instance>& instance) noexcept {
    const std::lock_guard lock{mutex()};
    const std::size_t made = chunksMade_ * chunkSize;
    for (std::size_t tried = 0; tried < made; ++tried) {
        next_ = (next_ + 1) % made;  // rolling, so that an id is not used again at once (W-1136)
        if ((at(next_)->generation.load(std::memory_order_relaxed) & 1U) == 0) return occupy(next_, instance);
    }
    if (chunksMade_ == chunkCount) return nullptr;
    // The first is the library's own, so that nothing is left behind when it is unloaded; a process with more than 256
    // resources of one library pays for the others.
    Slot* const chunk = chunksMade_ == 0 ? immortal<FirstChunk>().data() : new (std::nothrow) Slot[chunkSize];
    if (chunk == nullptr) return nullptr;
    chunks_[chunksMade_].store(chunk, std::memory_order_release);
    ++chunksMade_;
    next_ = made;
    return occupy(next_, instance);
}

abi::ResourceId SlotTable::occupy(std::size_t index, const std::shared_ptr<Instance>& instance) noexcept {
    Slot& slot = *at(index);
    const std::lock_guard lock{slot.mutex};
    const std::uint32_t generation = slot.generation.load(std::memory_order_relaxed) + 1;
    slot.instance = instance;
    slot.verdict.store(0, std::memory_order_relaxed);
    for (auto& polls : slot.polls) polls.store(0, std::memory_order_relaxed);
    slot.generation.store(generation, std::memory_order_release);
    return makeId(index, generation);
}

Slot* SlotTable::find(abi::ResourceId id) noexcept {
    const auto [index, generation] = parts(id);
    if ((generation & 1U) == 0) return nullptr;
    Slot* const slot = at(index);
    if (slot == nullptr || slot->generation.load(std::memory_order_acquire) != generation) return nullptr;
    return slot;
}

std::shared_ptr<Instance> SlotTable::instance(abi::ResourceId id) noexcept {
    Slot* const slot = find(id);
    if (slot == nullptr) return nullptr;
    const std::lock_guard lock{slot->mutex};
    return find(id) == slot ? slot->instance : nullptr;
}

std::shared_ptr<Instance> SlotTable::erase(abi::ResourceId id) noexcept {
    Slot* const slot = find(id);
    if (slot == nullptr) return nullptr;
    const std::lock_guard lock{slot->mutex};
    if (find(id) != slot) return nullptr;
    slot->generation.fetch_add(1, std::memory_order_acq_rel);
    slot->verdict.store(0, std::memory_order_release);
    return std::exchange(slot->instance, nullptr);
}

}  // namespace holdfast::inline v1::exec
