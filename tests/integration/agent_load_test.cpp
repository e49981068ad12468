// SPDX-License-Identifier: BSL-1.0

/// An agent library as the system's loader sees it: what loading does and leaves, over a thousand lives.

#include "bounded.hpp"
#include "support/own_process.hpp"

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/abi/wide.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/reporters/catch_reporter_registrars.hpp>

#include <atomic>
#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cwchar>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#if defined(_WIN32)
#include <winsock2.h>

#include <windows.h>

#include <tlhelp32.h>
#else
#include <dlfcn.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#endif

using namespace holdfast::abi;
using namespace std::chrono_literals;

CATCH_REGISTER_LISTENER(bounded::Watchdog)

namespace {

std::size_t threads() { return holdfast::tests::ownThreads(); }
std::size_t handles() { return holdfast::tests::ownHandles(); }

#if defined(_WIN32)
HANDLE newEvent() { return CreateEventW(nullptr, TRUE, FALSE, nullptr); }
void closeEvent(HANDLE event) { CloseHandle(event); }
std::size_t modules() {
    const HANDLE snapshot = CreateToolhelp32Snapshot(TH32CS_SNAPMODULE, GetCurrentProcessId());
    MODULEENTRY32W entry{};
    entry.dwSize = sizeof entry;
    std::size_t count = 0;
    for (BOOL more = Module32FirstW(snapshot, &entry); more; more = Module32NextW(snapshot, &entry)) ++count;
    CloseHandle(snapshot);
    return count;
}
#else
int newEvent() { return ::eventfd(0, EFD_CLOEXEC); }
void closeEvent(int event) { ::close(event); }
#endif

class Library {
public:
    Library() {
#if defined(_WIN32)
        handle_ = LoadLibraryW(toWide(TABLE_AGENT).c_str());
#else
        handle_ = ::dlopen(TABLE_AGENT, RTLD_NOW | RTLD_LOCAL);
#endif
        REQUIRE(handle_ != nullptr);
    }
    Library(const Library&) = delete;
    Library& operator=(const Library&) = delete;
    ~Library() {
#if defined(_WIN32)
        FreeLibrary(handle_);
#else
        ::dlclose(handle_);
#endif
    }
    template <typename Routine>
    [[nodiscard]] Routine routine(const char* name) const {
#if defined(_WIN32)
        return reinterpret_cast<Routine>(reinterpret_cast<void (*)()>(GetProcAddress(handle_, name)));
#else
        return reinterpret_cast<Routine>(::dlsym(handle_, name));
#endif
    }
    [[nodiscard]] static bool mapped() {
#if defined(_WIN32)
        return GetModuleHandleW(L"table_agent.dll") != nullptr;
#else
        std::ifstream maps{"/proc/self/maps"};
        std::string line;
        while (std::getline(maps, line)) {
            if (line.find("table_agent") != std::string::npos) return true;
        }
        return false;
#endif
    }

private:
#if defined(_WIN32)
    HMODULE handle_{nullptr};
#else
    void* handle_{nullptr};
#endif
};

std::atomic<int> onlines{0};
std::atomic<int> offlines{0};

Dword HOLDFAST_STDCALL setStatus(ResourceHandle, ResourceStatusEx* status) {
    if (status->state == ResourceState::online) ++onlines;
    if (status->state == ResourceState::offline) ++offlines;
    return 0;
}
void HOLDFAST_STDCALL logEvent(ResourceHandle, Dword, const WideChar*, ...) {}
Dword HOLDFAST_STDCALL signalFailure(ResourceHandle, FailureType, Dword) { return 0; }

const FunctionsV2& tableOf(const Library& library, const char* type) {
    static const CallbackTable callbacks = [] {
        CallbackTable table{};
        table.logEvent = &logEvent;
        table.setResourceStatusEx = &setStatus;
        table.signalFailure = &signalFailure;
        return table;
    }();
    FunctionTable* table = nullptr;
    const auto startupEx = library.routine<StartupExRoutine>("StartupEx");
    REQUIRE(startupEx != nullptr);
    REQUIRE(startupEx(toWide(type).c_str(), versionV1, versionV2, &callbacks, &table) == 0);
    REQUIRE(table->version == versionV2);
    return table->v2;
}

ResourceId openOne(const FunctionsV2& f) {
    const ResourceId id =
        f.open(toWide("one").c_str(), nullptr, reinterpret_cast<ResourceHandle>(std::uintptr_t{42}), 0);
    REQUIRE(id != nullptr);
    return id;
}

/** What a process has but once, and what everybody in it depends on. */
struct ProcessWide {
    std::string directory;
    std::vector<std::string> environment;
    std::string locale;
    std::vector<std::uintptr_t> handlers;  // of signals and of exceptions nobody handles, and their like
};

ProcessWide processWide() {
    ProcessWide now;
    now.directory = std::filesystem::current_path().string();
    now.locale = std::setlocale(LC_ALL, nullptr);
#if defined(_WIN32)
    WideChar* const block = GetEnvironmentStringsW();
    for (const WideChar* one = block; *one != 0; one += std::wcslen(one) + 1) now.environment.push_back(toUtf8(one));
    FreeEnvironmentStringsW(block);
    const auto filter = SetUnhandledExceptionFilter(nullptr);  // only what sets it tells it
    SetUnhandledExceptionFilter(filter);
    now.handlers.push_back(reinterpret_cast<std::uintptr_t>(filter));
    now.handlers.push_back(GetErrorMode());
    for (const int number : {SIGABRT, SIGFPE, SIGILL, SIGINT, SIGSEGV, SIGTERM}) {
        const auto handler = std::signal(number, SIG_DFL);
        std::signal(number, handler);
        now.handlers.push_back(reinterpret_cast<std::uintptr_t>(handler));
    }
#else
    for (char** one = environ; *one != nullptr; ++one) now.environment.emplace_back(*one);
    const mode_t mask = ::umask(0);
    ::umask(mask);
    now.handlers.push_back(mask);
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action {};
        if (::sigaction(number, nullptr, &action) != 0) continue;
        now.handlers.push_back(reinterpret_cast<std::uintptr_t>(action.sa_handler));
        now.handlers.push_back(static_cast<std::uintptr_t>(action.sa_flags));
    }
#endif
    return now;
}

