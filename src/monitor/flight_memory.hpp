// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/call_board.hpp"

#include <holdfast/abi/resapi.hpp>
#include <holdfast/exec/flight_layout.hpp>

#include <cstddef>
#include <span>
#include <string_view>

namespace holdfast::inline v1::monitor {

/**
 * The memory that a monitor shares with one of its hosts: the board, and behind it room for flight recorders. It is the
 * monitor's, so it is still there when the host has crashed or was killed.
 *
 * The first region is the host's own: what its agents were called with, and what they answered. The others go to the libraries
 * that ask for one; with more libraries than that, the last keep theirs to themselves.
 */
struct FlightMemory {
    static constexpr std::size_t page = 4'096;
    static constexpr std::size_t regions = 5;
    static constexpr std::size_t begin = (sizeof(CallBoard) + page - 1) / page * page;
    static constexpr std::size_t regionSize = (exec::flight_layout::bytesOf() + page - 1) / page * page;
    static constexpr std::size_t size = begin + regions * regionSize;  ///< of the whole, with the board

    /** A region of a whole that was mapped at `memory`. */
    [[nodiscard]] static std::span<std::byte> region(void* memory, std::size_t index) noexcept {
        return {static_cast<std::byte*>(memory) + begin + index * regionSize, regionSize};
    }
};

/**
 * Who in this process has which region.
 *
 * @par Thread safety Every member from any thread.
 */
class FlightRegions {
public:
    /** From now on this process hands out the regions of `memory`, and records its own calls in the first. Once. */
    static void use(void* memory) noexcept;
    /** What `HostFunctions::flightMemory` answers to the library that is being started on this thread; null: there is none. */
    [[nodiscard]] static abi::Byte* claim(abi::Dword* size) noexcept;

    /** While it lives, this thread starts the library `path`: loaded again, it gets the region it had. */
    class Starting {
    public:
        explicit Starting(std::string_view path) noexcept;
        Starting(const Starting&) = delete;
        Starting& operator=(const Starting&) = delete;
        ~Starting();
    };
};

}  // namespace holdfast::inline v1::monitor
