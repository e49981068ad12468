// SPDX-License-Identifier: BSL-1.0
#include "host/crash_recorder.hpp"

#include <windows.h>

#include <atomic>
#include <csignal>
#include <cstdlib>

namespace holdfast::inline v1::host {

namespace {

using monitor::CallBoard;
using monitor::CallNote;
using Ending = CallBoard::Ending;

std::atomic<LPTOP_LEVEL_EXCEPTION_FILTER> others{nullptr};

/** The first to end the process is the one. Takes no lock and no memory. */
void record(Ending ending, int number, std::uint64_t address) noexcept {
    CallBoard* const board = CallNote::board();
    if (board == nullptr) return;
    Ending none = Ending::none;
    if (!board->ending.compare_exchange_strong(none, Ending::claimed, std::memory_order_acq_rel)) return;
    board->number = number;
    board->address = address;
    board->slot = CallNote::currentSlot();
    board->ending.store(ending, std::memory_order_release);
}

/** On the thread that raised it, and only if nobody handles it. Then the system goes on as it would have done, dumps included. */
LONG WINAPI onException(EXCEPTION_POINTERS* exception) {
    const EXCEPTION_RECORD& what = *exception->ExceptionRecord;
    record(Ending::signal, static_cast<int>(what.ExceptionCode),
           reinterpret_cast<std::uintptr_t>(what.ExceptionAddress));
    const auto next = others.load();
    return next != nullptr ? next(exception) : EXCEPTION_CONTINUE_SEARCH;
}

void onAbort(int number) {
    record(Ending::signal, number, 0);
    std::signal(number, SIG_DFL);
    std::raise(number);
}

void onExit() { record(Ending::exit, 0, 0); }

/** ExitProcess, and so _exit of any runtime library, detaches the program itself; TerminateProcess does not. */
void NTAPI onDetach(void* /*module*/, DWORD reason, void* /*reserved*/) {
    if (reason == DLL_PROCESS_DETACH) record(Ending::exit, 0, 0);
}

}  // namespace

void recordCrashes(CallBoard& board) noexcept {
    CallNote::use(&board);
    others = ::SetUnhandledExceptionFilter(&onException);
    std::signal(SIGABRT, &onAbort);
    static_cast<void>(std::atexit(&onExit));
}

void expectExit() noexcept { record(Ending::farewell, 0, 0); }

}  // namespace holdfast::inline v1::host

// The linker puts it among the program's callbacks of thread-local storage.
#if defined(_MSC_VER)
#pragma comment(linker, "/INCLUDE:_tls_used")
#pragma comment(linker, "/INCLUDE:holdfastDetachCallback")
#pragma const_seg(".CRT$XLY")
extern "C" const PIMAGE_TLS_CALLBACK holdfastDetachCallback = &holdfast::host::onDetach;
#pragma const_seg()
#else
extern "C" {
__attribute__((section(".CRT$XLY"), used)) const PIMAGE_TLS_CALLBACK holdfastDetachCallback = &holdfast::host::onDetach;
}
#endif