void checkUnchanged(const ProcessWide& before) {
    const ProcessWide now = processWide();
    CHECK(now.directory == before.directory);
    CHECK(now.environment == before.environment);
    CHECK(now.locale == before.locale);
    CHECK(now.handlers == before.handlers);
}

bool reaches(const std::atomic<int>& count, int value) {
    return scripted::eventually([&] { return count >= value; });
}

}  // namespace

TEST_CASE("D8 W-002 loading an agent starts no thread, no Winsock and loads nothing but what it is linked to",
          "[W-003]") {
    // The first load may bring system libraries that the import table names; from the second on nothing may come along.
    { const Library first; }
    const std::size_t before = threads();
#if defined(_WIN32)
    const std::size_t modulesBefore = modules();
    {
        const Library library;
        CHECK(modules() <= modulesBefore + 1);
        CHECK(threads() == before);
        // Winsock answers this way only as long as nobody in the process has started it.
        WSASetLastError(0);
        CHECK(gethostbyname("localhost") == nullptr);
        CHECK(WSAGetLastError() == WSANOTINITIALISED);
        static_cast<void>(tableOf(library, "Misbehaving"));
        CHECK(threads() == before);  // W-018: Startup only describes
        CHECK(gethostbyname("localhost") == nullptr);
        CHECK(WSAGetLastError() == WSANOTINITIALISED);
        const FunctionsV2& f = tableOf(library, "Other Type");
        const ResourceId id = openOne(f);
        CHECK(threads() > before);                     // so that the count above can count
        CHECK(gethostbyname("localhost") == nullptr);  // and not even a whole life needs it
        CHECK(WSAGetLastError() == WSANOTINITIALISED);
        f.close(id);
    }
#else
    {
        const Library library;
        CHECK(threads() == before);
        static_cast<void>(tableOf(library, "Misbehaving"));
        CHECK(threads() == before);
        const FunctionsV2& f = tableOf(library, "Other Type");
        const ResourceId id = openOne(f);
        CHECK(threads() > before);
        f.close(id);
    }
#endif
    CHECK(scripted::eventually([&] { return threads() == before; }));
    CHECK_FALSE(Library::mapped());
}

TEST_CASE("W-010 both start-up routines are exported by their plain names") {
    const Library library;
    CHECK(library.routine<StartupRoutine>("Startup") != nullptr);
    CHECK(library.routine<StartupExRoutine>("StartupEx") != nullptr);
    CHECK(library.routine<StartupRoutine>("Open") == nullptr);
}

