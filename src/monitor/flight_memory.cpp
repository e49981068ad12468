// SPDX-License-Identifier: BSL-1.0
#include "monitor/flight_memory.hpp"

#include <holdfast/exec/flight_recorder.hpp>

#include <array>
#include <atomic>
#include <cstdint>

namespace holdfast::inline v1::monitor {

namespace {

std::atomic<void*> shared{nullptr};
/** Whose each region is, as a number made of its path; 0: nobody's. */
std::array<std::atomic<std::uint64_t>, FlightMemory::regions> owners{};

// Plain data: no destructor may stay on a thread (D9).
thread_local std::uint64_t starting = 0;

/** FNV-1a; never 0. */
std::uint64_t numberOf(std::string_view path) noexcept {
    std::uint64_t hash = 14'695'981'039'346'656'037U;
    for (const char c : path) hash = (hash ^ static_cast<unsigned char>(c)) * std::uint64_t{1'099'511'628'211U};
    return hash == 0 ? 1 : hash;
}

}  // namespace

void FlightRegions::use(void* memory) noexcept {
    static_cast<void>(exec::flightRecorder().useMemory(FlightMemory::region(memory, 0)));
    shared.store(memory, std::memory_order_release);
}

abi::Byte* FlightRegions::claim(abi::Dword* size) noexcept {
    void* const memory = shared.load(std::memory_order_acquire);
    if (memory == nullptr || size == nullptr || starting == 0) return nullptr;
    for (std::size_t index = 1; index < owners.size(); ++index) {
        std::uint64_t owner = 0;
        if (!owners[index].compare_exchange_strong(owner, starting) && owner != starting) continue;
        *size = static_cast<abi::Dword>(FlightMemory::regionSize);
        return reinterpret_cast<abi::Byte*>(FlightMemory::region(memory, index).data());
    }
    return nullptr;
}

FlightRegions::Starting::Starting(std::string_view path) noexcept { starting = numberOf(path); }
FlightRegions::Starting::~Starting() { starting = 0; }

}  // namespace holdfast::inline v1::monitor
