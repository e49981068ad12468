// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "process/fd.hpp"
#include "process/wire.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>

namespace holdfast::inline v1::reaper {

/** One connection. What it cannot take now waits, within limits; one that takes nothing for too long is dropped. */
class Peer {
public:
    enum class Received { message, nothing, gone };

    Peer(process::Fd socket, std::int64_t helloUntil) : socket_{std::move(socket)}, deadline{helloUntil} {}

    /** One packet, at most; `gone` with a reason in `farewell()` if it is not worth talking to. */
    [[nodiscard]] Received receive(std::string_view& message);
    void send(const std::string& message);
    /** Lines may be left out; false if this one was. */
    bool offer(const std::string& message);
    void flush();

    [[nodiscard]] int fd() const noexcept { return socket_.get(); }
    [[nodiscard]] bool waiting() const noexcept { return !queue_.empty(); }
    [[nodiscard]] bool broken() const noexcept { return broken_; }

private:
    static constexpr std::size_t mostQueued = 256;
    static constexpr std::size_t mostLines = 128;

    process::Fd socket_;
    std::deque<std::string> queue_;
    bool broken_{false};

public:
    // The service's notes on it.
    std::int64_t deadline;  ///< to say hello
    bool greeted{false};
    process::Role role{process::Role::controller};
    std::string order;         ///< parts received so far
    std::int64_t endUntil{0};  ///< it asked for the end and waits until then; 0: it did not
    bool dropped{false};       ///< to be removed after this round
};

/** The user at the other end, or -1. */
[[nodiscard]] std::int64_t peerUser(int socket);

}  // namespace holdfast::inline v1::reaper
