// SPDX-License-Identifier: BSL-1.0
// Event and timer descriptors, and what waits for them.
#include "machine/descriptors.hpp"
#include "machine/real.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <cstring>

using sim::Descriptors;
using sim::Instant;
using sim::Machine;
using sim::machine;

namespace {

constexpr Instant second = 1'000'000'000LL;

Descriptors* ours(int descriptor) noexcept {
    return machine() != nullptr && Descriptors::isOurs(descriptor) ? sim::descriptors : nullptr;
}

Instant deadlineAfter(Machine& on, int milliseconds) {
    return milliseconds < 0 ? sim::never : on.now() + static_cast<Instant>(milliseconds) * sim::oneMs;
}

}  // namespace

extern "C" {

int eventfd(unsigned count, int flags) noexcept {
    return machine() == nullptr ? SIM_REAL(eventfd)(count, flags) : sim::descriptors->makeEvent(count);
}

int timerfd_create(clockid_t clock, int flags) noexcept {
    return machine() == nullptr ? SIM_REAL(timerfd_create)(clock, flags) : sim::descriptors->makeTimer();
}

int timerfd_settime(int descriptor, int flags, const itimerspec* value, itimerspec* old) noexcept {
    Descriptors* const table = ours(descriptor);
    if (table == nullptr) return SIM_REAL(timerfd_settime)(descriptor, flags, value, old);
    if (old != nullptr) std::memset(old, 0, sizeof *old);
    const Instant length = static_cast<Instant>(value->it_value.tv_sec) * second + value->it_value.tv_nsec;
    const Instant at = length == 0 ? sim::never : (flags & TFD_TIMER_ABSTIME) != 0 ? length : machine()->now() + length;
    return table->setTimer(descriptor, at);
}

int epoll_create1(int flags) noexcept {
    return machine() == nullptr ? SIM_REAL(epoll_create1)(flags) : sim::descriptors->makeSet();
}

int epoll_create(int size) noexcept {
    return machine() == nullptr ? SIM_REAL(epoll_create)(size) : sim::descriptors->makeSet();
}

int epoll_ctl(int set, int operation, int descriptor, epoll_event* event) noexcept {
    Descriptors* const table = ours(set);
    if (table == nullptr) return SIM_REAL(epoll_ctl)(set, operation, descriptor, event);
    machine()->point();
    return table->control(set, operation, descriptor, event);
}

int epoll_wait(int set, epoll_event* events, int most, int timeout) {
    Descriptors* const table = ours(set);
    if (table == nullptr) return SIM_REAL(epoll_wait)(set, events, most, timeout);
    machine()->point();
    return table->waitSet(set, events, most, deadlineAfter(*machine(), timeout));
}

int poll(pollfd* watched, nfds_t count, int timeout) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(poll)(watched, count, timeout);
    on->point();
    const Instant deadline = deadlineAfter(*on, timeout);
    for (;;) {
        int found = 0;
        for (nfds_t i = 0; i < count; ++i) {
            const bool readable = Descriptors::isOurs(watched[i].fd) && sim::descriptors->isReadable(watched[i].fd);
            watched[i].revents = readable ? POLLIN : 0;
            if (readable) ++found;
        }
        if (found != 0 || on->now() >= deadline) return found;
        on->wait(sim::descriptors->anything(), deadline, "polls");
    }
}

int dup(int descriptor) noexcept {
    Descriptors* const table = ours(descriptor);
    return table == nullptr ? SIM_REAL(dup)(descriptor) : table->duplicate(descriptor);
}

int close(int descriptor) {
    Descriptors* const table = ours(descriptor);
    return table == nullptr ? SIM_REAL(close)(descriptor) : table->close(descriptor);
}

ssize_t read(int descriptor, void* into, size_t size) {
    Descriptors* const table = ours(descriptor);
    if (table == nullptr) return SIM_REAL(read)(descriptor, into, size);
    machine()->point();
    return static_cast<ssize_t>(table->read(descriptor, into, size));
}

ssize_t write(int descriptor, const void* from, size_t size) {
    Descriptors* const table = ours(descriptor);
    if (table == nullptr) return SIM_REAL(write)(descriptor, from, size);
    machine()->point();
    return static_cast<ssize_t>(table->write(descriptor, from, size));
}

ssize_t readv(int descriptor, const iovec* parts, int count) {
    Descriptors* const table = ours(descriptor);
    if (table == nullptr) return SIM_REAL(readv)(descriptor, parts, count);
    return ::read(descriptor, parts->iov_base, parts->iov_len);  // the first is enough: no read has to fill them all
}

ssize_t recv(int descriptor, void* into, size_t size, int flags) {
    Descriptors* const table = ours(descriptor);
    return table == nullptr ? SIM_REAL(recv)(descriptor, into, size, flags) : ::read(descriptor, into, size);
}

ssize_t recvmsg(int descriptor, msghdr* message, int flags) {
    Descriptors* const table = ours(descriptor);
    if (table == nullptr) return SIM_REAL(recvmsg)(descriptor, message, flags);
    return ::read(descriptor, message->msg_iov->iov_base, message->msg_iov->iov_len);
}

ssize_t send(int descriptor, const void* from, size_t size, int flags) {
    Descriptors* const table = ours(descriptor);
    return table == nullptr ? SIM_REAL(send)(descriptor, from, size, flags) : ::write(descriptor, from, size);
}

ssize_t sendmsg(int descriptor, const msghdr* message, int flags) {
    Descriptors* const table = ours(descriptor);
    if (table == nullptr) return SIM_REAL(sendmsg)(descriptor, message, flags);
    return ::write(descriptor, message->msg_iov->iov_base, message->msg_iov->iov_len);  // the rest: another call
}

int getsockopt(int descriptor, int level, int option, void* value, socklen_t* size) noexcept {
    if (ours(descriptor) == nullptr) return SIM_REAL(getsockopt)(descriptor, level, option, value, size);
    std::memset(value, 0, *size);
    return 0;
}

int setsockopt(int descriptor, int level, int option, const void* value, socklen_t size) noexcept {
    return ours(descriptor) == nullptr ? SIM_REAL(setsockopt)(descriptor, level, option, value, size) : 0;
}

int fcntl(int descriptor, int command, ...) {
    std::va_list list;
    va_start(list, command);
    void* const argument = va_arg(list, void*);
    va_end(list);
    Descriptors* const table = ours(descriptor);
    if (table == nullptr) return SIM_REAL(fcntl)(descriptor, command, argument);
    return command == F_DUPFD_CLOEXEC || command == F_DUPFD ? table->duplicate(descriptor) : 0;
}

int ioctl(int descriptor, unsigned long request, ...) noexcept {
    std::va_list list;
    va_start(list, request);
    void* const argument = va_arg(list, void*);
    va_end(list);
    return ours(descriptor) == nullptr ? SIM_REAL(ioctl)(descriptor, request, argument) : 0;
}

}  // extern "C"
