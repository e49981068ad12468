// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The evidence that a resident host leaves, should it be killed: who it was and how far it had come (L-071, L-116).

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::inline v1::ocf {

struct Record {
    pid_t pid{0};
    std::uint64_t startTime{0};  ///< with the pid it names one process
    std::string phase;           ///< "starting", "online", "stopping"; what a newer one writes is kept as it is
    std::string version;         ///< of holdfast
};

/** This process, as of now. */
[[nodiscard]] Record ownRecord(std::string phase);
/** Written whole or not at all; what went wrong, or nothing. */
[[nodiscard]] std::string save(const std::string& file, const Record& record);
/** Empty if there is none, if it is damaged, or if the system was started since (L-135). */
[[nodiscard]] std::optional<Record> restore(const std::string& file);
/** Whether the process that wrote it lives; a stranger who got its number is not it (L-134). */
[[nodiscard]] bool lives(const Record& record);

}  // namespace holdfast::inline v1::ocf
