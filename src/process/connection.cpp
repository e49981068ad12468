// SPDX-License-Identifier: BSL-1.0

#include "connection.hpp"

#include "proc.hpp"

#include <holdfast/error.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace holdfast::inline v1::process {
namespace {

void pause(int milliseconds) { ::poll(nullptr, 0, milliseconds); }

/** A program started with three descriptors and nothing else of ours; waits for the process that it leaves at once. */
void spawn(std::vector<std::string> words, std::vector<std::string> variables, int in, int out) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&files, in, 0);
    ::posix_spawn_file_actions_adddup2(&files, out, 1);
    ::posix_spawn_file_actions_adddup2(&files, out, 2);
    ::posix_spawn_file_actions_addclosefrom_np(&files, 3);
    sigset_t all;
    sigset_t none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    std::vector<char*> arguments;
    std::vector<char*> environment;
    arguments.reserve(words.size() + 1);
    environment.reserve(variables.size() + 1);
    for (auto& word : words) arguments.push_back(word.data());
    for (auto& entry : variables) environment.push_back(entry.data());
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    pid_t pid = -1;
    const int error = ::posix_spawn(&pid, arguments[0], &files, &attributes, arguments.data(), environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) {
        throw Error::make(error == EAGAIN || error == ENOMEM ? ErrorCode::outOfResources : ErrorCode::notInstalled,
                          "cannot start {}: {}", words[0], errorText(error));
    }
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
}

/** Returns when there is a reaper, be it this one; throws if it says why there cannot be one. */
void startReaper(const Place& place, const Stoppable* call) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        throw Error::make(ErrorCode::outOfResources, "pipe: {}", errorText(errno));
    const Fd read{ends[0]};
    Fd write{ends[1]};
    const Fd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    std::vector<std::string> words{place.reaper,
                                   "tree",
                                   "--detach",
                                   "--directory",
                                   place.names.directory,
                                   "--resource",
                                   place.names.resource,
                                   "--adopt-timeout",
                                   std::to_string(place.adoptTimeout.count())};
    if (!place.cgroup.empty()) words.insert(words.end(), {"--cgroup", place.cgroup});
    spawn(std::move(words), {std::string{reaperVariable} + "=" + place.names.directory + ":" + place.names.resource},
          nothing.get(), write.get());
    write.reset();
    std::string said;
    const std::int64_t until = nowMs() + reaperPatience;
    while (said.find('\n') == std::string::npos) {
        if (call != nullptr) call->throwIfStopped();
        pollfd watched{read.get(), POLLIN, 0};
        ::poll(&watched, 1, 10);
        char buffer[512];
        const ssize_t got = ::read(read.get(), buffer, sizeof buffer);
        if (got > 0) said.append(buffer, static_cast<std::size_t>(got));
        if (got == 0) break;
        if (nowMs() >= until) throw Error::make(ErrorCode::timeout, "{} does not become ready", place.reaper);
    }
    // Another one is as good.
    if (said.starts_with("ready") || said.find("runs already") != std::string::npos) return;
    while (!said.empty() && said.back() == '\n') said.pop_back();
    throw Error{said.empty() ? place.reaper + " ended at once" : said};
}

Fd connectTo(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), std::min(path.size() + 1, sizeof address.sun_path - 1));
    Fd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!socket) throw Error::make(ErrorCode::outOfResources, "socket: {}", errorText(errno));
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return socket;
    const int error = errno;
    if (error == ENOENT || error == ECONNREFUSED || error == EAGAIN) {
        errno = error;
        return {};
    }
    throw Error::make(ErrorCode::permission, "cannot connect to {}: {}", path, errorText(error));
}

}  // namespace

bool Connection::send(const std::string& message) {
    const std::int64_t until = nowMs() + reaperPatience;
    while (::send(socket_.get(), message.data(), message.size(), MSG_NOSIGNAL) < 0) {
        if (errno == EINTR) continue;
        if ((errno != EAGAIN && errno != ENOBUFS) || nowMs() >= until) {
            closed_ = true;
            return false;
        }
        pollfd watched{socket_.get(), POLLOUT, 0};
        ::poll(&watched, 1, 10);
    }
    return true;
}

