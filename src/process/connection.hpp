// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "fd.hpp"
#include "place.hpp"
#include "wire.hpp"

#include <holdfast/operation.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace holdfast::inline v1::process {

/** One end of a connection to a reaper. */
class Connection {
public:
    explicit Connection(Fd socket) : socket_{std::move(socket)} {}

    /** False if the other end is gone. */
    bool send(const std::string& message);
    /** In as many packets as it takes. */
    bool sendOrder(const Order& order);
    /**
     * The next message; empty if none came in time, or if the other end is gone (`closed()`). Throws `Stopped` within 10 ms of
     * the request.
     */
    [[nodiscard]] std::string receive(std::int64_t until, const Stoppable* call);
    [[nodiscard]] bool closed() const noexcept { return closed_; }
    [[nodiscard]] int fd() const noexcept { return socket_.get(); }

private:
    Fd socket_;
    bool closed_{false};
};

struct Opened {
    Connection connection;
    Status status;
    bool lives{false};     ///< something of the tree
    bool attended{false};  ///< a host's connection was there before this one
};

/**
 * A connection that was welcomed; starts the reaper if there is none and `mayStart`. Empty if there is none and it may not.
 * Throws `Error`, or `VersionMismatch` if the reaper is another holdfast's.
 */
[[nodiscard]] std::optional<Opened> open(const Place& place, Role role, bool mayStart, const Stoppable* call);

class VersionMismatch {};

/** Starts a reaper for one connection of which this is the other end. */
[[nodiscard]] Connection startUnnamed(const std::string& reaper);

constexpr std::int64_t reaperPatience = 5'000;  ///< ms: for a reaper to start, to answer

}  // namespace holdfast::inline v1::process
