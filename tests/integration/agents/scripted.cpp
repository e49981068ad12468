// SPDX-License-Identifier: BSL-1.0
// An agent written by hand against the C table, without holdfast: the monitor's opposite number in tests.
// Its private property Script is a list of words; each makes one entry point behave in one way.
#include <holdfast/abi/host.hpp>

#include <dlfcn.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

using namespace holdfast::abi;
using namespace std::chrono_literals;

namespace {

struct Instance {
    ResourceHandle handle{};
    KeyHandle key{};
    std::mutex reading;
    std::set<std::string> script;  // read by Terminate while Online writes it (W-102)
    int event{-1};
    std::atomic<int> checks{0};
    std::atomic<bool> terminated{false};
    std::thread worker;
};

std::atomic<SetResourceStatusRoutine> setStatus{nullptr};
std::atomic<LogEventRoutine> logEvent{nullptr};
std::mutex mutex;
std::map<ResourceId, std::shared_ptr<Instance>> instances;
std::uintptr_t nextId = 7;  // not a pointer: the monitor must not care (W-106)

const HostFunctions& host() {
    static const auto* functions = [] {
        void* address = dlsym(RTLD_DEFAULT, "HoldfastHost");
        HoldfastHostFunction function = nullptr;
        std::memcpy(&function, &address, sizeof function);
        return function(1);
    }();
    return *functions;
}

std::shared_ptr<Instance> find(ResourceId id) {
    const std::lock_guard lock{mutex};
    const auto found = instances.find(id);
    return found == instances.end() ? nullptr : found->second;
}

std::set<std::string> readScript(KeyHandle key) {
    std::set<std::string> words;
    KeyHandle parameters{};
    if (host().clusterRegOpenKey(key, u"Parameters", 0, &parameters) != 0) return words;
    char16_t text[256]{};
    Dword size = sizeof text - 2;
    Dword type = 0;
    if (host().clusterRegQueryValue(parameters, u"Script", &type, reinterpret_cast<Byte*>(text), &size) == 0) {
        std::string word;
        for (const char16_t* c = text;; ++c) {
            if (*c == 0 || *c == u' ') {
                if (!word.empty()) words.insert(word);
                word.clear();
                if (*c == 0) break;
            } else {
                word.push_back(static_cast<char>(*c));
            }
        }
    }
    host().clusterRegCloseKey(parameters);
    return words;
}

bool says(Instance& instance, const char* word) {
    const std::lock_guard lock{instance.reading};
    return instance.script.count(word) != 0;
}

int overflow(int depth) {
    volatile char room[4096];
    room[0] = static_cast<char>(depth);
    return depth == 0 ? room[0] : overflow(depth + 1) + room[0];
}

void hang() {
    for (;;) std::this_thread::sleep_for(1h);
}

Dword report(const Instance& instance, ResourceState state, Dword checkPoint) {
    ResourceStatus status{state, checkPoint, 1000, nullptr};
    return setStatus.load()(instance.handle, &status);
}

void log(const Instance& instance, Dword level, const char16_t* text) {
    logEvent.load()(instance.handle, level, u"%1!ws!", text);
}

void pend(const std::shared_ptr<Instance>& self, ResourceState pending, ResourceState final) {
    if (self->worker.joinable()) self->worker.join();
    self->worker = std::thread{[self, pending, final] {
        for (Dword i = 1; i <= 3; ++i) {
            std::this_thread::sleep_for(5ms);
            if (self->terminated || report(*self, pending, i) != 0) return;
        }
        report(*self, final, 4);
    }};
}

ResourceId openIt(const WideChar*, KeyHandle key, ResourceHandle handle) {
    auto instance = std::make_shared<Instance>();
    instance->handle = handle;
    instance->key = key;
    instance->script = readScript(key);
    if (says(*instance, "open-hangs")) hang();
    if (says(*instance, "open-slow")) std::this_thread::sleep_for(300ms);
    if (says(*instance, "open-segv")) *static_cast<volatile int*>(nullptr) = 1;
    if (says(*instance, "open-null")) {
        host().setLastError(5);
        return nullptr;
    }
    instance->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    const std::lock_guard lock{mutex};
    nextId += 2;
    ResourceId id{};
    std::memcpy(&id, &nextId, sizeof id);
    instances[id] = instance;
    return id;
}

void pin() {
    Dl_info self{};
    if (::dladdr(reinterpret_cast<void*>(&pin), &self) != 0) {
        static_cast<void>(::dlopen(self.dli_fname, RTLD_NOLOAD | RTLD_NODELETE | RTLD_LAZY));
    }
}

/** Ends the process, or the thread's stack, as the word says; `where` is the entry point. */
void crash(Instance& instance, const std::string& where) {
    const auto is = [&](const char* how) { return says(instance, (where + how).c_str()); };
    if (is("-segv")) *static_cast<volatile int*>(nullptr) = 1;
    if (is("-abort")) std::abort();
    if (is("-exit")) std::exit(3);
    if (is("-exit-now")) _exit(4);
    if (is("-overflow")) overflow(1);
    if (is("-closes")) ::close(3);  // as a daemon does that does not know what it inherited
    if (is("-child")) {             // one that ends at once
        const pid_t child = ::fork();
        if (child == 0) _exit(0);
        ::waitpid(child, nullptr, 0);
    }
    if (is("-forks")) {  // a child that no one owns: the host's guard must find it
        if (::fork() == 0) {
            ::setsid();
            if (::fork() != 0) _exit(0);
            for (;;) ::pause();
        }
        std::abort();
    }
}

void closeIt(ResourceId id) {
    const auto self = find(id);
    if (!self) return;
    crash(*self, "close");
    if (self->worker.joinable()) self->worker.join();
    ::close(self->event);
    if (says(*self, "speaks-after-close")) {
        pin();  // whoever leaves a thread behind keeps its code mapped
        pin();  // whoever leaves a thread behind must keep its code mapped
        std::thread{[handle = self->handle] {
            std::this_thread::sleep_for(50ms);
            ResourceStatus status{ResourceState::online, 1, 0, nullptr};
            if (setStatus.load()(handle, &status) == 1) logEvent.load()(handle, 0, u"refused as it should be");
        }}.detach();
    }
    const std::lock_guard lock{mutex};
    instances.erase(id);
}

Dword onlineIt(ResourceId id, Handle* event) {
    const auto self = find(id);
    if (!self) return code::resourceNotFound;
    {
        auto script = readScript(self->key);
        const std::lock_guard lock{self->reading};
        self->script = std::move(script);
    }
    self->terminated = false;
    self->checks = 0;
    if (says(*self, "online-hangs")) hang();
    if (says(*self, "online-throws")) throw std::runtime_error{"out of the C table"};
    if (says(*self, "online-ends-thread")) pthread_exit(nullptr);
    crash(*self, "online");
    if (says(*self, "online-fails")) {
        log(*self, 2, u"100% of what %1!s! needs is missing");
        return code::accessDenied;
    }
    if (says(*self, "online-prints")) static_cast<void>(::write(1, "print \xff \xc3\n", 10) > 0);
    if (says(*self, "online-floods")) {
        for (int i = 0; i < 100'000; ++i) log(*self, 0, u"on and on");
    }
    if (says(*self, "online-babbles")) logEvent.load()(self->handle, 0, u"%1!hs!", "no \xff UTF-8 \xc3");
    if (says(*self, "online-silent")) return code::ioPending;
    if (says(*self, "online-pends")) {
        pend(self, ResourceState::onlinePending, ResourceState::online);
        return code::ioPending;
    }
    if (says(*self, "online-reports-early")) {
        report(*self, ResourceState::online, 1);
        return code::ioPending;
    }
    if (says(*self, "event")) {
        std::uint64_t drained = 0;
        while (::read(self->event, &drained, sizeof drained) > 0) {
        }
        *event = reinterpret_cast<Handle>(static_cast<std::intptr_t>(self->event));
        if (self->worker.joinable()) self->worker.join();
        self->worker = std::thread{[self] {
            std::this_thread::sleep_for(30ms);
            const std::uint64_t one = 1;
            if (::write(self->event, &one, sizeof one) < 0) return;
        }};
    }
    return code::success;
}

Dword offlineIt(ResourceId id) {
    const auto self = find(id);
    if (!self) return code::resourceNotFound;
    crash(*self, "offline");
    if (says(*self, "offline-hangs")) hang();
    if (says(*self, "offline-fails")) return code::busy;
    if (says(*self, "offline-silent")) return code::ioPending;
    if (says(*self, "offline-pends")) {
        pend(self, ResourceState::offlinePending, ResourceState::offline);
        return code::ioPending;
    }
    return code::success;
}

void terminateIt(ResourceId id) {
    const auto self = find(id);
    if (!self) return;
    self->terminated = true;
    crash(*self, "terminate");
    if (says(*self, "terminate-hangs")) hang();
}

Bool looksAliveIt(ResourceId id) {
    const auto self = find(id);
    if (self && says(*self, "looksalive-hangs")) hang();
    if (self) crash(*self, "looksalive");
    return self ? 1 : 0;
}

Bool isAliveIt(ResourceId id) {
    const auto self = find(id);
    if (!self) return 0;
    const int check = ++self->checks;
    if (check == 2) crash(*self, "isalive");
    if (says(*self, "isalive-hangs") && check == 2) hang();
    if (says(*self, "isalive-false") && check == 2) return 0;
    if (says(*self, "event")) {  // the failure that the event announces (W-320)
        pollfd poll{self->event, POLLIN, 0};
        if (::poll(&poll, 1, 0) > 0) return 0;
    }
    return 1;
}

Dword resourceControlIt(ResourceId id, Dword codeNumber, void*, Dword, void*, Dword, Dword* returned) {
    if (returned != nullptr) *returned = 0;
    const auto self = find(id);
    if (!self) return code::resourceNotFound;
    if (codeNumber == 0x0100'0089) {
        if (says(*self, "refuses")) {
            log(*self, 2, u"property \"Script\": \"refuses\" is not a word it likes");
            return code::invalidParameter;
        }
        return code::success;
    }
    return code::invalidFunction;
}

/** The format list of one SZ property, Script, and one DWORD, Port (P12). */
Dword typeControlIt(const WideChar*, Dword codeNumber, void*, Dword, void* out, Dword outSize, Dword* returned) {
    if (returned != nullptr) *returned = 0;
    if (codeNumber != 0x0200'0091) return code::invalidFunction;
    static const unsigned char list[] = {2,   0, 0,   0, 3,  0, 4, 0, 14, 0, 0, 0, 'S', 0, 'c', 0, 'r', 0, 'i', 0,
                                         'p', 0, 't', 0, 0,  0, 0, 0, 11, 0, 1, 0, 2,   0, 0,   0, 3,   0, 0,   0,
                                         0,   0, 0,   0, 3,  0, 4, 0, 10, 0, 0, 0, 'P', 0, 'o', 0, 'r', 0, 't', 0,
                                         0,   0, 0,   0, 11, 0, 1, 0, 2,  0, 0, 0, 2,   0, 0,   0, 0,   0, 0,   0};
    if (returned != nullptr) *returned = sizeof list;
    if (out == nullptr || outSize < sizeof list) return code::moreData;
    std::memcpy(out, list, sizeof list);
    return code::success;
}

FunctionTable table{sizeof(FunctionsV1),
                    versionV1,
                    {openIt, closeIt, onlineIt, offlineIt, terminateIt, looksAliveIt, isAliveIt, nullptr, nullptr,
                     resourceControlIt, typeControlIt}};

bool same(const WideChar* left, const char16_t* right) {
    while (*left != 0 && *left == *right) ++left, ++right;
    return *left == *right;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) Dword Startup(const WideChar* type, Dword minimum, Dword maximum,
                                                                SetResourceStatusRoutine status, LogEventRoutine logger,
                                                                FunctionTable** out) {
    if (minimum > versionV1 || maximum < versionV1) return code::revisionMismatch;
    if (!same(type, u"Scripted")) return code::resourceTypeNameNotFound;
    setStatus = status;
    logEvent = logger;
    *out = &table;
    return code::success;
}
