// SPDX-License-Identifier: BSL-1.0
#pragma once

#if !defined(_WIN32)
#include <mutex>
#endif

namespace holdfast::inline v1::os {

#if defined(_WIN32)

/**
 * A mutex that is one pointer and never holds a handle: a slim reader/writer lock, exclusive.
 *
 * The std::mutex of MinGW-w64 makes an event object when two threads meet at it and keeps it until it is destroyed; what lives
 * as long as the process, once for each resource, would grow the process's handles with every meeting (W-1150).
 *
 * @par Thread safety As std::mutex; it may be left locked or undestroyed.
 */
class SlimMutex {
public:
    SlimMutex() noexcept = default;
    SlimMutex(const SlimMutex&) = delete;
    SlimMutex& operator=(const SlimMutex&) = delete;
    ~SlimMutex() = default;

    void lock() noexcept;
    void unlock() noexcept;

private:
    void* word_{nullptr};  // a SRWLOCK
};

#else

using SlimMutex = std::mutex;

#endif

}  // namespace holdfast::inline v1::os
