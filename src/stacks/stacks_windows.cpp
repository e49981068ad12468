// SPDX-License-Identifier: BSL-1.0
#include "stacks/stacks.hpp"

#include "os/windows_handle.hpp"

#include <windows.h>
// After it.
#include <dbghelp.h>
#include <tlhelp32.h>

#include <cxxabi.h>
#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace holdfast::inline v1::stacks {

namespace {

using os::WindowsHandle;

/** The thread that is stopped now: taken out by whoever sets it going again, so that is done once. */
std::atomic<HANDLE> stopped{nullptr};

void goOn() {
    if (HANDLE const thread = stopped.exchange(nullptr)) ::ResumeThread(thread);
}

/** A program that is ended in the middle would leave a thread stopped for ever. */
DWORD WINAPI endInTime(void* limit) {
    constexpr UINT outOfTime = 3;
    ::Sleep(static_cast<DWORD>(reinterpret_cast<std::uintptr_t>(limit)));
    goOn();
    ::TerminateProcess(::GetCurrentProcess(), outOfTime);
    return 0;
}

std::string failure(const char* what) { return fmt::format("{}: error {}", what, ::GetLastError()); }

std::string demangled(const char* name) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text{abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                           &std::free};
    return status == 0 && text ? text.get() : name;
}

std::string fileOf(const char* path) {
    const char* const slash = std::strrchr(path, '\\');
    const char* const other = std::strrchr(path, '/');
    return slash != nullptr && (other == nullptr || slash > other) ? slash + 1 : other != nullptr ? other + 1 : path;
}

std::string describe(HANDLE process, DWORD64 address) {
    IMAGEHLP_MODULE64 module{};
    module.SizeOfStruct = sizeof module;
    if (::SymGetModuleInfo64(process, address, &module) == 0) return fmt::format("0x{:x}", address);
    const std::string where = fileOf(module.ImageName);
    constexpr std::size_t longestName = 1'000;
    alignas(SYMBOL_INFO) std::array<char, sizeof(SYMBOL_INFO) + longestName> memory{};
    auto* const symbol = reinterpret_cast<SYMBOL_INFO*>(memory.data());
    symbol->SizeOfStruct = sizeof(SYMBOL_INFO);
    symbol->MaxNameLen = longestName;
    DWORD64 offset = 0;
    if (::SymFromAddr(process, address, &offset, symbol) == 0)
        return fmt::format("{}+0x{:x}", where, address - module.BaseOfImage);
    IMAGEHLP_LINE64 line{};
    line.SizeOfStruct = sizeof line;
    DWORD column = 0;
    if (::SymGetLineFromAddr64(process, address, &column, &line) != 0 && line.FileName != nullptr)
        return fmt::format("{} ({}:{})", demangled(symbol->Name), fileOf(line.FileName), line.LineNumber);
    // A far symbol is only the nearest one that the library exports.
    return fmt::format("{}+0x{:x} ({})", demangled(symbol->Name), offset, where);
}

/** The addresses first and their names later: the thread stands for as short as can be. */
std::vector<DWORD64> walk(HANDLE process, HANDLE thread) {
    std::vector<DWORD64> addresses;
    addresses.reserve(mostFrames);
    alignas(16) CONTEXT context{};
    context.ContextFlags = CONTEXT_FULL;
    if (::SuspendThread(thread) == static_cast<DWORD>(-1)) return addresses;
    stopped = thread;
    if (::GetThreadContext(thread, &context) != 0) {
        STACKFRAME64 frame{};
        frame.AddrPC = {context.Rip, 0, AddrModeFlat};
        frame.AddrFrame = {context.Rbp, 0, AddrModeFlat};
        frame.AddrStack = {context.Rsp, 0, AddrModeFlat};
        while (addresses.size() < mostFrames &&
               ::StackWalk64(IMAGE_FILE_MACHINE_AMD64, process, thread, &frame, &context, nullptr,
                             &::SymFunctionTableAccess64, &::SymGetModuleBase64, nullptr) != 0) {
            if (frame.AddrPC.Offset == 0) break;
            addresses.push_back(frame.AddrPC.Offset);
        }
    }
    goOn();
    return addresses;
}

}  // namespace

std::string takeStacks(std::int64_t process, unsigned limitSeconds, const std::function<void(const Stack&)>& found) {
    const auto number = static_cast<DWORD>(process);
    const WindowsHandle handle{::OpenProcess(PROCESS_QUERY_INFORMATION | PROCESS_VM_READ, FALSE, number)};
    if (!handle) return failure("cannot look into the process");
    const auto limit = static_cast<std::uintptr_t>(limitSeconds) * 1'000;
    const WindowsHandle watch{
        ::CreateThread(nullptr, 0, &endInTime, reinterpret_cast<void*>(limit), 0, nullptr)};  // NOLINT
    if (!watch) return failure("cannot watch the time");
    ::SymSetOptions(SYMOPT_LOAD_LINES | SYMOPT_DEFERRED_LOADS | SYMOPT_FAIL_CRITICAL_ERRORS | SYMOPT_NO_PROMPTS);
    // The path is the program's own folders: no symbol server, wherever _NT_SYMBOL_PATH points.
    if (::SymInitialize(handle.get(), ".", TRUE) == 0) return failure("what is loaded cannot be read");
    const WindowsHandle threads{::CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0)};
    if (!threads) return failure("its threads cannot be listed");
    THREADENTRY32 entry{};
    entry.dwSize = sizeof entry;
    for (BOOL more = ::Thread32First(threads.get(), &entry); more != 0; more = ::Thread32Next(threads.get(), &entry)) {
        if (entry.th32OwnerProcessID != number) continue;
        Stack stack;
        stack.thread = entry.th32ThreadID;
        const WindowsHandle thread{::OpenThread(THREAD_SUSPEND_RESUME | THREAD_GET_CONTEXT | THREAD_QUERY_INFORMATION,
                                                FALSE, entry.th32ThreadID)};
        if (!thread) continue;  // it ended
        for (const DWORD64 address : walk(handle.get(), thread.get())) {
            // What was called returns behind its call, which may be another line, or another function.
            stack.frames.push_back(describe(handle.get(), stack.frames.empty() ? address : address - 1));
        }
        found(stack);
    }
    ::SymCleanup(handle.get());
    return {};
}

}  // namespace holdfast::inline v1::stacks
