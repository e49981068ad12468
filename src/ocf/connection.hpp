// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "message.hpp"
#include "process/fd.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace holdfast::inline v1::ocf {

/** The action's end of its talk with a resident host. Every wait has an end. */
class Connection {
public:
    explicit Connection(process::Fd socket) : socket_{std::move(socket)} {}

    enum class Heard : std::uint8_t { message, ended, late };
    /** False if the other end is gone. */
    bool send(const Message& message, std::int64_t until);
    /** `until` as `process::nowMs()` counts. A malformed message ends the talk. */
    [[nodiscard]] Heard receive(Message& message, std::int64_t until);

private:
    process::Fd socket_;
    std::string buffer_;
};

/** What became of an attempt to reach the resident host. */
struct Reached {
    process::Fd socket;     ///< if somebody listens
    std::string complaint;  ///< why nothing may be said, if that is so; neither: nobody is there
};

/** Only a host of root or of this user is trusted. */
[[nodiscard]] Reached reach(const std::string& socketPath);

/** The user at the other end of a UNIX socket; -1 if unknown. */
[[nodiscard]] long peerUser(int socket) noexcept;

}  // namespace holdfast::inline v1::ocf
