// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>

namespace holdfast::inline v1::core {

using Milliseconds = std::chrono::milliseconds;

/**
 * The times and counts one resource runs under: the type author's choice, then the administrator's private properties
 * of the same name, read anew at each Online.
 */
struct Policy {
    // Health (D10, D11)
    Milliseconds checkInterval{5'000};  ///< CheckInterval: pause between checks, 10 ms to 24 h
    Milliseconds checkTimeout{20'000};  ///< CheckTimeout: a started check older than this timed out, 10 ms to 24 h
    std::uint32_t thoroughEvery{
        1};  ///< ThoroughCheckEvery: each n-th check is isAlive, the others looksAlive; 1 to 1,000
    std::uint32_t failureTolerance{
        0};  ///< FailureTolerance: failed checks tolerated in a row before a failure, 0 to 100
    std::uint32_t timeoutTolerance{0};  ///< TimeoutTolerance: timed-out checks tolerated in FailureWindow, 0 to 100
    Milliseconds failureWindow{
        60'000};  ///< FailureWindow: tolerated ones older than this are forgotten, 0 (never) to 24 h

    // Operations (D1, D3, W-1109)
    Milliseconds onlineLimit{900'000};        ///< OnlineLimit: longest online() before it is failed, 100 ms to 7 d
    Milliseconds offlineLimit{900'000};       ///< OfflineLimit: longest offline(), 100 ms to 7 d
    Milliseconds heartbeat{10'000};           ///< pause between reports while user code is silent
    Milliseconds terminateTimeout{30'000};    ///< TerminateTimeout: longest wait for terminate(), 300 ms to 240 s
    Milliseconds predecessorTimeout{30'000};  ///< PredecessorTimeout: longest wait behind a wedged call, 100 ms to 1 h

    bool repairs{false};  ///< the type overrides repair()
};

/** Fixed by the promise, not by anyone's property. */
struct Limits {
    static constexpr Milliseconds stopGrace{100};      ///< D1: from "stop" to "wedged"
    static constexpr Milliseconds coalesce{100};       ///< D4: at most one pending report in this time
    static constexpr Milliseconds slowTerminate{300};  ///< D1: said aloud when exceeded
    static constexpr Milliseconds closeReply{220};     ///< D8: Close answers by then, whatever is wedged
    static constexpr Milliseconds stall{2'000};        ///< D4: a tick later than this was a pause, not work
};

}  // namespace holdfast::inline v1::core
