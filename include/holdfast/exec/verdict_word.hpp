// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/core/lifecycle_events.hpp>

#include <cstdint>

namespace holdfast::inline v1::exec {

/**
 * The last verdict in one word (D10), so that IsAlive reads it without a lock: generation (24 bits), state (8 bits) and
 * the time it was given (32 bits of milliseconds; ages up to 24 days are told apart).
 */
struct VerdictWord {
    static constexpr std::uint64_t pack(core::Generation generation, core::Health health, core::Time at) noexcept {
        return static_cast<std::uint64_t>(generation & 0xFFFFFFU) << 40U |
               static_cast<std::uint64_t>(static_cast<std::uint8_t>(health)) << 32U |
               (static_cast<std::uint64_t>(at) & 0xFFFFFFFFU);
    }
    static constexpr core::Health health(std::uint64_t word) noexcept {
        return static_cast<core::Health>((word >> 32U) & 0xFFU);
    }
    /** Milliseconds from the verdict to `now`; a stamp from the near future counts as 0. */
    static constexpr std::uint32_t age(std::uint64_t word, core::Time now) noexcept {
        const auto age = static_cast<std::uint32_t>(static_cast<std::uint64_t>(now) - (word & 0xFFFFFFFFU));
        return age > 0x80000000U ? 0 : age;
    }
};

}  // namespace holdfast::inline v1::exec
