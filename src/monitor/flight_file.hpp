// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace holdfast::inline v1::monitor {

/** How many flight files are kept in one folder; the oldest are removed. */
inline constexpr std::size_t mostFlightFiles = 20;

/** What a flight file is about. */
struct FlightIncident {
    std::string host;    ///< its group, as people know it
    std::string reason;  ///< why it is written
    std::int64_t process{0};
    std::chrono::system_clock::time_point time;
};

/**
 * The text of a flight file: one JSON object per line, first what it is about, then everything that is in the recorders of a
 * `FlightMemory`, by time. What the host wrote there is not trusted: it may have been destroyed by what ended the host.
 */
[[nodiscard]] std::string flightText(const FlightIncident& incident, void* memory);

/** The lines of `output`, what holdfast-stacks printed, that are JSON objects; `problem`, unless empty, as a line of its own. */
[[nodiscard]] std::string stackLines(std::string_view output, std::string_view problem);

/**
 * Writes `text` to a new file in `folder`, which is made if missing, and removes the oldest beyond `mostFlightFiles`.
 *
 * @par Errors Throws std::runtime_error with what the system says.
 */
[[nodiscard]] std::filesystem::path writeFlightFile(const std::filesystem::path& folder, const FlightIncident& incident,
                                                    std::string_view text);

}  // namespace holdfast::inline v1::monitor
