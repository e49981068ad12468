// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

namespace holdfast::inline v1::adapters {

/** A control call whose answer the engine awaits. */
class PendingControl {
public:
    PendingControl() = default;
    PendingControl(const PendingControl&) = delete;
    PendingControl& operator=(const PendingControl&) = delete;
    virtual ~PendingControl() = default;
    /** Answers `code` now, unless it was answered already; nothing is written to the engine's buffers afterwards. */
    virtual void giveUp(abi::Dword code) noexcept = 0;
};

/**
 * One resource's control calls that will be answered by EndControlCall: at Close none may stay behind (W-151).
 *
 * @par Thread safety All members from any thread; no lock is held during a callback.
 */
class PendingControls {
public:
    PendingControls() = default;
    PendingControls(const PendingControls&) = delete;
    PendingControls& operator=(const PendingControls&) = delete;

    /** False once `close` was called: then it must be answered at once. Throws std::bad_alloc. */
    [[nodiscard]] bool add(std::shared_ptr<PendingControl> call);
    void remove(const PendingControl* call) noexcept;
    /** No more from now on; those that wait. */
    [[nodiscard]] std::vector<std::shared_ptr<PendingControl>> close() noexcept;
    /** Waits until every call has been answered; false after `patience`. */
    bool waitEmpty(std::chrono::milliseconds patience);

private:
    std::mutex mutex_;  // guards all below
    std::condition_variable emptied_;
    std::vector<std::shared_ptr<PendingControl>> calls_;
    bool closed_{false};
};

}  // namespace holdfast::inline v1::adapters