TEST_CASE("W-1110 W-1150 a thousand Open and Close, handles and threads stay flat") {
    {
        std::vector<decltype(newEvent())> leak(200);  // so that the counter is known to count
        const std::size_t before = handles();
        for (auto& one : leak) one = newEvent();
        CHECK(handles() >= before + 150);
        for (const auto one : leak) closeEvent(one);
        CHECK(handles() <= before + 2);
    }
    const Library library;
    const FunctionsV2& f = tableOf(library, "Other Type");
    const ResourceId keeper = openOne(f);  // as in a host that has other resources: the runtime stays
    for (int i = 0; i < 20; ++i) f.close(openOne(f));
    // On a busy machine the threads that stand by come a while after the first Open.
    for (std::size_t known = 0; known != threads();) {
        known = threads();
        std::this_thread::sleep_for(std::chrono::milliseconds{300});
    }
    const std::size_t handlesBefore = handles();
    const std::size_t threadsBefore = threads();
    for (int i = 0; i < 1'000; ++i) f.close(openOne(f));
    std::printf("1,000 Open/Close beside another resource: handles %zu -> %zu, threads %zu -> %zu\n", handlesBefore,
                handles(), threadsBefore, threads());
    // Workers that a busy machine needed are there until they have been idle for 5 s; what leaks stays.
    CHECK(scripted::eventually([&] { return threads() <= threadsBefore + 1 && handles() <= handlesBefore + 3; }));
    // With a whole life in each, a few hundred times.
    Handle event = nullptr;
    const auto live = [&] {
        const ResourceId id = openOne(f);
        const int online = onlines;
        const int offline = offlines;
        REQUIRE(f.online(id, &event, 0, nullptr, 0, 0) == code::ioPending);
        REQUIRE(reaches(onlines, online + 1));
        REQUIRE(f.offline(id, nullptr, 0, nullptr, 0, 0) == code::ioPending);
        REQUIRE(reaches(offlines, offline + 1));
        f.close(id);
    };
    for (int i = 0; i < 20; ++i) live();
    const std::size_t handlesThen = handles();
    const std::size_t threadsThen = threads();
    for (int i = 0; i < 300; ++i) live();
    std::printf("300 lives: handles %zu -> %zu, threads %zu -> %zu\n", handlesThen, handles(), threadsThen, threads());
    CHECK(scripted::eventually([&] { return threads() <= threadsThen + 2 && handles() <= handlesThen + 5; }));
    f.close(keeper);
}

TEST_CASE("W-804 W-1130 loading, a whole life and unloading change nothing of what a process has but once") {
    const ProcessWide before = processWide();
    {
        const Library library;
        checkUnchanged(before);
        const FunctionsV2& f = tableOf(library, "Other Type");
        const ResourceId id = openOne(f);
        checkUnchanged(before);
        const int online = onlines;
        const int offline = offlines;
        Handle event = nullptr;
        REQUIRE(f.online(id, &event, 0, nullptr, 0, 0) == code::ioPending);
        REQUIRE(reaches(onlines, online + 1));
        CHECK(f.isAlive(id) == 1);
        checkUnchanged(before);
        REQUIRE(f.offline(id, nullptr, 0, nullptr, 0, 0) == code::ioPending);
        REQUIRE(reaches(offlines, offline + 1));
        f.terminate(id);
        f.close(id);
        checkUnchanged(before);
    }
    checkUnchanged(before);
    // So that the comparison is known to see a change.
    const auto handler = std::signal(SIGINT, SIG_IGN);
    CHECK(processWide().handlers != before.handlers);
    std::signal(SIGINT, handler);
}

TEST_CASE("D8 the first Open and the last Close start and stop everything, again and again") {
    { const Library warm; }
    const std::size_t threadsBefore = threads();
    std::size_t handlesBefore = 0;
    {
        const Library library;
        const FunctionsV2& f = tableOf(library, "Other Type");
        for (int i = 0; i < 60; ++i) {
            f.close(openOne(f));
            // A thread that was joined is counted until the system has put it away.
            CHECK(scripted::eventually([&] { return threads() <= threadsBefore; }));
            if (i == 9) handlesBefore = handles();
        }
        std::printf("50 starts and stops of the runtime: handles %zu -> %zu, threads %zu -> %zu\n", handlesBefore,
                    handles(), threadsBefore, threads());
        CHECK(handles() <= handlesBefore + 3);
    }
    for (int i = 0; i < 60; ++i) {
        {
            const Library library;
            const FunctionsV2& f = tableOf(library, "Other Type");
            f.close(openOne(f));
        }
        CHECK_FALSE(Library::mapped());
        if (i == 9) handlesBefore = handles();
    }
    std::printf("50 loads with a life each: handles %zu -> %zu, threads %zu -> %zu\n", handlesBefore, handles(),
                threadsBefore, threads());
    CHECK(scripted::eventually([&] { return threads() <= threadsBefore; }));
#if defined(__MINGW32__)
    // winpthreads, linked into each DLL, leaves at every unload what it made for the thread that loaded (a thread and an event)
    // and an event for each mutex of its own at which threads met; a library that does nothing but use a std::thread does so,
    // too. It is a load's cost, not a resource's.
    CHECK(handles() <= handlesBefore + 4 * 50);
#else
    CHECK(handles() <= handlesBefore + 3);
#endif
}

// Last in the file: the library stays mapped from here on.
TEST_CASE(
    "D8 W-004 unloaded while a worker is wedged: the library stays mapped until it is done, and nothing crashes") {
    {
        const Library library;
        const FunctionsV2& f = tableOf(library, "Deaf Type");
        const ResourceId id = openOne(f);
        Handle event = nullptr;
        CHECK(f.online(id, &event, 0, nullptr, 0, 0) == code::ioPending);
        std::this_thread::sleep_for(50ms);
        CHECK(bounded::timed([&] { f.close(id); }) < bounded::lastClose + 200ms);
    }
    CHECK(Library::mapped());
    std::this_thread::sleep_for(2s);  // the wedged call ends in code that is still there
    CHECK(Library::mapped());
}
