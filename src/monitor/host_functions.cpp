// SPDX-License-Identifier: BSL-1.0
#include "memory_tree.hpp"
#include "monitor/call_board.hpp"
#include "monitor/flight_memory.hpp"
#include "monitor/handle_table.hpp"
#include "monitor/system_functions.hpp"

#include <holdfast/abi/wide.hpp>

#include <atomic>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::inline v1::monitor {
namespace {

using abi::Byte;
using abi::Dword;
using abi::KeyHandle;
using abi::WideChar;
namespace code = abi::code;

constexpr Dword invalidHandle = 6;
constexpr Dword keyDeleted = 1018;

thread_local Dword lastError = 0;

/** Runs `function(open)` under the tree's lock, after the hook; nothing crosses the C boundary. */
template <typename Function>
Dword withKey(KeyHandle key, std::string_view name, Function&& function) noexcept {
    try {
        const auto open = HostAccess::find(key);
        if (!open.node) return invalidHandle;
        std::function<Dword(std::string_view)> hook;
        {
            const std::lock_guard lock{open.tree->mutex};
            hook = open.tree->hook;
        }
        // Outside the lock: a hook may block, to play a slow or hanging cluster database.
        if (hook) {
            if (const Dword answer = hook(name); answer != code::success) return answer;
        }
        const std::lock_guard lock{open.tree->mutex};
        if (open.node->erased) return keyDeleted;
        return function(open);
    } catch (const std::bad_alloc&) {
        return code::notEnoughMemory;
    } catch (const std::exception&) {
        return code::noSystemResources;
    }
}

/** Copies out what fits; 234 if it does not, with the size in either case. */
Dword give(const abi::RegistryValue& value, Dword* type, Byte* data, Dword* size) {
    const auto needed = static_cast<Dword>(value.data.size());
    if (type) *type = static_cast<Dword>(value.type);
    if (!size) return data ? code::invalidParameter : code::success;
    const Dword room = *size;
    *size = needed;
    if (!data) return code::success;
    if (room < needed) return code::moreData;
    if (needed != 0) std::memcpy(data, value.data.data(), needed);
    return code::success;
}

/** The system's functions for a key that is the system's own, as resources on Windows have them; null for one of ours. */
const abi::HostFunctions* systemOf(KeyHandle key) noexcept {
    const auto* const system = systemFunctions();
    return system == nullptr || HostAccess::knows(key) ? nullptr : system;
}

void HOLDFAST_STDCALL setLastError(Dword value) {
    if (const auto* const system = systemFunctions()) return system->setLastError(value);
    lastError = value;
}
Dword HOLDFAST_STDCALL getLastError() {
    const auto* const system = systemFunctions();
    return system != nullptr ? system->getLastError() : lastError;
}

std::int32_t HOLDFAST_STDCALL openKey(KeyHandle parent, const WideChar* subkey, Dword access, KeyHandle* out) {
    if (!out) return static_cast<std::int32_t>(code::invalidParameter);
    *out = nullptr;
    if (const auto* const system = systemOf(parent)) return system->clusterRegOpenKey(parent, subkey, access, out);
    return static_cast<std::int32_t>(withKey(parent, "ClusterRegOpenKey", [&](const HostAccess::Open& open) {
        auto node = RegistryNode::descend(open.node, abi::toUtf8(subkey), false);
        if (!node) return code::fileNotFound;
        *out = HostAccess::add({open.tree, std::move(node)});
        return code::success;
    }));
}

std::int32_t HOLDFAST_STDCALL closeKey(KeyHandle key) {
    if (const auto* const system = systemOf(key)) return system->clusterRegCloseKey(key);
    return static_cast<std::int32_t>(HostAccess::close(key) ? code::success : invalidHandle);
}

Dword HOLDFAST_STDCALL queryValue(KeyHandle key, const WideChar* name, Dword* type, Byte* data, Dword* size) {
    if (const auto* const system = systemOf(key)) return system->clusterRegQueryValue(key, name, type, data, size);
    return withKey(key, "ClusterRegQueryValue", [&](const HostAccess::Open& open) {
        const auto* found = open.node->value(abi::toUtf8(name));
        return found ? give(found->value, type, data, size) : code::fileNotFound;
    });
}

Dword HOLDFAST_STDCALL setValue(KeyHandle key, const WideChar* name, Dword type, const Byte* data, Dword size) {
    if (const auto* const system = systemOf(key)) return system->clusterRegSetValue(key, name, type, data, size);
    return withKey(key, "ClusterRegSetValue", [&](const HostAccess::Open& open) {
        if (!data && size != 0) return code::invalidParameter;
        abi::RegistryValue value{static_cast<abi::RegistryType>(type), {}};
        if (size != 0) value.data.assign(data, data + size);
        open.node->set(abi::toUtf8(name), std::move(value));
        return code::success;
    });
}

Dword HOLDFAST_STDCALL enumValue(KeyHandle key, Dword index, WideChar* name, Dword* nameSize, Dword* type, Byte* data,
                                 Dword* size) {
    if (const auto* const system = systemOf(key))
        return system->clusterRegEnumValue(key, index, name, nameSize, type, data, size);
    return withKey(key, "ClusterRegEnumValue", [&](const HostAccess::Open& open) {
        if (!name || !nameSize) return code::invalidParameter;
        if (index >= open.node->values.size()) return code::noMoreItems;
        const auto& entry = open.node->values[index];
        const auto wide = abi::toWide(entry.name);
        const Dword room = *nameSize;
        *nameSize = static_cast<Dword>(wide.size());
        const bool nameFits = room > wide.size();
        const auto answer = give(entry.value, type, data, size);
        if (!nameFits) return code::moreData;
        std::memcpy(name, wide.c_str(), (wide.size() + 1) * sizeof(WideChar));
        return answer;
    });
}

std::int32_t HOLDFAST_STDCALL createKey(KeyHandle parent, const WideChar* subkey, Dword options, Dword access,
                                        void* security, KeyHandle* out, Dword* disposition) {
    if (!out) return static_cast<std::int32_t>(code::invalidParameter);
    *out = nullptr;
    if (const auto* const system = systemOf(parent))
        return system->clusterRegCreateKey(parent, subkey, options, access, security, out, disposition);
    return static_cast<std::int32_t>(withKey(parent, "ClusterRegCreateKey", [&](const HostAccess::Open& open) {
        const auto path = abi::toUtf8(subkey);
        constexpr Dword madeNew = 1;
        constexpr Dword existed = 2;
        if (disposition) *disposition = RegistryNode::descend(open.node, path, false) ? existed : madeNew;
        *out = HostAccess::add({open.tree, RegistryNode::descend(open.node, path, true)});
        return code::success;
    }));
}

Dword HOLDFAST_STDCALL deleteValue(KeyHandle key, const WideChar* name) {
    if (const auto* const system = systemOf(key)) return system->clusterRegDeleteValue(key, name);
    return withKey(key, "ClusterRegDeleteValue", [&](const HostAccess::Open& open) {
        return open.node->remove(abi::toUtf8(name)) ? code::success : code::fileNotFound;
    });
}

/** What a batch collects until it is closed; its handle is its address, and one owner uses it on one thread at a time. */
struct Batch {
    struct Command {
        abi::BatchCommand what;
        std::string name;
        abi::RegistryValue value;
    };
    KeyHandle key;
    std::vector<Command> commands;
};

std::int32_t HOLDFAST_STDCALL createBatch(KeyHandle key, abi::BatchHandle* out) {
    if (!out) return static_cast<std::int32_t>(code::invalidParameter);
    *out = nullptr;
    if (systemOf(key) != nullptr) return static_cast<std::int32_t>(code::notSupported);  // its registry has none
    return static_cast<std::int32_t>(withKey(key, "ClusterRegCreateBatch", [&](const HostAccess::Open&) {
        *out = reinterpret_cast<abi::BatchHandle>(new Batch{key, {}});
        return code::success;
    }));
}

std::int32_t HOLDFAST_STDCALL batchAddCommand(abi::BatchHandle handle, abi::BatchCommand what, const WideChar* name,
                                              Dword options, const void* data, Dword size) {
    if (!handle || !name || (!data && size != 0)) return static_cast<std::int32_t>(code::invalidParameter);
    auto& batch = *reinterpret_cast<Batch*>(handle);
    return static_cast<std::int32_t>(
        withKey(batch.key, "ClusterRegBatchAddCommand", [&](const HostAccess::Open&) -> Dword {
            if (what != abi::BatchCommand::setValue && what != abi::BatchCommand::deleteValue)
                return code::invalidParameter;
            Batch::Command command{what, abi::toUtf8(name), {static_cast<abi::RegistryType>(options), {}}};
            const auto* bytes = static_cast<const Byte*>(data);
            if (size != 0) command.value.data.assign(bytes, bytes + size);
            batch.commands.push_back(std::move(command));
            return code::success;
        }));
}

std::int32_t HOLDFAST_STDCALL closeBatch(abi::BatchHandle handle, abi::Bool commit, std::int32_t* failedCommand) {
    if (!handle) return static_cast<std::int32_t>(invalidHandle);
    const std::unique_ptr<Batch> batch{reinterpret_cast<Batch*>(handle)};
    if (failedCommand) *failedCommand = -1;
    if (commit == 0) return 0;
    return static_cast<std::int32_t>(withKey(batch->key, "ClusterRegCloseBatch", [&](const HostAccess::Open& open) {
        auto before = open.node->values;  // what fails half-way has changed nothing
        try {
            for (auto& command : batch->commands) {
                if (command.what == abi::BatchCommand::setValue) {
                    open.node->set(command.name, std::move(command.value));
                } else {
                    open.node->remove(command.name);
                }
            }
        } catch (...) {
            std::swap(before, open.node->values);
            throw;
        }
        return code::success;
    }));
}

std::int32_t HOLDFAST_STDCALL openTypeKey(KeyHandle beside, const WideChar* typeName, KeyHandle* out) {
    if (!out || !typeName) return static_cast<std::int32_t>(code::invalidParameter);
    *out = nullptr;
    const auto answer = [&](const std::shared_ptr<HostAccess::Tree>& tree) {
        auto node = RegistryNode::descend(tree->root, "ResourceTypes\\" + abi::toUtf8(typeName), true);
        *out = HostAccess::add({tree, std::move(node)});
        return code::success;
    };
    // Types are where resources are: in the system's registry or in our tree.
    if (const auto* const system = beside == nullptr ? systemFunctions() : systemOf(beside)) {
        const std::int32_t status = system->openTypeKey(beside, typeName, out);
        if (beside != nullptr || status == static_cast<std::int32_t>(code::success)) return status;
    }
    if (beside) {
        return static_cast<std::int32_t>(
            withKey(beside, "OpenTypeKey", [&](const HostAccess::Open& open) { return answer(open.tree); }));
    }
    try {
        const auto tree = HostAccess::newest();
        if (!tree) return static_cast<std::int32_t>(code::fileNotFound);
        const std::lock_guard lock{tree->mutex};
        return static_cast<std::int32_t>(answer(tree));
    } catch (const std::exception&) {
        return static_cast<std::int32_t>(code::notEnoughMemory);
    }
}

void HOLDFAST_STDCALL enterCall(abi::ResourceHandle handle, const char* call) {
    const auto found = handles().find(reinterpret_cast<std::uintptr_t>(handle));
    // Noted in any case, so that enter and leave stay paired.
    CallNote::enter(found.target ? found.resource : CallBoard::nobody, call == nullptr ? "" : call);
}
void HOLDFAST_STDCALL leaveCall() { CallNote::leave(); }

Byte* HOLDFAST_STDCALL flightMemory(Dword* size) { return FlightRegions::claim(size); }

void HOLDFAST_STDCALL flightAlarm(abi::ResourceHandle handle, const char* reason) {
    const auto found = handles().find(reinterpret_cast<std::uintptr_t>(handle));
    if (!found.target) return;
    try {
        found.target->flightAlarm(found.resource, reason == nullptr ? "" : reason);
    } catch (const std::exception&) {  // out of memory: nobody hears of it, and the recorder goes on
    }
}

constexpr abi::HostFunctions functions{
    sizeof(abi::HostFunctions),
    1,
    &setLastError,
    &getLastError,
    &openKey,
    &closeKey,
    &queryValue,
    &setValue,
    &enumValue,
    &enterCall,
    &leaveCall,
    &createKey,
    &deleteValue,
    &createBatch,
    &batchAddCommand,
    &closeBatch,
    &openTypeKey,
    nullptr,  // the cluster API is not needed for what is here
    nullptr,
    nullptr,
    &flightMemory,
    &flightAlarm,
    nullptr,  // no faults but in a program that verifies
};

}  // namespace

namespace {

std::atomic<const abi::HostFunctions*> offered{&functions};

}  // namespace

const abi::HostFunctions& hostFunctions() noexcept { return *offered.load(std::memory_order_acquire); }

void offerFaults(abi::Dword(HOLDFAST_STDCALL* fault)(abi::ResourceHandle, const char* call)) noexcept {
    static abi::HostFunctions withFaults;  // never changed once it is offered
    withFaults = functions;
    withFaults.injectedFault = fault;
    offered.store(&withFaults, std::memory_order_release);
}

}  // namespace holdfast::inline v1::monitor

// In this file, so that whatever uses a MemoryRegistry links it out of the static library.
extern "C" const holdfast::abi::HostFunctions* HoldfastHost(holdfast::abi::Dword version) {
    return version == 1 ? &holdfast::monitor::hostFunctions() : nullptr;
}