bool Connection::sendOrder(const Order& order) {
    const std::string bytes = encode(order);
    constexpr std::size_t piece = mostMessage - 16;
    for (std::size_t at = 0;; at += piece) {
        const bool last = bytes.size() - at <= piece;
        std::string message = Writer{last ? Message::start : Message::part}.bytes();
        message.append(bytes, at, piece);
        if (!send(message)) return false;
        if (last) return true;
    }
}

std::string Connection::receive(std::int64_t until, const Stoppable* call) {
    std::string buffer;
    int resets = 0;
    while (!closed_) {
        if (call != nullptr) call->throwIfStopped();
        pollfd watched{socket_.get(), POLLIN, 0};
        const std::int64_t left = until - nowMs();
        if (::poll(&watched, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 10))) == 1) {
            buffer.resize(mostMessage);
            const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
            if (got > 0) {
                buffer.resize(static_cast<std::size_t>(got));
                return buffer;
            }
            // A reset may come before the farewell that was sent.
            if (got < 0 && errno == ECONNRESET && resets++ == 0) continue;
            if (got == 0 || (errno != EAGAIN && errno != EINTR)) closed_ = true;
        } else if (left <= 0) {
            break;
        }
    }
    return {};
}

std::optional<Opened> open(const Place& place, Role role, bool mayStart, const Stoppable* call) {
    const std::int64_t since = nowMs();
    std::string refusal;
    for (bool first = true;; first = false) {
        if (call != nullptr) call->throwIfStopped();
        if (!first && nowMs() >= since + reaperPatience) {
            throw Error::make(ErrorCode::timeout, "the reaper of \"{}\" does not answer{}{}", place.names.resource,
                              refusal.empty() ? "" : ": ", refusal);
        }
        Fd socket = connectTo(place.names.socket);
        if (!socket) {
            if (errno == EAGAIN) {  // it has more to do than it can
                pause(5);
                continue;
            }
            if (!mayStart) return std::nullopt;
            startReaper(place, call);
            if (!first) pause(10);
            continue;
        }
        Connection connection{std::move(socket)};
        Writer hello{Message::hello};
        hello.u32(wireMagic).u32(wireVersion).u8(static_cast<std::uint8_t>(role)).text(place.names.resource);
        connection.send(hello.bytes());
        const std::string answer = connection.receive(since + reaperPatience, call);
        Reader in{answer};
        const auto kind = static_cast<Message>(in.u8());
        if (kind == Message::welcome) {
            static_cast<void>(in.u32());
            static_cast<void>(in.i32());
            // A controller of another version asks for no more than this.
            Status status = getStatus(in);
            const bool lives = in.flag();
            const bool attended = in.flag();
            return Opened{std::move(connection), std::move(status), lives, attended};
        }
        if (kind == Message::refused) {
            refusal = in.text();
            const auto why = static_cast<Refusal>(in.u8());
            if (why == Refusal::version) throw VersionMismatch{};
            if (why != Refusal::later) throw Error{refusal};
        }
        // It left, or was killed, between our connecting and its answer.
        pause(5);
    }
}

Connection startUnnamed(const std::string& reaper) {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
        throw Error::make(ErrorCode::outOfResources, "socketpair: {}", errorText(errno));
    }
    Connection ours{Fd{ends[0]}};
    const Fd theirs{ends[1]};
    const Fd nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    std::vector<std::string> variables;
    // It ends with this host, so it carries the host's mark.
    const char* const host = ::getenv("HOLDFAST_HOST");  // NOLINT(concurrency-mt-unsafe): set before agents are loaded
    if (host != nullptr) variables.push_back(std::string{hostVariable} + "=" + host);
    spawn({reaper, "tree", "--detach", "--connection", "0", "--cgroup", "none"}, std::move(variables), theirs.get(),
          nothing.get());
    Writer hello{Message::hello};
    hello.u32(wireMagic).u32(wireVersion).u8(static_cast<std::uint8_t>(Role::owner)).text({});
    ours.send(hello.bytes());
    return ours;
}

}  // namespace holdfast::inline v1::process
