// SPDX-License-Identifier: BSL-1.0
#include "host/host_link.hpp"

#include "monitor/flight_memory.hpp"
#include "monitor/host_protocol.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <csignal>

namespace holdfast::inline v1::host {

namespace {

constexpr int lookAgain = 2'000;  // ms

bool isSocket(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

/** The board, and what lies behind it; an older monitor has the board alone. */
struct Shared {
    monitor::CallBoard* board{nullptr};
    void* flight{nullptr};
};

Shared mapShared() {
    struct stat status {};
    if (::fstat(monitor::protocol::boardDescriptor, &status) != 0 ||
        status.st_size < static_cast<off_t>(sizeof(monitor::CallBoard))) {
        return {};
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    void* const memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, monitor::protocol::boardDescriptor, 0);
    if (memory == MAP_FAILED) return {};
    auto* const board = static_cast<monitor::CallBoard*>(memory);
    if (board->layout != monitor::CallBoard::expectedLayout) return {};
    return {board, size >= monitor::FlightMemory::size ? memory : nullptr};
}

class SocketLink final : public HostLink {
public:
    explicit SocketLink(int socket) : socket_{socket} {}

    std::size_t receive(char* buffer, std::size_t size) noexcept override {
        for (;;) {
            // An agent may close it under us, and who waits in recv would never learn of that.
            pollfd ready{socket_, POLLIN, 0};
            if (::poll(&ready, 1, lookAgain) == 0) continue;
            const ssize_t count = ::recv(socket_, buffer, size, 0);
            if (count < 0 && errno == EINTR) continue;
            return count <= 0 ? 0 : static_cast<std::size_t>(count);
        }
    }
    bool send(std::string_view bytes) noexcept override {
        while (!bytes.empty()) {
            const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    monitor::CallBoard* board() noexcept override { return shared_.board; }
    void* flightMemory() noexcept override { return shared_.flight; }
    void limitLife(unsigned /*seconds*/) noexcept override {}  // its guard sees to that

private:
    const int socket_;
    const Shared shared_{mapShared()};
};

}  // namespace

std::unique_ptr<HostLink> makeHostLink(int argc, char** argv, std::string& problem) {
    if (argc > 1) {
        problem = std::string{"unknown argument '"} + argv[1] + "'";
        return nullptr;
    }
    if (!isSocket(monitor::protocol::socketDescriptor)) {
        problem = "descriptor 3 is no socket: it is started by 'holdfast run'";
        return nullptr;
    }
    // Agents must not pass these on to what they start.
    ::fcntl(monitor::protocol::socketDescriptor, F_SETFD, FD_CLOEXEC);
    ::fcntl(monitor::protocol::boardDescriptor, F_SETFD, FD_CLOEXEC);
    return std::make_unique<SocketLink>(monitor::protocol::socketDescriptor);
}

void prepareHostProcess() noexcept {
    // What agents print when nobody reads it any more; a handler, because it does not pass on to what they start.
    static_cast<void>(std::signal(SIGPIPE, [](int) {}));
}

void permitLooks(std::int64_t monitor) noexcept {
    // Where Yama is strict only an ancestor may, and holdfast-stacks is none. Elsewhere this fails, and is not needed.
    static_cast<void>(::prctl(PR_SET_PTRACER, static_cast<unsigned long>(monitor), 0, 0, 0));
}

std::string_view hostLinkHelp() noexcept {
    return "It takes orders over descriptor 3, a socket, and keeps\n"
           "notes of who is at work in descriptor 4, shared memory.";
}

}  // namespace holdfast::inline v1::host
