// SPDX-License-Identifier: BSL-1.0

#include <holdfast/adapters/wsfc.hpp>

#include "control_call.hpp"
#include "exec/immortal.hpp"
#include "type_controls.hpp"
#include "wsfc_link.hpp"

#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/exec/entry_points.hpp>

#include <array>
#include <chrono>
#include <future>
#include <mutex>
#include <utility>

namespace holdfast::inline v1::adapters {
namespace {

/** One type this library serves: written once under the mutex before its table is handed out, then only read. */
struct Served {
    const AgentTypes* types{nullptr};  // the library's own list, which lives as long as its code
    std::size_t position{0};           // of the type in it
    Callbacks callbacks;
    abi::FunctionTable table{};

    [[nodiscard]] const std::shared_ptr<const AgentType>& type() const { return (*types)[position]; }
};

struct Registry {
    std::mutex mutex;  // guards count and the entries beyond it
    std::array<Served, mostTypes> served;
    std::size_t count{0};
};

/** Lives as long as the library: the engine keeps our tables (W-027). */
Registry& registry() { return exec::immortal<Registry>(); }

/** Turns whatever a call throws into its failure value (W-105). */
template <typename Result, typename Call>
Result guardedEntry(Result failure, Call&& call) noexcept {
    try {
        return call();
    } catch (const std::exception&) {
        return failure;
    }
}

abi::Dword toCode(const exec::Instance::Result& result) noexcept {
    if (!result) return abi::code::timeout;  // D2: taken back, nothing was started
    switch (*result) {
        case core::Answer::done: return abi::code::success;
        case core::Answer::pending: return abi::code::ioPending;
        case core::Answer::invalidState: return abi::code::invalidState;
        case core::Answer::failed: return abi::code::resourceFailed;
        case core::Answer::closed: return abi::code::resourceNotFound;
    }
    return abi::code::resourceFailed;
}

/** W-109: ResourceKey is the engine's again when Open returns, so what is needed of it is opened now, if it answers in time. */
void keepParameters(abi::ResourceId id, const std::shared_ptr<WsfcLink>& link) {
    const auto instance = exec::findInstance(id);
    if (!instance) return;
    auto kept = std::make_shared<std::promise<void>>();
    std::future<void> done = kept->get_future();
    instance->runtime().control().submit([link, kept] {
        link->keepParameters();
        kept->set_value();
    });
    done.wait_for(std::chrono::milliseconds{200});
}

abi::ResourceId open(const std::shared_ptr<const AgentType>& type, Callbacks callbacks, const abi::WideChar* name,
                     abi::KeyHandle key, abi::ResourceHandle handle) noexcept {
    abi::Dword error = abi::code::notEnoughMemory;
    try {
        const auto link = makeWsfcLink(callbacks, handle, key, type);
        const abi::ResourceId id = exec::openInstance({abi::toUtf8(name), type, link, type->syncGrace()});
        if (key != nullptr) keepParameters(id, link);
        return id;
    } catch (const Error& failure) {
        error = abi::win32Of(failure.code());
        logLine(callbacks.logEvent, handle, LogLevel::error, detail::textOf(failure));
    } catch (const std::exception& failure) {
        logLine(callbacks.logEvent, handle, LogLevel::error, detail::textOf(failure));
    }
    abi::ClusterRegistry::ofHost().setLastError(error);  // W-110
    return nullptr;
}

template <std::size_t Index>
abi::ResourceId HOLDFAST_STDCALL openAt(const abi::WideChar* name, abi::KeyHandle key, abi::ResourceHandle handle) {
    Registry& all = registry();
    std::unique_lock lock{all.mutex};
    const std::shared_ptr<const AgentType> type = all.served[Index].type();
    const Callbacks callbacks = all.served[Index].callbacks;
    lock.unlock();
    return open(type, callbacks, name, key, handle);
}

void HOLDFAST_STDCALL closeEntry(abi::ResourceId id) { static_cast<void>(exec::closeInstance(id)); }

abi::Dword HOLDFAST_STDCALL onlineEntry(abi::ResourceId id, abi::Handle* eventHandle) {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        const auto instance = exec::findInstance(id);
        if (!instance) return abi::code::resourceNotFound;
        const abi::Dword code = toCode(instance->online());
        const bool accepted = code == abi::code::success || code == abi::code::ioPending;
        if (accepted && eventHandle != nullptr) *eventHandle = instance->eventHandle();
        return code;
    });
}

abi::Dword HOLDFAST_STDCALL offlineEntry(abi::ResourceId id) {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        const auto instance = exec::findInstance(id);
        return instance ? toCode(instance->offline()) : abi::code::resourceNotFound;
    });
}

void HOLDFAST_STDCALL terminateEntry(abi::ResourceId id) {
    static_cast<void>(guardedEntry(0, [&] {
        if (const auto instance = exec::findInstance(id)) static_cast<void>(instance->terminate());
        return 0;
    }));
}

