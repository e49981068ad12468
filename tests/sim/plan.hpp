// SPDX-License-Identifier: BSL-1.0
#pragma once

/// One schedule as a list of events: what people and fate do, and which members of the agents do something unusual. Made from
/// a seed; a shorter one is found by leaving events out.

#include "machine/machine.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace sim {

/** A member of an agent's class. */
enum class Member : std::uint8_t { online, offline, terminate, check, repair };

/** Something unusual that one call of a member does; a call without one succeeds at once. */
struct Deed {
    enum class Kind : std::uint8_t {
        slow,     ///< takes `length`, and listens to a stop
        deaf,     ///< takes `length`, whatever it is told; terminate() has done its work before
        fails,    ///< throws, or says "failed"
        half,     ///< does its work and throws then
        reports,  ///< calls reportFailure in the middle
        odd,      ///< throws what is no exception
        crashes,  ///< ends its process
    };
    std::uint32_t resource;
    Member member;
    std::uint32_t nth;  ///< of the calls of this member, over all runs
    Kind kind;
    Instant length;
};

/** Something that comes from outside. */
struct Wish {
    enum class Kind : std::uint8_t {
        online,
        offline,
        fail,      ///< people say it failed
        break_,    ///< the entity goes on but answers no more: only a check can tell
        exit,      ///< the entity ends, and its agent hears of it
        kill,      ///< somebody kills the host
        pause,     ///< the machine stands still for `length`
        property,  ///< people set a property
    };
    Instant at;  ///< after the start
    Kind kind;
    std::uint32_t resource;
    Instant length;
};

struct Plan {
    std::uint64_t seed{0};
    Weather weather;
    std::uint32_t resources{1};
    bool depends{false};   ///< resource 1 on resource 0
    bool separate{false};  ///< each in a host of its own
    Instant checkInterval{1'000 * oneMs};
    Instant checkTimeout{3'000 * oneMs};
    std::uint32_t failureTolerance{0};
    std::uint32_t timeoutTolerance{0};
    Instant looksAlivePoll{2'000 * oneMs};
    Instant isAlivePoll{5'000 * oneMs};
    Instant pendingTimeout{12'000 * oneMs};  // more than two heartbeats
    Instant deadlockTimeout{15'000 * oneMs};
    Instant stopPatience{500 * oneMs};
    Instant terminateTimeout{5'000 * oneMs};
    Instant predecessorTimeout{3'000 * oneMs};
    Instant operationLimit{20'000 * oneMs};  // OnlineLimit and OfflineLimit
    std::uint32_t restarts{2};
    std::vector<Deed> deeds;
    std::vector<Wish> wishes;
    Instant end{0};        ///< when the monitor is told to stop
    bool abrupt{false};    ///< it is not told, but destroyed
    bool sabotage{false};  ///< terminate() ends nothing: the rules must see that

    [[nodiscard]] static Plan of(std::uint64_t seed);
    /** For people: one line per event. */
    [[nodiscard]] std::string text() const;
};

}  // namespace sim
