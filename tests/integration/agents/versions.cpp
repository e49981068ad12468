// SPDX-License-Identifier: BSL-1.0
// Agents of each version of the function table, written by hand; the type's name says what is special about it. Built
// three times: with both start-up routines, with Startup alone, and with StartupEx alone (W-012).
#include <holdfast/abi/callback_table.hpp>

#if defined(_WIN32)
#include <windows.h>
#else
#include <dlfcn.h>
#endif

#include <atomic>
#include <chrono>
#include <cstring>
#include <string>
#include <thread>

using namespace holdfast::abi;
using namespace std::chrono_literals;

#if defined(_WIN32)
#define EXPORTED extern "C" __declspec(dllexport)
#define TEXT_OF(text) L##text
#else
#define EXPORTED extern "C" __attribute__((visibility("default")))
#define TEXT_OF(text) u##text
#endif

namespace {

std::atomic<LogEventRoutine> logEvent{nullptr};
std::atomic<SignalFailureRoutine> signalFailure{nullptr};
std::atomic<EndControlCallRoutine> endControl{nullptr};
std::atomic<EndControlCallRoutine> endType{nullptr};
std::atomic<SetResourceStatusExRoutine> setStatusEx{nullptr};
std::atomic<const WideChar*> startedBy{nullptr};
std::atomic<unsigned> startUps{0};  // since the library was loaded (W-013)
std::atomic<bool> fails{false};
std::atomic<bool> failed{false};
std::atomic<bool> pends{false};

void say(ResourceHandle handle, const WideChar* text) { logEvent.load()(handle, 0, TEXT_OF("%1!ws!"), text); }

FunctionTable table{};

// An id is the handle it was opened with: a number, which nobody follows (W-106).
ResourceHandle handleOf(ResourceId id) { return reinterpret_cast<ResourceHandle>(id); }

ResourceId opened(ResourceHandle handle, const WideChar* how) {
    say(handle, startedBy.load());
    logEvent.load()(handle, 0, TEXT_OF("start-ups so far: %1!u!"), startUps.load());
    say(handle, how);
    return reinterpret_cast<ResourceId>(handle);
}
ResourceId HOLDFAST_STDCALL openIt(const WideChar*, KeyHandle, ResourceHandle handle) {
    return opened(handle, TEXT_OF("opened by Open"));
}
ResourceId HOLDFAST_STDCALL openV2(const WideChar*, KeyHandle, ResourceHandle handle, Dword flags) {
    return opened(handle, flags == 0 ? TEXT_OF("opened by OpenV2") : TEXT_OF("OpenV2 with odd flags"));
}
void HOLDFAST_STDCALL nothing(ResourceId) {}

/** A library whose threads nobody joins must never be unloaded: one may still be on its way out. */
void stayLoaded() {
#if defined(_WIN32)
    HMODULE module = nullptr;
    ::GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN,
                         reinterpret_cast<const wchar_t*>(&stayLoaded), &module);
#else
    Dl_info found{};
    if (::dladdr(reinterpret_cast<void*>(&stayLoaded), &found) != 0)
        ::dlopen(found.dli_fname, RTLD_NOW | RTLD_NODELETE);
#endif
}

Dword come(ResourceId id, const WideChar* how) {
    say(handleOf(id), how);
    failed = false;
    if (pends || fails) stayLoaded();
    if (pends) {
        std::thread{[id] {
            std::this_thread::sleep_for(20ms);
            ResourceStatusEx status{ResourceState::online, 1, nullptr, 0, 0, 0};
            setStatusEx.load()(handleOf(id), &status);
        }}.detach();
        return code::ioPending;
    }
    if (fails && signalFailure.load() != nullptr) {
        std::thread{[id] {
            std::this_thread::sleep_for(30ms);
            failed = true;
            signalFailure.load()(handleOf(id), FailureType::embedded, 0);  // somebody else's
            std::this_thread::sleep_for(20ms);
            signalFailure.load()(handleOf(id), FailureType::general, 5);
        }}.detach();
    }
    return code::success;
}
Dword HOLDFAST_STDCALL onlineIt(ResourceId id, Handle*) { return come(id, TEXT_OF("online by Online")); }
Dword HOLDFAST_STDCALL onlineV2(ResourceId id, Handle*, Dword flags, Byte* in, Dword size, Dword reserved) {
    const bool plain = flags == 0 && in == nullptr && size == 0 && reserved == 0;
    return come(id, plain ? TEXT_OF("online by OnlineV2") : TEXT_OF("OnlineV2 with odd arguments"));
}
Dword HOLDFAST_STDCALL offlineIt(ResourceId id) {
    say(handleOf(id), TEXT_OF("offline by Offline"));
    return 0;
}
Dword HOLDFAST_STDCALL offlineV2(ResourceId id, const WideChar* node, Dword flags, Byte* in, Dword size, Dword) {
    const bool plain = node == nullptr && flags == 0 && in == nullptr && size == 0;
    say(handleOf(id), plain ? TEXT_OF("offline by OfflineV2") : TEXT_OF("OfflineV2 with odd arguments"));
    return 0;
}
Bool HOLDFAST_STDCALL alive(ResourceId) { return 1; }

