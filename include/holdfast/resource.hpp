// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The one header an agent author needs.

#include <holdfast/context.hpp>
#include <holdfast/error.hpp>
#include <holdfast/operation.hpp>
#include <holdfast/verdict.hpp>

namespace holdfast::inline v1 {

/**
 * The thing that must stay available.
 *
 * A derived class has a constructor `(Context&, Settings)`; it is built on a worker thread from freshly read, validated
 * settings at each Online and destroyed on a worker after its last call (D14), so the constructor must not touch the entity.
 *
 * @par Thread safety The framework runs one member at a time per object (D5). The sole exception is `terminate()`, which
 *      overlaps another member only when that member ignores its stop.
 * @par Errors Throw `Error` or any `std::exception` from online() and offline(); return `Verdict::failed` from a check.
 */
class Resource {
public:
    Resource() = default;
    Resource(const Resource&) = delete;
    Resource& operator=(const Resource&) = delete;
    virtual ~Resource() = default;

    /** Starts the entity and returns when its clients can use it (W-122). May block; call `checkpoint()` between steps. */
    virtual void online(Operation& operation) = 0;

    /** Stops it gracefully so that another node can start it (W-126); success if it is already gone (W-127). */
    virtual void offline(Operation& operation) {
        static_cast<void>(operation);
        terminate();
    }

    /**
     * Ends it at once and wholly (W-130, W-132). Called in every state, twice in a row too (W-131).
     *
     * @par Budget 300 ms; a slower one is waited for, up to TerminateTimeout, because returning early would let another
     *      node start a second copy (D1).
     */
    virtual void terminate() noexcept = 0;

    /** Thorough check: write, read back, query. May block up to CheckTimeout (D11). */
    virtual Verdict isAlive(Check& check) = 0;

    /** Cursory check, run between thorough ones; default: the last verdict. */
    virtual Verdict looksAlive(Check& check) { return check.lastVerdict(); }

    /** Mends what a failed check found; true if the check is worth repeating before the failure is reported (W-330). */
    virtual bool repair(Check& check) {
        static_cast<void>(check);
        return false;
    }

    /** Tells whether the entity already runs, before online(). */
    virtual Presence probe(Check& check) {
        static_cast<void>(check);
        return Presence::unknown;
    }

    /** Takes over an entity that probe() found running, in place of online(); false to have it terminated and started. */
    virtual bool adopt(Operation& operation) {
        static_cast<void>(operation);
        return false;
    }
};

}  // namespace holdfast::inline v1

#include <holdfast/resource_type.hpp>
