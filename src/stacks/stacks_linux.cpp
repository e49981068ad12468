// SPDX-License-Identifier: BSL-1.0
#include "stacks/stacks.hpp"

#include <cxxabi.h>
#include <elfutils/libdwfl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/ptrace.h>
#include <unistd.h>

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>

namespace holdfast::inline v1::stacks {

namespace {

// For the alarm's handler: whom it must not leave stopped.
std::atomic<pid_t> looked{0};
std::atomic<pid_t> stopped{0};

/** A tracer that just dies leaves the SIGSTOP behind by which it stopped a thread, and with it the whole process stopped. */
void onAlarm(int /*number*/) {
    constexpr int outOfTime = 3;
    if (const pid_t thread = stopped; thread != 0) ::ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
    if (const pid_t process = looked; process != 0) ::kill(process, SIGCONT);
    ::_exit(outOfTime);
}

std::string demangled(const char* name) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text{abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                                           &std::free};
    if (status == 0 && text) return text.get();
    return {name, std::strcspn(name, "@")};  // without the version of a library's symbol
}

std::string fileOf(const char* path) { return std::filesystem::path{path == nullptr ? "?" : path}.filename().string(); }

std::string describe(Dwfl* dwfl, Dwarf_Addr address) {
    Dwfl_Module* const module = ::dwfl_addrmodule(dwfl, address);
    if (module == nullptr) return fmt::format("0x{:x}", address);
    Dwarf_Addr begin = 0;
    const char* const path = ::dwfl_module_info(module, nullptr, &begin, nullptr, nullptr, nullptr, nullptr, nullptr);
    GElf_Off offset = 0;
    GElf_Sym symbol{};
    const char* const name = ::dwfl_module_addrinfo(module, address, &offset, &symbol, nullptr, nullptr, nullptr);
    if (name == nullptr) return fmt::format("{}+0x{:x}", fileOf(path), address - begin);
    int number = 0;
    Dwfl_Line* const line = ::dwfl_module_getsrc(module, address);
    const char* const source =
        line == nullptr ? nullptr : ::dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
    if (source != nullptr) return fmt::format("{} ({}:{})", demangled(name), fileOf(source), number);
    return fmt::format("{} ({})", demangled(name), fileOf(path));
}

struct Look {
    Dwfl* dwfl;
    std::int64_t process;
    const std::function<void(const Stack&)>& found;
    std::vector<Dwarf_Addr> addresses;
};

int onFrame(Dwfl_Frame* frame, void* argument) {
    auto& look = *static_cast<Look*>(argument);
    Dwarf_Addr counter = 0;
    bool interrupted = false;
    if (!::dwfl_frame_pc(frame, &counter, &interrupted)) return DWARF_CB_ABORT;
    // What was called returns behind its call, which may be another line, or another function.
    look.addresses.push_back(interrupted ? counter : counter - 1);
    return look.addresses.size() < mostFrames ? DWARF_CB_OK : DWARF_CB_ABORT;
}

int onThread(Dwfl_Thread* thread, void* argument) {
    auto& look = *static_cast<Look*>(argument);
    const pid_t number = ::dwfl_thread_tid(thread);
    look.addresses.clear();
    Stack stack;
    stack.thread = static_cast<std::uint64_t>(number);
    std::getline(std::ifstream{fmt::format("/proc/{}/task/{}/comm", look.process, number)}, stack.name);
    stopped = number;
    const int status = ::dwfl_thread_getframes(thread, onFrame, &look);  // the thread goes on when this returns
    stopped = 0;
    if (status < 0 && look.addresses.empty())
        stack.frames.push_back(fmt::format("cannot be seen: {}", ::dwfl_errmsg(-1)));
    // Names only now: to read them takes time, and nobody stands meanwhile.
    for (const Dwarf_Addr address : look.addresses) stack.frames.push_back(describe(look.dwfl, address));
    look.found(stack);
    return DWARF_CB_OK;
}

std::string failure(const char* what) { return fmt::format("{}: {}", what, ::dwfl_errmsg(-1)); }

}  // namespace

std::string takeStacks(std::int64_t process, unsigned limitSeconds, const std::function<void(const Stack&)>& found) {
    const auto pid = static_cast<pid_t>(process);
    ::unsetenv("DEBUGINFOD_URLS");  // a hanging service is not the moment to ask others on the network
    looked = pid;
    struct sigaction action {};
    action.sa_handler = &onAlarm;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(SIGALRM, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
    ::alarm(limitSeconds);

    static char* noPath = nullptr;
    static const Dwfl_Callbacks callbacks{.find_elf = ::dwfl_linux_proc_find_elf,
                                          .find_debuginfo = ::dwfl_standard_find_debuginfo,
                                          .section_address = nullptr,
                                          .debuginfo_path = &noPath};
    const std::unique_ptr<Dwfl, decltype(&::dwfl_end)> dwfl{::dwfl_begin(&callbacks), &::dwfl_end};
    if (!dwfl) return failure("libdw");
    if (const int error = ::dwfl_linux_proc_report(dwfl.get(), pid); error != 0)
        return error > 0 ? std::strerror(error) : failure("what is mapped cannot be read");
    if (::dwfl_report_end(dwfl.get(), nullptr, nullptr) != 0) return failure("what is mapped cannot be read");
    // What unwinding needs is read now, from whatever disk it is on: later a thread of the process stands meanwhile.
    ::dwfl_getmodules(
        dwfl.get(),
        [](Dwfl_Module* module, void**, const char*, Dwarf_Addr, void*) -> int {
            Dwarf_Addr bias = 0;
            static_cast<void>(::dwfl_module_getelf(module, &bias));
            static_cast<void>(::dwfl_module_eh_cfi(module, &bias));
            return DWARF_CB_OK;
        },
        nullptr, 0);
    if (const int error = ::dwfl_linux_proc_attach(dwfl.get(), pid, false); error != 0)
        return error > 0 ? std::strerror(error) : failure("cannot look into the process");
    Look look{dwfl.get(), process, found, {}};
    if (::dwfl_getthreads(dwfl.get(), onThread, &look) != 0) return failure("its threads cannot be listed");
    ::alarm(0);
    return {};
}

}  // namespace holdfast::inline v1::stacks
