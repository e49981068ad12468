// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "machine/machine.hpp"

#include <boost/context/detail/fcontext.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <vector>

namespace sim {

/** What the C++ runtime keeps per thread about exceptions in flight (Itanium ABI: __cxa_eh_globals). */
struct ExceptionState {
    void* caught{nullptr};
    unsigned uncaught{0};
};

/** A thread of the machine. Owned by it; only the machine's real thread touches it. */
struct Fiber {
    enum class State { ready, running, waiting, ended, frozen };

    std::uint32_t number{0};
    ProcessNumber process{0};
    ProcessNumber childProcess{0};
    State state{State::ready};
    boost::context::detail::fcontext_t context{nullptr};
    std::byte* stack{nullptr};
    std::function<void*()> work;
    void* result{nullptr};
    bool detached{false};
    bool joined{false};

    const void* waitsFor{nullptr};
    const char* why{""};
    Instant deadline{never};
    bool woken{false};
    std::uint32_t priority{0};
    int foreignLocks{0};  // of the monitor's, held by a thread of another process

    ExceptionState exceptions;
    std::vector<std::byte> locals;                          // its thread_local objects while it does not run
    std::vector<std::pair<void (*)(void*), void*>> atExit;  // destructors of those
    std::array<void*, 64> specific{};                       // pthread_setspecific
};

/** Where thread_local objects of the program and of agent libraries lie; asked anew after a library was loaded. */
void findThreadLocals();
/** As a new thread finds them. */
[[nodiscard]] std::vector<std::byte> freshThreadLocals();
void saveThreadLocals(std::vector<std::byte>& copy);
void loadThreadLocals(const std::vector<std::byte>& copy);

[[nodiscard]] std::byte* takeStack();
void giveStack(std::byte* stack);
inline constexpr std::size_t stackSize = 512 * 1024;

/** pthread_key_create's destructors, by key; of the whole program. */
void runKeyDestructors(Fiber& fiber);

}  // namespace sim
