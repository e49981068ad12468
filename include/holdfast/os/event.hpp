// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

namespace holdfast::inline v1::os {

/**
 * A manual-reset event an engine can wait for: an eventfd on Linux, an event object on Windows (W-323).
 *
 * @par Thread safety All members from any thread.
 */
class Event {
public:
    Event();  ///< not signalled; throws std::system_error when the system has no more handles
    Event(const Event&) = delete;
    Event& operator=(const Event&) = delete;
    ~Event();

    void signal() noexcept;
    void reset() noexcept;
    [[nodiscard]] bool wait(std::chrono::milliseconds patience) const noexcept;
    /** What crosses the ABI; stays open while this object lives. */
    [[nodiscard]] void* handle() const noexcept { return handle_; }

private:
    void* handle_{nullptr};
};

}  // namespace holdfast::inline v1::os