abi::Bool HOLDFAST_STDCALL aliveEntry(abi::ResourceId id) { return exec::isHealthy(id) ? 1 : 0; }

abi::Dword HOLDFAST_STDCALL controlEntry(abi::ResourceId id, abi::Dword code, void* in, abi::Dword inSize, void* out,
                                         abi::Dword outSize, abi::Dword* bytesReturned) {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        const auto instance = exec::findInstance(id);
        if (!instance) return abi::code::resourceNotFound;
        return controlResource(instance, {code, in, inSize, out, outSize, bytesReturned});
    });
}

abi::Dword HOLDFAST_STDCALL typeControlEntry(const abi::WideChar* typeName, abi::Dword code, void* in,
                                             abi::Dword inSize, void* out, abi::Dword outSize,
                                             abi::Dword* bytesReturned) {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        if (bytesReturned != nullptr) *bytesReturned = 0;
        if (typeName == nullptr) return abi::code::invalidParameter;
        std::shared_ptr<const AgentType> type;
        abi::LogEventRoutine logEvent = nullptr;
        {
            Registry& all = registry();
            const std::lock_guard lock{all.mutex};
            for (std::size_t i = 0; i < all.count; ++i) {
                if (!abi::equalsIgnoringCase(abi::toWide(all.served[i].type()->name()), typeName)) continue;
                type = all.served[i].type();
                logEvent = all.served[i].callbacks.logEvent;
            }
        }
        if (!type) return abi::code::resourceTypeNameNotFound;
        return controlType(type, logEvent, {code, in, inSize, out, outSize, bytesReturned});
    });
}

template <std::size_t... Index>
constexpr auto openEntries(std::index_sequence<Index...>) {
    return std::array{&openAt<Index>...};
}

abi::FunctionTable makeTable(std::size_t index) {
    static constexpr auto opens = openEntries(std::make_index_sequence<mostTypes>{});
    abi::FunctionTable table{};
    table.tableSize = sizeof(abi::FunctionsV1);  // W-021: the block, not the whole
    table.version = abi::versionV1;
    table.v1.open = opens[index];
    table.v1.close = &closeEntry;
    table.v1.online = &onlineEntry;
    table.v1.offline = &offlineEntry;
    table.v1.terminate = &terminateEntry;
    table.v1.looksAlive = &aliveEntry;
    table.v1.isAlive = &aliveEntry;
    table.v1.arbitrate = nullptr;  // W-138: no quorum
    table.v1.release = nullptr;
    table.v1.resourceControl = &controlEntry;
    table.v1.resourceTypeControl = &typeControlEntry;
    return table;
}

abi::Dword serve(const AgentTypes& types, std::size_t position, Callbacks callbacks, abi::FunctionTable** table) {
    Registry& all = registry();
    const std::lock_guard lock{all.mutex};
    std::size_t index = 0;
    while (index < all.count && (all.served[index].types != &types || all.served[index].position != position)) ++index;
    if (index == all.count) {
        if (all.count == mostTypes) {
            logLine(callbacks.logEvent, nullptr, LogLevel::error, "more than 32 resource types in one library");
            return abi::code::invalidData;
        }
        all.served[index] = {&types, position, callbacks, makeTable(index)};
        ++all.count;
    } else {
        all.served[index].callbacks = callbacks;  // W-013: a later first instance starts the type again
    }
    *table = &all.served[index].table;
    return abi::code::success;
}

}  // namespace

abi::Dword startup(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                   abi::Dword maxVersion, abi::SetResourceStatusRoutine setStatus, abi::LogEventRoutine logEvent,
                   abi::FunctionTable** table) noexcept {
    if (table == nullptr) return abi::code::invalidParameter;
    *table = nullptr;
    if (resourceType == nullptr || setStatus == nullptr || logEvent == nullptr) return abi::code::invalidParameter;
    try {
        const AgentTypes& all = types();
        for (std::size_t position = 0; position < all.size(); ++position) {
            if (!abi::equalsIgnoringCase(abi::toWide(all[position]->name()), resourceType)) continue;  // W-014
            if (minVersion > abi::versionV1 || maxVersion < abi::versionV1)
                return abi::code::revisionMismatch;  // W-015
            return serve(all, position, {setStatus, logEvent}, table);
        }
        return abi::code::resourceTypeNameNotFound;
    } catch (const std::exception& mistake) {
        logLine(logEvent, nullptr, LogLevel::error, detail::textOf(mistake));
        return abi::code::invalidData;
    } catch (...) {
        // W-105: nothing may leave, and an author's default member initialiser may throw anything.
        logLine(logEvent, nullptr, LogLevel::error, "the library's resource types threw what is no std::exception");
        return abi::code::invalidData;
    }
}

}  // namespace holdfast::inline v1::adapters
