// SPDX-License-Identifier: BSL-1.0
#include "host/crash_recorder.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace holdfast::inline v1::host {

namespace {

using monitor::CallBoard;
using monitor::CallNote;
using Ending = CallBoard::Ending;

std::atomic<pid_t> host{0};

/** The first to end the process is the one. Async-signal-safe. */
void record(Ending ending, int number, std::uint64_t address) noexcept {
    CallBoard* const board = CallNote::board();
    // What an agent forks shares the board, but its end is its own.
    if (board == nullptr || ::getpid() != host) return;
    Ending none = Ending::none;
    if (!board->ending.compare_exchange_strong(none, Ending::claimed, std::memory_order_acq_rel)) return;
    board->number = number;
    board->address = address;
    board->slot = CallNote::currentSlot();
    board->ending.store(ending, std::memory_order_release);
}

void onSignal(int number, siginfo_t* info, void* /*context*/) {
    record(Ending::signal, number, reinterpret_cast<std::uintptr_t>(info->si_addr));
    // SA_RESETHAND put the default back: the system ends the process as it would have done, core included.
    static_cast<void>(::raise(number));
}

void onExit() { record(Ending::exit, 0, 0); }

}  // namespace

void recordCrashes(CallBoard& board) noexcept {
    host = ::getpid();
    CallNote::use(&board);
    struct sigaction action {};
    action.sa_sigaction = &onSignal;
    action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
    ::sigemptyset(&action.sa_mask);
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP}) {
        ::sigaction(number, &action, nullptr);
    }
    static_cast<void>(std::atexit(&onExit));
    static_cast<void>(std::at_quick_exit(&onExit));
}

void expectExit() noexcept { record(Ending::farewell, 0, 0); }

}  // namespace holdfast::inline v1::host

// The program's own _exit comes before libc's for every library that is loaded later, so an agent's is seen. Nothing else can
// hear of an end that runs no handler.
extern "C" {
__attribute__((noreturn, visibility("default"))) void _exit(int status) {
    holdfast::host::record(holdfast::monitor::CallBoard::Ending::exit, status, 0);
    for (;;) ::syscall(SYS_exit_group, status);
}
__attribute__((noreturn, visibility("default"))) void _Exit(int status) noexcept { _exit(status); }
}