/** The format list of one SZ property, Script, and one DWORD, Port (P12). */
Dword formats(void* out, Dword outSize, Dword* returned) {
    static const unsigned char list[] = {2,   0, 0,   0, 3,  0, 4, 0, 14, 0, 0, 0, 'S', 0, 'c', 0, 'r', 0, 'i', 0,
                                         'p', 0, 't', 0, 0,  0, 0, 0, 11, 0, 1, 0, 2,   0, 0,   0, 3,   0, 0,   0,
                                         0,   0, 0,   0, 3,  0, 4, 0, 10, 0, 0, 0, 'P', 0, 'o', 0, 'r', 0, 't', 0,
                                         0,   0, 0,   0, 11, 0, 1, 0, 2,  0, 0, 0, 2,   0, 0,   0, 0,   0, 0,   0};
    *returned = sizeof list;
    if (out == nullptr || outSize < sizeof list) return code::moreData;
    std::memcpy(out, list, sizeof list);
    return code::success;
}

/** It refuses every list that sets something, and knows nothing else. */
Dword resourceAnswer(Dword codeNumber, bool refuses, Dword* returned) {
    *returned = 0;
    if (codeNumber != 0x0100'0089) return code::invalidFunction;
    return refuses ? code::invalidParameter : code::success;
}
bool setsSomething(const void* in, Dword inSize) {
    Dword count = 0;
    if (in != nullptr && inSize >= sizeof count) std::memcpy(&count, in, sizeof count);
    return count != 0;
}
Dword typeAnswer(Dword codeNumber, void* out, Dword outSize, Dword* returned) {
    *returned = 0;
    return codeNumber == 0x0200'0091 ? formats(out, outSize, returned) : code::invalidFunction;
}

Dword HOLDFAST_STDCALL controlIt(ResourceId, Dword codeNumber, void* in, Dword inSize, void*, Dword, Dword* returned) {
    return resourceAnswer(codeNumber, setsSomething(in, inSize), returned);
}
Dword HOLDFAST_STDCALL typeControlIt(const WideChar*, Dword codeNumber, void*, Dword, void* out, Dword outSize,
                                     Dword* returned) {
    return typeAnswer(codeNumber, out, outSize, returned);
}

/** Answers on another thread: before this call returns, or long after; and, against the rule, a second time. */
Dword HOLDFAST_STDCALL beginControl(ResourceId id, Dword codeNumber, void* in, Dword inSize, void*, Dword,
                                    Dword* returned, std::int64_t context, Bool* asynchronously) {
    *asynchronously = 1;
    const bool early = table.version == versionV4;
    const bool refuses = setsSomething(in, inSize);
    if (!early) stayLoaded();
    std::thread worker{[=] {
        if (!early) std::this_thread::sleep_for(120ms);
        const Dword answer = resourceAnswer(codeNumber, refuses, returned);
        endControl.load()(context, answer);
        if (endControl.load()(context, 0) != 0) say(handleOf(id), TEXT_OF("the second end is refused"));
    }};
    if (early) {
        worker.join();
    } else {
        worker.detach();
    }
    return code::success;
}
Dword HOLDFAST_STDCALL beginTypeControl(const WideChar*, Dword codeNumber, void*, Dword, void* out, Dword outSize,
                                        Dword* returned, std::int64_t context, Bool* asynchronously) {
    if (codeNumber != 0x0200'0091) {
        *asynchronously = 0;
        return typeAnswer(codeNumber, out, outSize, returned);
    }
    *asynchronously = 1;
    stayLoaded();
    std::thread{[=] {
        std::this_thread::sleep_for(30ms);
        const Dword answer = typeAnswer(codeNumber, out, outSize, returned);
        endType.load()(context, answer);
    }}.detach();
    return code::success;
}
Dword HOLDFAST_STDCALL cancelIt(ResourceId, Dword) { return 0; }

void fill(Dword version) {
    table.tableSize = static_cast<Dword>(functionBlockSize(version));
    table.version = version;
    if (version == versionV1) {
        table.v1 = {openIt, nothing, onlineIt, offlineIt, nothing,      alive,
                    alive,  nullptr, nullptr,  controlIt, typeControlIt};
    } else if (version == versionV2) {
        table.v2 = {openV2, nothing, onlineV2, offlineV2, nothing,       alive,
                    alive,  nullptr, nullptr,  controlIt, typeControlIt, cancelIt};
    } else if (version == versionV3) {
        table.v3 = {openV2, nothing, onlineV2, offlineV2,    nothing,          alive,
                    alive,  nullptr, nullptr,  beginControl, beginTypeControl, cancelIt};
    } else {
        table.v4 = {openV2,  nothing, onlineV2,     offlineV2,        nothing,  alive,   alive,
                    nullptr, nullptr, beginControl, beginTypeControl, cancelIt, nullptr, nullptr};
    }
}

bool named(const WideChar* type, const char* name) {
    while (*type != 0 && static_cast<char>(*type) == *name) ++type, ++name;
    return *type == 0 && *name == 0;
}

Dword give(const WideChar* type, FunctionTable** out) {
    ++startUps;
    fails = named(type, "Fails");
    pends = named(type, "Pends");
    fill(named(type, "V1") ? versionV1 : named(type, "V3") ? versionV3 : named(type, "V4") ? versionV4 : versionV2);
    if (named(type, "Beyond")) table.version = 0x500;
    if (named(type, "Between")) table.version = 0x350;
    if (named(type, "Nothing")) table.version = 0;
    if (named(type, "Header counted")) table.tableSize += 8;
    if (named(type, "Whole counted")) table.tableSize = sizeof table;
    if (named(type, "Wrong size")) table.tableSize -= 8;
    if (named(type, "No Offline")) table.v2.offline = nullptr;
    if (named(type, "No Terminate")) table.v2.terminate = nullptr;
    if (named(type, "Bare")) {
        table.v2.resourceControl = nullptr;
        table.v2.resourceTypeControl = nullptr;
        table.v2.cancel = nullptr;
    }
    *out = &table;
    return code::success;
}

}  // namespace

