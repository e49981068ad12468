// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/entry_points.hpp>

#include "immortal.hpp"

#include <holdfast/os/process.hpp>

#include <mutex>
#include <utility>
#include <vector>

namespace holdfast::inline v1::exec {
namespace {

constinit SlotTable slots;

/** The runtime of a wedged call must live as long as the call may; nothing is ever taken out (D8). */
struct Kept {
    std::mutex mutex;  // guards leases
    std::vector<std::unique_ptr<Runtime::Lease>> leases;
};

void keepForEver(std::unique_ptr<Runtime::Lease> lease) {
    Kept& kept = immortal<Kept>();
    const std::lock_guard lock{kept.mutex};
    try {
        kept.leases.push_back(nullptr);
    } catch (const std::exception&) {
        static_cast<void>(lease.release());  // out of memory: kept all the same
        return;
    }
    kept.leases.back() = std::move(lease);
}

}  // namespace

abi::ResourceId openInstance(Instance::Setup setup) {
    auto instance = std::make_shared<Instance>(std::move(setup), Runtime::acquire());
    const abi::ResourceId id = slots.insert(instance);
    if (id == nullptr) throw Error{ErrorCode::outOfResources, "no room for another resource in this process"};
    try {
        instance->bind(*slots.find(id));
    } catch (...) {
        static_cast<void>(slots.erase(id));
        throw;
    }
    return id;
}

std::shared_ptr<Instance> findInstance(abi::ResourceId id) noexcept { return slots.instance(id); }

Closed closeInstance(abi::ResourceId id) noexcept {
    std::shared_ptr<Instance> instance = slots.erase(id);
    if (!instance) return Closed::stale;
    bool nothingLeft = false;
    try {
        nothingLeft = instance->close();
        std::unique_ptr<Runtime::Lease> lease = instance->takeLease();
        if (nothingLeft) {
            instance.reset();
            lease.reset();
        } else {
            keepRuntime(std::move(lease));
        }
    } catch (const std::exception&) {  // out of memory: the id is gone all the same
        os::pinThisModule();
        static_cast<void>(instance->takeLease().release());  // nobody may stop the runtime from one of its own threads
    }
    return nothingLeft ? Closed::clean : Closed::wedged;
}

bool anyActive(const AgentType& type) noexcept {
    return slots.any([&](const Instance& instance) { return &instance.type() == &type && instance.active(); });
}

void keepRuntime(std::unique_ptr<Runtime::Lease> lease) noexcept {
    os::pinThisModule();
    keepForEver(std::move(lease));
}

bool isHealthy(abi::ResourceId id) noexcept {
    const Slot* const slot = slots.find(id);
    if (slot == nullptr) return false;
    const std::uint64_t word = slot->verdict.load(std::memory_order_acquire);
    if (VerdictWord::health(word) != core::Health::alive) return false;
    const core::Time now = Runtime::coarseNow();
    const std::uint32_t limit = slot->maxAge.load(std::memory_order_relaxed);
    if (VerdictWord::age(word, now) > limit) {
        // D4: time in which nothing of this process ran is not the check's fault. One extension only.
        const core::Time resumed = Runtime::stallWatch().resumedAt(now);
        if (resumed == StallWatch::never || now - resumed > static_cast<core::Time>(limit)) return false;
    }
    return slots.find(id) == slot;  // not another's by now
}

}  // namespace holdfast::inline v1::exec
