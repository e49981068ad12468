// SPDX-License-Identifier: BSL-1.0
// Clocks, sleeping, and the futex calls of the C++ library (futures, statics, atomic waits).
#include "machine/fiber.hpp"
#include "machine/real.hpp"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

using sim::Instant;
using sim::Machine;
using sim::machine;

namespace sim {
Instant deadlineOf(const timespec& at);  // calls_pthread.cpp
}

namespace {

constexpr Instant second = 1'000'000'000LL;
constexpr Instant wallClockStart = 1'700'000'000LL * second;

timespec specOf(Instant at) { return {static_cast<time_t>(at / second), static_cast<long>(at % second)}; }
Instant lengthOf(const timespec& length) { return static_cast<Instant>(length.tv_sec) * second + length.tv_nsec; }

long futex(Machine& on, const int* word, int operation, int value, const timespec* timeout) {
    switch (operation & FUTEX_CMD_MASK) {
        case FUTEX_WAIT:
        case FUTEX_WAIT_BITSET: {
            on.point();
            if (__atomic_load_n(word, __ATOMIC_SEQ_CST) != value) {
                errno = EAGAIN;
                return -1;
            }
            Instant deadline = sim::never;
            if (timeout != nullptr) {
                const bool relative = (operation & FUTEX_CMD_MASK) == FUTEX_WAIT;
                deadline = relative ? on.now() + lengthOf(*timeout) : sim::deadlineOf(*timeout);
            }
            if (on.wait(word, deadline, "~waits for a word to change")) return 0;
            if (on.now() < deadline) return 0;
            errno = ETIMEDOUT;
            return -1;
        }
        case FUTEX_WAKE:
            on.wake(word, true);  // more than asked for: each looks again
            on.point();
            return 1;
        default: errno = ENOSYS; return -1;
    }
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* now) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(clock_gettime)(clock, now);
    on->tick();
    const bool wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
    *now = specOf(on->now() + (wall ? wallClockStart : 0));
    return 0;
}

time_t time(time_t* where) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(time)(where);
    const auto now = static_cast<time_t>((on->now() + wallClockStart) / second);
    if (where != nullptr) *where = now;
    return now;
}

int nanosleep(const timespec* length, timespec* left) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(nanosleep)(length, left);
    on->sleepUntil(on->now() + lengthOf(*length));
    return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const timespec* length, timespec* left) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(clock_nanosleep)(clock, flags, length, left);
    on->sleepUntil((flags & TIMER_ABSTIME) != 0 ? sim::deadlineOf(*length) : on->now() + lengthOf(*length));
    return 0;
}

int usleep(useconds_t length) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(usleep)(length);
    on->sleepUntil(on->now() + static_cast<Instant>(length) * 1'000);
    return 0;
}

long syscall(long number, ...) noexcept {
    std::va_list list;
    va_start(list, number);
    long arguments[6];
    for (long& argument : arguments) argument = va_arg(list, long);
    va_end(list);
    Machine* const on = machine();
    if (on != nullptr && number == SYS_futex) {
        return futex(*on, reinterpret_cast<const int*>(arguments[0]), static_cast<int>(arguments[1]),
                     static_cast<int>(arguments[2]), reinterpret_cast<const timespec*>(arguments[3]));
    }
    return SIM_REAL(syscall)(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
                             arguments[5]);
}

}  // extern "C"
