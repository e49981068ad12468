// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>

namespace holdfast::inline v1::os {

/** Milliseconds of a steady clock that is cheap to read (4 to 16 ms fine) and does not run while the system sleeps. */
[[nodiscard]] std::int64_t coarseNow() noexcept;

/** Keeps the library that contains this code mapped for ever: a thread of it may never end (D8). */
void pinThisModule() noexcept;

/** This node's host name; "localhost" when the system does not say. */
[[nodiscard]] std::string hostName();

/** This process's number. */
[[nodiscard]] std::int64_t processId() noexcept;

/** This thread's number, as the system's tools show it. */
[[nodiscard]] std::uint32_t threadId() noexcept;

/** While it lives, threads started by this thread are born with every signal blocked: handlers are the host's (D8). */
class BlockSignals {
public:
    BlockSignals() noexcept;
    BlockSignals(const BlockSignals&) = delete;
    BlockSignals& operator=(const BlockSignals&) = delete;
    ~BlockSignals();

private:
    alignas(8) unsigned char saved_[128]{};
};

}  // namespace holdfast::inline v1::os
