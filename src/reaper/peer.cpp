// SPDX-License-Identifier: BSL-1.0

#include "peer.hpp"

#include <sys/socket.h>

#include <cerrno>

namespace holdfast::inline v1::reaper {

Peer::Received Peer::receive(std::string_view& message) {
    // One for all: a message is dealt with before the next is read.
    static char buffer[process::mostMessage];
    iovec data{buffer, sizeof buffer};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    // No room for control data: descriptors that a peer sends are closed by the system.
    const ssize_t got = ::recvmsg(socket_.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Received::nothing;
    if (got <= 0) return Received::gone;
    if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        send(process::Writer{process::Message::refused}.text("the message is larger than 64 KiB").u8(0).bytes());
        return Received::gone;
    }
    message = {buffer, static_cast<std::size_t>(got)};
    return Received::message;
}

void Peer::flush() {
    while (!queue_.empty() && !broken_) {
        const std::string& next = queue_.front();
        if (::send(socket_.get(), next.data(), next.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            if (errno == EINTR) continue;
            broken_ = errno != EAGAIN && errno != ENOBUFS;
            return;
        }
        queue_.pop_front();
    }
}

void Peer::send(const std::string& message) {
    if (queue_.size() >= mostQueued) broken_ = true;
    if (broken_) return;
    queue_.push_back(message);
    flush();
}

bool Peer::offer(const std::string& message) {
    if (broken_ || queue_.size() >= mostLines) return false;
    send(message);
    return true;
}

std::int64_t peerUser(int socket) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return -1;
    return credentials.uid;
}

}  // namespace holdfast::inline v1::reaper
