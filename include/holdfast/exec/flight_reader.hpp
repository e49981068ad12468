// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/exec/flight_event.hpp>
#include <holdfast/exec/flight_layout.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace holdfast::inline v1::exec {

/**
 * Reads a flight recorder's ring: of this process, of another through shared memory, or a copy of one that is dead.
 *
 * An entry that is being written, or was overwritten while it was read, is left out: what is returned is whole.
 *
 * @par Thread safety All members from any thread, beside any number of writers. The block must outlive the reader.
 */
class FlightReader {
public:
    /** @par Errors Empty, and `problem` says why, if `block` holds no ring of a layout known here. */
    [[nodiscard]] static std::optional<FlightReader> open(std::span<const std::byte> block, std::string& problem);

    [[nodiscard]] std::int64_t process() const noexcept;
    [[nodiscard]] std::uint32_t capacity() const noexcept { return entries_; }
    /** How many were ever claimed, and how many of them found no place. */
    [[nodiscard]] std::uint64_t recorded() const noexcept;
    [[nodiscard]] std::uint64_t lost() const noexcept;

    /** Everything that is there, oldest first. */
    [[nodiscard]] std::vector<FlightEvent> events() const;
    /** The last `most` of one resource, newest first; polls of its health are left out, and what is `unwanted`. */
    [[nodiscard]] std::vector<FlightEvent> lastOf(std::uint32_t resource, std::size_t most,
                                                  std::initializer_list<FlightKind> unwanted = {}) const;

    /** Its name; `#n` if others have come since. */
    [[nodiscard]] std::string resourceName(std::uint32_t resource) const;
    /** When that was; as exact as the system clock was not set meanwhile. */
    [[nodiscard]] std::chrono::system_clock::time_point systemTime(const FlightEvent& event) const noexcept;

private:
    FlightReader(const flight_layout::Word* words, std::uint32_t entries, std::uint32_t names) noexcept
        : words_{words}, entries_{entries}, names_{names} {}
    [[nodiscard]] bool read(std::uint64_t index, FlightEvent& event) const;

    const flight_layout::Word* words_;
    std::uint32_t entries_;
    std::uint32_t names_;
};

}  // namespace holdfast::inline v1::exec
