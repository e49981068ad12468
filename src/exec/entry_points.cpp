// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/entry_points.hpp>

#include "immortal.hpp"

#include <holdfast/exec/flight_recorder.hpp>

#include <holdfast/os/process.hpp>
#include <holdfast/os/slim_mutex.hpp>

#include <mutex>
#include <utility>
#include <vector>

namespace holdfast::inline v1::exec {
namespace {

constinit SlotTable slots;

/** The runtime of a wedged call must live as long as the call may; nothing is ever taken out (D8). */
struct Kept {
    os::SlimMutex mutex;  // guards leases
    std::vector<std::unique_ptr<Runtime::Lease>> leases;
};

// An engine asks every few seconds, and all alike: what is the same as before is counted for this long.
constexpr core::Time pollSilence = 10'000;

/** A check of a few nanoseconds cannot carry a record of its own each time; what changed is recorded at once. */
void notePoll(Slot& slot, FlightSubject subject, bool alive, core::Time now) noexcept {
    constexpr std::uint64_t most = 0x7FFF;
    std::atomic<std::uint64_t>& polls = slot.polls[subject == FlightSubject::looksAlive ? 0 : 1];
    const std::uint64_t before = polls.load(std::memory_order_relaxed);
    const std::uint64_t count = before >> 1U & most;
    const bool same = before != 0 && (before & 1U) == (alive ? 1U : 0U);
    if (same && count < most && now - static_cast<core::Time>(before >> 16U) < pollSilence) {
        // Two at once may count as one: the number is for people.
        polls.store(before + 2, std::memory_order_relaxed);
        return;
    }
    polls.store(static_cast<std::uint64_t>(now) << 16U | (alive ? 1U : 0U), std::memory_order_relaxed);
    flightRecorder().record({FlightKind::polls, FlightPhase::instant, subject,
                             slot.flight.load(std::memory_order_relaxed), alive ? 1U : 0U, 0,
                             static_cast<std::int64_t>(before == 0 ? 1 : count + 1)});
}

/** What IsAlive says of a slot whose id is good. */
bool isHealthy(const Slot& slot, core::Time now) noexcept {
    const std::uint64_t word = slot.verdict.load(std::memory_order_acquire);
    if (VerdictWord::health(word) != core::Health::alive) return false;
    const std::uint32_t limit = slot.maxAge.load(std::memory_order_relaxed);
    if (VerdictWord::age(word, now) <= limit) return true;
    // D4: time in which nothing of this process ran is not the check's fault. One extension only.
    const core::Time resumed = Runtime::stallWatch().resumedAt(now);
    return resumed != StallWatch::never && now - resumed <= static_cast<core::Time>(limit);
}

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

bool isHealthy(abi::ResourceId id, FlightSubject asked) noexcept {
    Slot* const slot = slots.find(id);
    if (slot == nullptr) return false;
    const core::Time now = Runtime::coarseNow();
    const bool alive = isHealthy(*slot, now) && slots.find(id) == slot;  // not another's by now
    notePoll(*slot, asked, alive, now);
    return alive;
}

}  // namespace holdfast::inline v1::exec