#if !defined(ONLY_STARTUP_EX)
EXPORTED Dword HOLDFAST_STDCALL Startup(const WideChar* type, Dword, Dword, SetResourceStatusRoutine,
                                        LogEventRoutine logger, FunctionTable** out) {
    logEvent = logger;
    startedBy = TEXT_OF("started by Startup");
    return give(named(type, "V2") ? TEXT_OF("V1") : type, out);
}
#endif
#if !defined(ONLY_STARTUP)
EXPORTED Dword HOLDFAST_STDCALL StartupEx(const WideChar* type, Dword minimum, Dword maximum,
                                          const CallbackTable* callbacks, FunctionTable** out) {
    if (minimum != versionV1 || maximum != versionV4) return code::invalidParameter;
    void* entries[17];
    std::memcpy(entries, callbacks, sizeof entries);
    for (const void* entry : entries) {
        if (entry == nullptr) return code::invalidData;  // each of them can be called
    }
    if (callbacks->requestDump(nullptr, 0, 0) == 0) return code::invalidData;
    logEvent = callbacks->logEvent;
    setStatusEx = callbacks->setResourceStatusEx;
    signalFailure = callbacks->signalFailure;
    endControl = callbacks->endControlCall;
    endType = callbacks->endTypeControlCall;
    startedBy = TEXT_OF("started by StartupEx");
    return give(type, out);
}
#endif
