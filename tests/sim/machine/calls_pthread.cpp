// SPDX-License-Identifier: BSL-1.0
// Threads and locks: inside a simulation these are the machine's, outside they are the system's.
#include "machine/fiber.hpp"
#include "machine/real.hpp"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

using sim::Fiber;
using sim::Instant;
using sim::Machine;
using sim::machine;

namespace {

/** What a lock's memory means inside a simulation; all zero is unlocked, as the system's initialisers have it. */
struct Mutex {
    std::uint32_t owner;
    std::uint32_t count;
    std::uint32_t unused[2];
    std::int32_t kind;
};
static_assert(sizeof(Mutex) <= sizeof(pthread_mutex_t));
static_assert(offsetof(Mutex, kind) == 16);  // where glibc keeps it

struct SharedMutex {
    std::uint32_t writer;
    std::uint32_t readers;
};
static_assert(sizeof(SharedMutex) <= sizeof(pthread_rwlock_t));

Mutex& of(pthread_mutex_t* mutex) { return *reinterpret_cast<Mutex*>(mutex); }
SharedMutex& of(pthread_rwlock_t* lock) { return *reinterpret_cast<SharedMutex*>(lock); }

constexpr Instant wallClockStart = 1'700'000'000LL * 1'000'000'000LL;

Instant deadlineOf(const timespec& at) {
    const Instant value = static_cast<Instant>(at.tv_sec) * 1'000'000'000LL + at.tv_nsec;
    return value >= wallClockStart / 2 ? value - wallClockStart : value;
}

int lock(Machine& on, pthread_mutex_t* mutex, Instant deadline) {
    Mutex& held = of(mutex);
    const std::uint32_t self = on.self()->number;
    if (held.owner == self && held.kind == PTHREAD_MUTEX_RECURSIVE) {
        ++held.count;
        return 0;
    }
    while (held.owner != 0) {
        if (!on.wait(mutex, deadline, "waits for a lock") && deadline != sim::never && on.now() >= deadline &&
            held.owner != 0)
            return ETIMEDOUT;
    }
    held.owner = self;
    held.count = 1;
    on.noteLock(mutex, 1);
    return 0;
}

void unlock(Machine& on, pthread_mutex_t* mutex) {
    Mutex& held = of(mutex);
    if (--held.count != 0) return;
    held.owner = 0;
    on.noteLock(mutex, -1);
    on.wake(mutex, true);
}

int waitFor(Machine& on, pthread_cond_t* condition, pthread_mutex_t* mutex, Instant deadline) {
    unlock(on, mutex);
    const bool woken =
        on.wait(condition, deadline, deadline == sim::never ? "~waits to be told" : "~waits to be told, or for a time");
    lock(on, mutex, sim::never);
    return woken || on.now() < deadline ? 0 : ETIMEDOUT;
}

using Destructor = void (*)(void*);
constinit std::array<Destructor, 64> keyDestructors{};

}  // namespace

namespace sim {

void runKeyDestructors(Fiber& fiber) {
    for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; ++round) {
        bool any = false;
        for (std::size_t key = 0; key < keyDestructors.size(); ++key) {
            void* const value = std::exchange(fiber.specific[key], nullptr);
            if (value == nullptr || keyDestructors[key] == nullptr) continue;
            any = true;
            keyDestructors[key](value);
        }
        if (!any) return;
    }
}

Instant deadlineOf(const timespec& at) { return ::deadlineOf(at); }

}  // namespace sim

extern "C" {

// ---- threads ---------------------------------------------------------------------------------------------------------

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_create)(thread, attributes, start, argument);
    Fiber* const fiber = on->start([start, argument] { return start(argument); });
    if (attributes != nullptr) {
        int how = PTHREAD_CREATE_JOINABLE;
        ::pthread_attr_getdetachstate(attributes, &how);
        fiber->detached = how == PTHREAD_CREATE_DETACHED;
    }
    *thread = reinterpret_cast<pthread_t>(fiber);
    on->point();
    return 0;
}

int pthread_join(pthread_t thread, void** result) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_join)(thread, result);
    auto* const fiber = reinterpret_cast<Fiber*>(thread);
    while (fiber->state != Fiber::State::ended) on->wait(fiber, sim::never, "waits for a thread's end");
    if (result != nullptr) *result = fiber->result;
    return 0;
}

int pthread_detach(pthread_t thread) noexcept {
    if (machine() == nullptr) return SIM_REAL(pthread_detach)(thread);
    reinterpret_cast<Fiber*>(thread)->detached = true;
    return 0;
}

pthread_t pthread_self() noexcept {
    Machine* const on = machine();
    return on == nullptr ? SIM_REAL(pthread_self)() : reinterpret_cast<pthread_t>(on->self());
}

int pthread_sigmask(int how, const sigset_t* set, sigset_t* old) noexcept {
    if (machine() == nullptr) return SIM_REAL(pthread_sigmask)(how, set, old);
    if (old != nullptr) ::sigemptyset(old);
    return 0;
}

int pthread_setname_np(pthread_t thread, const char* name) noexcept {
    return machine() == nullptr ? SIM_REAL(pthread_setname_np)(thread, name) : 0;
}

int sched_yield() noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(sched_yield)();
    on->yield();
    return 0;
}

int pthread_once(pthread_once_t* control, void (*initialise)()) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_once)(control, initialise);
    constexpr int begun = 1;
    constexpr int done = 2;  // as glibc marks it
    while (*control == begun) on->wait(control, sim::never, "waits for something to be made once");
    if (*control == done) return 0;
    *control = begun;
    initialise();
    *control = done;
    on->wake(control, true);
    return 0;
}

// ---- values by thread ------------------------------------------------------------------------------------------------

