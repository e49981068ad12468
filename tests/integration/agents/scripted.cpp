// SPDX-License-Identifier: BSL-1.0
// An agent written by hand against the C table, without holdfast: the monitor's opposite number in tests.
// Its private property Script is a list of words; each makes one entry point behave in one way.
#include "agent_export.hpp"
#include "scripted_system.hpp"

#include <holdfast/abi/host.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

using namespace holdfast::abi;
using namespace std::chrono_literals;
using scripted::host;

namespace {

struct Instance {
    ResourceHandle handle{};
    KeyHandle key{};
    std::mutex reading;
    std::set<std::string> script;  // read by Terminate while Online writes it (W-102)
    scripted::Event event;
    std::atomic<int> checks{0};
    std::atomic<bool> terminated{false};
    std::thread worker;
};

std::atomic<SetResourceStatusRoutine> setStatus{nullptr};
std::atomic<LogEventRoutine> logEvent{nullptr};
std::mutex mutex;
std::map<ResourceId, std::shared_ptr<Instance>> instances;
std::uintptr_t nextId = 7;  // not a pointer: the monitor must not care (W-106)

std::shared_ptr<Instance> find(ResourceId id) {
    const std::lock_guard lock{mutex};
    const auto found = instances.find(id);
    return found == instances.end() ? nullptr : found->second;
}

std::set<std::string> readScript(KeyHandle key) {
    std::set<std::string> words;
    KeyHandle parameters{};
    if (host().clusterRegOpenKey(key, AGENT_TEXT("Parameters"), 0, &parameters) != 0) return words;
    WideChar text[256]{};
    Dword size = sizeof text - 2;
    Dword type = 0;
    if (host().clusterRegQueryValue(parameters, AGENT_TEXT("Script"), &type, reinterpret_cast<Byte*>(text), &size) ==
        0) {
        std::string word;
        for (const WideChar* c = text;; ++c) {
            if (*c == 0 || *c == ' ') {
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

/** Appends to the file that a word "tells=…" names: what the agent did is seen there when no monitor listens any more. */
void tell(Instance& instance, const char* what) {
    const std::lock_guard lock{instance.reading};
    for (const auto& word : instance.script) {
        if (word.rfind("tells=", 0) == 0) std::ofstream{word.substr(6), std::ios::app} << what << '\n';
    }
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

void log(const Instance& instance, Dword level, const WideChar* text) {
    logEvent.load()(instance.handle, level, AGENT_TEXT("%1!ws!"), text);
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

ResourceId HOLDFAST_STDCALL openIt(const WideChar*, KeyHandle key, ResourceHandle handle) {
    auto instance = std::make_shared<Instance>();
    instance->handle = handle;
    instance->key = key;
    instance->script = readScript(key);
    if (says(*instance, "open-hangs")) hang();
    if (says(*instance, "open-slow")) std::this_thread::sleep_for(320ms);
    if (says(*instance, "open-segv")) *static_cast<volatile int*>(nullptr) = 1;
    if (says(*instance, "open-null")) {
        host().setLastError(5);
        return nullptr;
    }
    const std::lock_guard lock{mutex};
    nextId += 2;
    ResourceId id{};
    std::memcpy(&id, &nextId, sizeof id);
    instances[id] = instance;
    return id;
}

/** Ends the process, or the thread's stack, as the word says; `where` is the entry point. */
void crash(Instance& instance, const std::string& where) {
    const auto is = [&](const char* how) { return says(instance, (where + how).c_str()); };
    if (is("-segv")) *static_cast<volatile int*>(nullptr) = 1;
    if (is("-abort")) std::abort();
    if (is("-exit")) std::exit(3);
    if (is("-exit-now")) std::_Exit(4);
    if (is("-overflow")) overflow(1);
    for (const char* how : {"closes", "child", "forks", "raise", "divide", "kills"}) {
        if (is((std::string{"-"} + how).c_str())) scripted::crash(how);
    }
}

void HOLDFAST_STDCALL closeIt(ResourceId id) {
    const auto self = find(id);
    if (!self) return;
    tell(*self, "close");
    crash(*self, "close");
    if (self->worker.joinable()) self->worker.join();
    if (says(*self, "speaks-after-close")) {
        scripted::pin();
        std::thread{[handle = self->handle] {
            std::this_thread::sleep_for(50ms);
            ResourceStatus status{ResourceState::online, 1, 0, nullptr};
            if (setStatus.load()(handle, &status) == 1)
                logEvent.load()(handle, 0, AGENT_TEXT("refused as it should be"));
        }}.detach();
    }
    const std::lock_guard lock{mutex};
    instances.erase(id);
}

Dword HOLDFAST_STDCALL onlineIt(ResourceId id, Handle* event) {
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
    if (says(*self, "online-ends-thread")) scripted::endThread();
    crash(*self, "online");
    if (says(*self, "online-fails")) {
        log(*self, 2, AGENT_TEXT("100% of what %1!s! needs is missing"));
        return code::accessDenied;
    }
    if (says(*self, "online-prints")) scripted::print("print \xff \xc3\n");
    if (says(*self, "online-floods")) {
        for (int i = 0; i < 100'000; ++i) log(*self, 0, AGENT_TEXT("on and on"));
    }
    if (says(*self, "online-babbles")) logEvent.load()(self->handle, 0, AGENT_TEXT("%1!hs!"), "no \xff UTF-8 \xc3");
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
        self->event.reset();
        *event = self->event.handle();
        if (self->worker.joinable()) self->worker.join();
        self->worker = std::thread{[self] {
            std::this_thread::sleep_for(30ms);
            self->event.signal();
        }};
    }
    return code::success;
}

Dword HOLDFAST_STDCALL offlineIt(ResourceId id) {
    const auto self = find(id);
    if (!self) return code::resourceNotFound;
    tell(*self, "offline");
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

void HOLDFAST_STDCALL terminateIt(ResourceId id) {
    const auto self = find(id);
    if (!self) return;
    self->terminated = true;
    tell(*self, "terminate");
    crash(*self, "terminate");
    if (says(*self, "terminate-hangs")) hang();
}

Bool HOLDFAST_STDCALL looksAliveIt(ResourceId id) {
    const auto self = find(id);
    if (self && says(*self, "looksalive-hangs")) hang();
    if (self) crash(*self, "looksalive");
    return self ? 1 : 0;
}

Bool HOLDFAST_STDCALL isAliveIt(ResourceId id) {
    const auto self = find(id);
    if (!self) return 0;
    const int check = ++self->checks;
    if (check == 2) crash(*self, "isalive");
    if (says(*self, "isalive-hangs") && check == 2) hang();
    if (says(*self, "isalive-false") && check == 2) return 0;
    if (says(*self, "event") && self->event.isSignalled()) return 0;  // the failure that the event announces (W-320)
    return 1;
}

Dword HOLDFAST_STDCALL resourceControlIt(ResourceId id, Dword codeNumber, void*, Dword, void*, Dword, Dword* returned) {
    if (returned != nullptr) *returned = 0;
    const auto self = find(id);
    if (!self) return code::resourceNotFound;
    if (codeNumber == 0x0100'0089) {
        if (says(*self, "refuses")) {
            log(*self, 2, AGENT_TEXT("property \"Script\": \"refuses\" is not a word it likes"));
            return code::invalidParameter;
        }
        return code::success;
    }
    return code::invalidFunction;
}

/** The format list of one SZ property, Script, and one DWORD, Port (P12). */
Dword HOLDFAST_STDCALL typeControlIt(const WideChar*, Dword codeNumber, void*, Dword, void* out, Dword outSize,
                                     Dword* returned) {
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
                    {{openIt, closeIt, onlineIt, offlineIt, terminateIt, looksAliveIt, isAliveIt, nullptr, nullptr,
                      resourceControlIt, typeControlIt}}};

bool same(const WideChar* left, const WideChar* right) {
    while (*left != 0 && *left == *right) ++left, ++right;
    return *left == *right;
}

}  // namespace

extern "C" AGENT_EXPORT Dword HOLDFAST_STDCALL Startup(const WideChar* type, Dword minimum, Dword maximum,
                                                       SetResourceStatusRoutine status, LogEventRoutine logger,
                                                       FunctionTable** out) {
    if (minimum > versionV1 || maximum < versionV1) return code::revisionMismatch;
    if (!same(type, AGENT_TEXT("Scripted"))) return code::resourceTypeNameNotFound;
    setStatus = status;
    logEvent = logger;
    *out = &table;
    return code::success;
}
