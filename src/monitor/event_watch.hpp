// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/abi/resapi.hpp>

#include <cstdint>
#include <functional>
#include <memory>

namespace holdfast::inline v1::monitor {

/**
 * Waits for event handles that belong to agents (W-323): never reads, resets or closes them.
 *
 * A handle that was reported is only waited for again once it was seen unsignalled, so that an agent which leaves its
 * manual-reset event signalled causes one event and not a storm.
 *
 * @par Thread safety Every member from any thread. `signalled` runs on the watch's own thread and must not block.
 */
class EventWatch {
public:
    EventWatch();
    EventWatch(const EventWatch&) = delete;
    EventWatch& operator=(const EventWatch&) = delete;
    ~EventWatch();

    /** Calls `signalled` once when `handle` is signalled; replaces an earlier watch of the same `key`. */
    void watch(std::uint64_t key, abi::Handle handle, std::function<void()> signalled);
    void unwatch(std::uint64_t key);
    /** A new run begins: the handle may be signalled afresh. */
    void forget(std::uint64_t key);

    struct State;

private:
    std::unique_ptr<State> state_;
};

}  // namespace holdfast::inline v1::monitor