int pthread_key_create(pthread_key_t* key, Destructor destroy) noexcept {
    const int made = SIM_REAL(pthread_key_create)(key, destroy);
    if (made != 0) return made;
    if (*key >= keyDestructors.size()) return EAGAIN;
    keyDestructors[*key] = destroy;
    return 0;
}

void* pthread_getspecific(pthread_key_t key) noexcept {
    Machine* const on = machine();
    return on == nullptr ? SIM_REAL(pthread_getspecific)(key) : on->self()->specific.at(key);
}

int pthread_setspecific(pthread_key_t key, const void* value) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_setspecific)(key, value);
    on->self()->specific.at(key) = const_cast<void*>(value);
    return 0;
}

int __cxa_thread_atexit_impl(Destructor destroy, void* object, void* library) {  // NOLINT: glibc's name
    Machine* const on = machine();
    if (on == nullptr) {
        using Function = int (*)(Destructor, void*, void*);
        static const auto found = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "__cxa_thread_atexit_impl"));
        return found(destroy, object, library);
    }
    on->self()->atExit.emplace_back(destroy, object);
    return 0;
}

// ---- mutexes ---------------------------------------------------------------------------------------------------------

int pthread_mutex_init(pthread_mutex_t* mutex, const pthread_mutexattr_t* attributes) noexcept {
    if (machine() == nullptr) return SIM_REAL(pthread_mutex_init)(mutex, attributes);
    std::memset(mutex, 0, sizeof *mutex);
    if (attributes != nullptr) ::pthread_mutexattr_gettype(attributes, &of(mutex).kind);
    return 0;
}

int pthread_mutex_destroy(pthread_mutex_t* mutex) noexcept {
    return machine() == nullptr ? SIM_REAL(pthread_mutex_destroy)(mutex) : 0;
}

int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_mutex_lock)(mutex);
    on->point();
    return lock(*on, mutex, sim::never);
}

int pthread_mutex_trylock(pthread_mutex_t* mutex) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_mutex_trylock)(mutex);
    on->point();
    Mutex& held = of(mutex);
    const bool again = held.owner == on->self()->number && held.kind == PTHREAD_MUTEX_RECURSIVE;
    if (held.owner != 0 && !again) return EBUSY;
    return lock(*on, mutex, sim::never);
}

int pthread_mutex_timedlock(pthread_mutex_t* mutex, const timespec* at) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_mutex_timedlock)(mutex, at);
    on->point();
    return lock(*on, mutex, deadlineOf(*at));
}

int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* at) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_mutex_clocklock)(mutex, clock, at);
    on->point();
    return lock(*on, mutex, deadlineOf(*at));
}

int pthread_mutex_unlock(pthread_mutex_t* mutex) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_mutex_unlock)(mutex);
    unlock(*on, mutex);
    on->point();
    return 0;
}

// ---- shared mutexes --------------------------------------------------------------------------------------------------

int pthread_rwlock_init(pthread_rwlock_t* lock, const pthread_rwlockattr_t* attributes) noexcept {
    if (machine() == nullptr) return SIM_REAL(pthread_rwlock_init)(lock, attributes);
    std::memset(lock, 0, sizeof *lock);
    return 0;
}

int pthread_rwlock_destroy(pthread_rwlock_t* lock) noexcept {
    return machine() == nullptr ? SIM_REAL(pthread_rwlock_destroy)(lock) : 0;
}

int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_rwlock_rdlock)(lock);
    on->point();
    while (of(lock).writer != 0) on->wait(lock, sim::never, "waits to read");
    ++of(lock).readers;
    return 0;
}

int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_rwlock_wrlock)(lock);
    on->point();
    while (of(lock).writer != 0 || of(lock).readers != 0) on->wait(lock, sim::never, "waits to write");
    of(lock).writer = on->self()->number;
    return 0;
}

int pthread_rwlock_unlock(pthread_rwlock_t* lock) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_rwlock_unlock)(lock);
    SharedMutex& held = of(lock);
    if (held.writer != 0)
        held.writer = 0;
    else
        --held.readers;
    on->wake(lock, true);
    on->point();
    return 0;
}

// ---- conditions ------------------------------------------------------------------------------------------------------

int pthread_cond_init(pthread_cond_t* condition, const pthread_condattr_t* attributes) noexcept {
    if (machine() == nullptr) return SIM_REAL(pthread_cond_init)(condition, attributes);
    std::memset(condition, 0, sizeof *condition);
    return 0;
}

int pthread_cond_destroy(pthread_cond_t* condition) noexcept {
    return machine() == nullptr ? SIM_REAL(pthread_cond_destroy)(condition) : 0;
}

int pthread_cond_wait(pthread_cond_t* condition, pthread_mutex_t* mutex) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_cond_wait)(condition, mutex);
    return waitFor(*on, condition, mutex, sim::never);
}

int pthread_cond_timedwait(pthread_cond_t* condition, pthread_mutex_t* mutex, const timespec* at) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_cond_timedwait)(condition, mutex, at);
    return waitFor(*on, condition, mutex, deadlineOf(*at));
}

int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* at) {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_cond_clockwait)(condition, mutex, clock, at);
    return waitFor(*on, condition, mutex, deadlineOf(*at));
}

int pthread_cond_signal(pthread_cond_t* condition) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_cond_signal)(condition);
    on->wake(condition, false);
    on->point();
    return 0;
}

int pthread_cond_broadcast(pthread_cond_t* condition) noexcept {
    Machine* const on = machine();
    if (on == nullptr) return SIM_REAL(pthread_cond_broadcast)(condition);
    on->wake(condition, true);
    on->point();
    return 0;
}

}  // extern "C"
