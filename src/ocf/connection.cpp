// SPDX-License-Identifier: BSL-1.0

#include "connection.hpp"

#include "process/proc.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace holdfast::inline v1::ocf {
namespace {

/** Whether the socket is ready for `events` before `until`. */
bool ready(int socket, short events, std::int64_t until) {
    for (;;) {
        const std::int64_t left = until - process::nowMs();
        pollfd entry{socket, events, 0};
        const int found = ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
        if (found > 0) return true;
        if (found < 0 && errno != EINTR) return false;
        if (process::nowMs() >= until) return false;
    }
}

}  // namespace

long peerUser(int socket) noexcept {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    return static_cast<long>(peer.uid);
}

Reached reach(const std::string& socketPath) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socketPath.size() >= sizeof address.sun_path) return {};  // nobody can listen there
    std::memcpy(address.sun_path, socketPath.c_str(), socketPath.size());
    process::Fd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) return {{}, std::string{"no socket: "} + process::errorText(errno)};
    for (int attempt = 0;; ++attempt) {
        if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) break;
        if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR) return {};
        if (errno == EINTR) continue;
        if (errno == EAGAIN && attempt < 200) {  // its queue is full: a moment later it is not
            ::usleep(10'000);
            continue;
        }
        return {{}, "cannot reach the resident host at " + socketPath + ": " + process::errorText(errno)};
    }
    const long user = peerUser(socket.get());
    if (user != 0 && user != static_cast<long>(::geteuid())) {
        return {{}, "a process of user " + std::to_string(user) + " listens at " + socketPath + "; it is not trusted"};
    }
    return {std::move(socket), {}};
}

bool Connection::send(const Message& message, std::int64_t until) {
    const std::string bytes = message.frame();
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t count =
            ::send(socket_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
        } else if (errno == EAGAIN) {
            if (!ready(socket_.get(), POLLOUT, until)) return false;
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

Connection::Heard Connection::receive(Message& message, std::int64_t until) {
    for (;;) {
        if (std::uint32_t size = 0; buffer_.size() >= sizeof size) {
            std::memcpy(&size, buffer_.data(), sizeof size);
            if (size > mostMessage) return Heard::ended;
            if (buffer_.size() >= sizeof size + size) {
                auto parsed = Message::parse(std::string_view{buffer_}.substr(sizeof size, size));
                if (!parsed) return Heard::ended;
                message = std::move(*parsed);
                buffer_.erase(0, sizeof size + size);
                return Heard::message;
            }
        }
        if (!ready(socket_.get(), POLLIN, until)) return Heard::late;
        char bytes[16'384];
        const ssize_t count = ::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
        if (count > 0) {
            buffer_.append(bytes, static_cast<std::size_t>(count));
        } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            return Heard::ended;
        }
    }
}

}  // namespace holdfast::inline v1::ocf
