// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/error.hpp>
#include <holdfast/verdict.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace holdfast::inline v1 {

/** Why a running call was told to stop. */
enum class StopReason : std::uint8_t {
    none,       ///< not stopped
    terminate,  ///< the engine called Terminate, or answered a report with "terminate" (W-206)
    offline,    ///< the engine wants the resource offline
    close,      ///< the resource is being closed
    limit,      ///< the call exceeded its own limit
    cancelled,  ///< the engine called Cancel: give up, and leave the entity as it was (W-150)
};

/**
 * Keeps a stop callback registered while it lives.
 *
 * @par Thread safety One owner. Its destructor waits while the callback runs on another thread, as `std::stop_callback` does.
 */
class [[nodiscard]] StopCallback {
public:
    class Registration {
    public:
        Registration() = default;
        Registration(const Registration&) = delete;
        Registration& operator=(const Registration&) = delete;
        virtual ~Registration() = default;
    };

    StopCallback() = default;
    explicit StopCallback(std::unique_ptr<Registration> registration) : registration_{std::move(registration)} {}

private:
    std::unique_ptr<Registration> registration_;
};

/**
 * What every running user call sees of its own interruption.
 *
 * @par Thread safety `stopRequested`, `stopReason` and `onStop` from any thread; the waits only from the call's own thread.
 * @par Cancellation Every wait ends with `Stopped` within 10 ms of the request.
 */
class Stoppable {
public:
    Stoppable() = default;
    Stoppable(const Stoppable&) = delete;
    Stoppable& operator=(const Stoppable&) = delete;
    virtual ~Stoppable() = default;

    [[nodiscard]] virtual bool stopRequested() const noexcept = 0;
    [[nodiscard]] virtual StopReason stopReason() const noexcept = 0;

    /**
     * Runs `callback` once when the stop is requested (at once if it already was), on a thread of its own: for what an
     * interruption cannot reach, such as `sqlite3_interrupt`, `PQcancel` or closing a socket. It may block; it may not throw.
     */
    [[nodiscard]] virtual StopCallback onStop(std::function<void()> callback) = 0;

    /** Throws `Stopped` if the stop was requested. */
    void throwIfStopped() const {
        if (stopRequested()) throw Stopped{};
    }

    /** Sleeps for `duration` (0 to 24 h); throws `Stopped` if told to stop meanwhile. */
    virtual void sleepFor(std::chrono::milliseconds duration) = 0;

    /** Polls `ready` every `interval` until it is true; returns false after `patience`. Throws `Stopped`. */
    bool waitUntil(const std::function<bool()>& ready, std::chrono::milliseconds patience,
                   std::chrono::milliseconds interval = std::chrono::milliseconds{50}) {
        for (auto waited = std::chrono::milliseconds{0}; !ready(); waited += interval) {
            if (waited >= patience) return false;
            sleepFor(interval);
        }
        return true;
    }
};

/** A running online() or offline(). */
class Operation : public Stoppable {
public:
    /**
     * Reports progress to the engine, which restarts its PendingTimeout (W-220), and throws `Stopped` if told to stop.
     *
     * @par Budget Does not block: reports are coalesced to one per 100 ms (D4) and sent by another thread.
     */
    virtual void checkpoint(std::string_view step) = 0;
};

/** A running isAlive(), looksAlive(), repair() or probe(). */
class Check : public Stoppable {
public:
    /** The verdict of the last finished check of this run; alive before the first. */
    [[nodiscard]] virtual Verdict lastVerdict() const = 0;
};

}  // namespace holdfast::inline v1
