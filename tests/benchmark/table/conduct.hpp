// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What "the user's code" is in a measurement: the same for every library that is measured. The library takes it from the
/// program that loads it, so that no side has a quicker check or a cheaper way to hang.

#include <chrono>
#include <string_view>

namespace bench {

enum class Conduct {
    plain,           ///< online() and the check return at once
    checkTakesTime,  ///< the check sleeps for 5 ms, as one that asks somebody else does
    checkHangs,      ///< the check stays at the door, deaf to any stop
    onlineBlocks,    ///< online() stays at the door
    onlineWaits,     ///< online() waits for an hour, unless the library has a way to tell it to stop
    process,         ///< online() starts a program, which is the resource
};

/** A resource's name begins with what it does: "check-hangs 7". */
constexpr Conduct conductOf(std::string_view name) {
    if (name.starts_with("check-takes-time")) return Conduct::checkTakesTime;
    if (name.starts_with("check-hangs")) return Conduct::checkHangs;
    if (name.starts_with("online-blocks")) return Conduct::onlineBlocks;
    if (name.starts_with("online-waits")) return Conduct::onlineWaits;
    if (name.starts_with("process")) return Conduct::process;
    return Conduct::plain;
}

inline constexpr std::chrono::milliseconds lengthOfCheck{5};
inline constexpr const char* victim = "/bin/sleep";
inline constexpr const char* victimArgument = "1000";

/** Functions of the measuring program. @par Thread safety All from any thread. */
struct Stage {
    void (*checked)();         ///< a check ran
    void (*waitAtDoor)();      ///< until the measurement opens the door
    void (*started)(int pid);  ///< the program of a `process`
};

using StageFunction = const Stage* (*)();
inline constexpr const char* stageFunction = "benchmarkStage";

}  // namespace bench
