// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>
#include <holdfast/exec/flight_event.hpp>
#include <holdfast/exec/verdict_word.hpp>
#include <holdfast/os/slim_mutex.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>

namespace holdfast::inline v1::exec {

class Instance;

/** What IsAlive needs of one resource, and the way to the rest. */
struct alignas(64) Slot {
    std::atomic<std::uint32_t> generation{0};  ///< odd while in use; part of the resource id
    std::atomic<std::uint32_t> maxAge{0};      ///< milliseconds a verdict may be old (D11)
    std::atomic<std::uint64_t> verdict{0};     ///< `VerdictWord`; written by the resource's strand only
    os::SlimMutex mutex;                       ///< guards instance; never held over a call
    std::shared_ptr<Instance> instance;
    std::atomic<std::uint32_t> flight{0};  ///< the resource's number in the flight recorder
    /** LooksAlive and IsAlive: when one was recorded last, what it answered, and how many came since. */
    std::array<std::atomic<std::uint64_t>, 2> polls{};
};

/**
 * Resource ids that can be checked (W-108): slot number and generation, never an address.
 *
 * Slots live for ever, so a stale id is refused without touching freed memory, and a lookup for IsAlive takes no lock.
 *
 * @par Thread safety All members from any thread.
 */
class SlotTable {
public:
    static constexpr std::size_t chunkSize = 256;
    static constexpr std::size_t chunkCount = 256;

    /** A new id for `instance`; null when all 65,536 are taken or memory is short. */
    [[nodiscard]] abi::ResourceId insert(const std::shared_ptr<Instance>& instance) noexcept;
    /** The slot of a live id, null for a stale or forged one. */
    [[nodiscard]] Slot* find(abi::ResourceId id) noexcept;
    [[nodiscard]] std::shared_ptr<Instance> instance(abi::ResourceId id) noexcept;
    /** Whether `predicate(const Instance&)` holds for a live one; it is asked under a lock, so it must not block. */
    template <typename Predicate>
    [[nodiscard]] bool any(const Predicate& predicate) noexcept {
        for (std::size_t index = 0; index < chunkSize * chunkCount; ++index) {
            Slot* const slot = at(index);
            if (slot == nullptr) return false;  // chunks are made in order
            if ((slot->generation.load(std::memory_order_acquire) & 1U) == 0) continue;
            // Not copied: the last reference must die in Close, before the runtime does.
            const std::lock_guard lock{slot->mutex};
            if (slot->instance && predicate(std::as_const(*slot->instance))) return true;
        }
        return false;
    }
    /** Ends the id; its instance, or null if it was stale. */
    std::shared_ptr<Instance> erase(abi::ResourceId id) noexcept;

private:
    Slot* at(std::size_t index) noexcept;
    abi::ResourceId occupy(std::size_t index, const std::shared_ptr<Instance>& instance) noexcept;

    static os::SlimMutex& mutex();  // guards chunksMade_, next_ and the search for a free slot
    std::array<std::atomic<Slot*>, chunkCount> chunks_{};
    std::size_t chunksMade_{0};
    std::size_t next_{0};
};

}  // namespace holdfast::inline v1::exec
