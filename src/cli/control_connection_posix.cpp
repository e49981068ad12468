// SPDX-License-Identifier: BSL-1.0
#include "cli/control_connection.hpp"

#include "cli/control_client.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace holdfast::inline v1::cli {

namespace {

using Clock = std::chrono::steady_clock;
using Kind = ClientError::Kind;

std::string systemText(int error) { return std::system_category().message(error); }

}  // namespace

struct ControlConnection::State {
    int socket{-1};
    std::array<char, 16'384> chunk{};

    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (socket >= 0) ::close(socket);
    }
};

ControlConnection::ControlConnection(const std::filesystem::path& path) : state_{std::make_unique<State>()} {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.string().size() >= sizeof address.sun_path) {
        throw ClientError{Kind::noMonitor,
                          fmt::format("the path has {} bytes, a socket's may have {}: {}", path.string().size(),
                                      sizeof address.sun_path - 1, path.string())};
    }
    std::memcpy(address.sun_path, path.c_str(), path.string().size() + 1);
    state_->socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (state_->socket < 0) throw ClientError{Kind::noMonitor, "no socket: " + systemText(errno)};
    if (::connect(state_->socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
    const int error = errno;
    std::string text = fmt::format("no monitor runs at {}", path.string());
    if (error == EACCES || error == EPERM)
        text = fmt::format("the monitor at {} is not yours: {}", path.string(), systemText(error));
    else if (error != ENOENT && error != ECONNREFUSED)
        text += ": " + systemText(error);
    throw ClientError{Kind::noMonitor, text};
}

ControlConnection::~ControlConnection() = default;

void ControlConnection::send(std::string_view bytes, Time deadline) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(state_->socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return;
        } else if (errno == EAGAIN) {
            if (Clock::now() >= deadline) throw ClientError{Kind::late, "the monitor does not read"};
            pollfd ready{state_->socket, POLLOUT, 0};
            ::poll(&ready, 1, 100);
        } else if (errno != EINTR) {
            throw ClientError{Kind::lost, "the connection broke: " + systemText(errno)};
        }
    }
}

std::optional<std::string_view> ControlConnection::receive(Time deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
        pollfd ready{state_->socket, POLLIN, 0};
        const int count = ::poll(&ready, 1, static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000)));
        if (count < 0 && errno != EINTR) throw ClientError{Kind::lost, "poll failed: " + systemText(errno)};
        if (count <= 0) {
            if (Clock::now() >= deadline) return std::nullopt;
            continue;
        }
        const ssize_t size = ::recv(state_->socket, state_->chunk.data(), state_->chunk.size(), 0);
        if (size < 0 && errno == EINTR) continue;
        if (size <= 0) throw ClientError{Kind::lost, "the monitor ended"};
        return std::string_view{state_->chunk.data(), static_cast<std::size_t>(size)};
    }
}

}  // namespace holdfast::inline v1::cli
