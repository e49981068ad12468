// SPDX-License-Identifier: BSL-1.0

/// The entry points behind the function tables V1 to V4. Each guards itself: nothing leaves but a code (W-105).

#include "control_call.hpp"
#include "served_types.hpp"
#include "type_controls.hpp"

#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/abi/error_table.hpp>
#include <holdfast/abi/wide.hpp>
#include <holdfast/exec/entry_points.hpp>

#include <array>
#include <chrono>
#include <exception>
#include <future>
#include <string>
#include <utility>

namespace holdfast::inline v1::adapters {
namespace {

using abi::Bool;
using abi::Dword;
using abi::Handle;
using abi::ResourceId;
using abi::WideChar;

/** Turns whatever a call throws into its failure value (W-105). */
template <typename Result, typename Call>
Result guardedEntry(Result failure, Call&& call) noexcept {
    try {
        return call();
    } catch (const std::exception&) {
        return failure;
    }
}

/**
 * W-109: ResourceKey is the engine's again when Open returns, so what is needed of it is opened now, if it answers in time.
 * W-110: the resource is open by now, so nothing that fails here may make Open fail; the next Online asks again.
 */
void keepParameters(abi::ResourceId id, const std::shared_ptr<WsfcLink>& link) noexcept {
    const auto instance = exec::findInstance(id);
    if (!instance) return;
    try {
        auto kept = std::make_shared<std::promise<void>>();
        std::future<void> done = kept->get_future();
        instance->runtime().control().submit([link, kept, instance] {
            if (!instance->closed()) link->keepParameters();  // after Close the key is the engine's alone
            kept->set_value();
        });
        done.wait_for(std::chrono::milliseconds{200});
    } catch (const std::exception&) {  // out of memory
    }
}

abi::ResourceId open(const ServedType& served, const abi::WideChar* name, abi::KeyHandle key,
                     abi::ResourceHandle handle, abi::Dword flags) noexcept {
    abi::Dword error = abi::code::notEnoughMemory;
    const Callbacks& callbacks = served.callbacks;
    exec::FlightCall call{0, exec::FlightSubject::open};
    try {
        if (name == nullptr) throw Error{ErrorCode::configuration, "Open was called without a resource name"};
        const auto link = makeWsfcLink(callbacks, handle, key, served.type);
        const bool recovering = (flags & abi::open_flag::recoverMonitorState) != 0;  // W-115
        const abi::ResourceId id =
            exec::openInstance({abi::toUtf8(name), served.type, link, served.type->syncGrace(), recovering});
        if (const auto instance = exec::findInstance(id)) call.belongsTo(instance->flight());
        if (key != nullptr) keepParameters(id, link);
        return id;
    } catch (const Error& failure) {
        error = abi::win32Of(failure.code());
        logLine(callbacks.logEvent, handle, LogLevel::error, detail::textOf(failure));
    } catch (const std::exception& failure) {
        logLine(callbacks.logEvent, handle, LogLevel::error, detail::textOf(failure));
    }
    call.answers(error);
    abi::ClusterRegistry::ofHost().setLastError(error);  // W-110
    return nullptr;
}

template <std::size_t Index>
ResourceId HOLDFAST_STDCALL openAt(const WideChar* name, abi::KeyHandle key, abi::ResourceHandle handle) {
    return open(servedType(Index), name, key, handle, 0);
}

template <std::size_t Index>
ResourceId HOLDFAST_STDCALL openV2At(const WideChar* name, abi::KeyHandle key, abi::ResourceHandle handle,
                                     Dword flags) {
    return open(servedType(Index), name, key, handle, flags);
}

WsfcLink& linkOf(exec::Instance& instance) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-static-cast-downcast): who opened it gave it this link
    return static_cast<WsfcLink&>(instance.link());
}

PendingControls& pendingControls(exec::Instance& instance) { return linkOf(instance).pendingControls(); }

void HOLDFAST_STDCALL closeEntry(ResourceId id) {
    if (const auto instance = exec::findInstance(id)) endPendingControls(*instance, pendingControls(*instance));
    static_cast<void>(exec::closeInstance(id));
}

Dword online(ResourceId id, Handle* eventHandle, bool recovering) noexcept {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        const auto instance = exec::findInstance(id);
        if (!instance) return abi::code::resourceNotFound;
        const Dword code = exec::codeOf(instance->online(recovering));
        const bool accepted = code == abi::code::success || code == abi::code::ioPending;
        if (accepted && eventHandle != nullptr) *eventHandle = instance->eventHandle();
        return code;
    });
}

Dword HOLDFAST_STDCALL onlineEntry(ResourceId id, Handle* eventHandle) { return online(id, eventHandle, false); }

Dword HOLDFAST_STDCALL onlineV2Entry(ResourceId id, Handle* eventHandle, Dword flags, abi::Byte* /*in*/,
                                     Dword /*inSize*/, Dword /*reserved*/) {
    return online(id, eventHandle, (flags & abi::online_flag::recoverMonitorState) != 0);
}

Dword offline(ResourceId id, const WideChar* destinationNode) noexcept {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        const auto instance = exec::findInstance(id);
        if (!instance) return abi::code::resourceNotFound;
        return exec::codeOf(
            instance->offline(destinationNode == nullptr ? std::string{} : abi::toUtf8(destinationNode)));
    });
}

Dword HOLDFAST_STDCALL offlineEntry(ResourceId id) { return offline(id, nullptr); }

Dword HOLDFAST_STDCALL offlineV2Entry(ResourceId id, const WideChar* destinationNode, Dword /*flags*/,
                                      abi::Byte* /*in*/, Dword /*inSize*/, Dword /*reserved*/) {
    return offline(id, destinationNode);
}

void HOLDFAST_STDCALL terminateEntry(ResourceId id) {
    static_cast<void>(guardedEntry(0, [&] {
        if (const auto instance = exec::findInstance(id)) static_cast<void>(instance->terminate());
        return 0;
    }));
}

Dword HOLDFAST_STDCALL cancelEntry(ResourceId id, Dword /*reservedFlags*/) {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        const auto instance = exec::findInstance(id);
        return instance ? exec::codeOf(instance->cancel()) : abi::code::resourceNotFound;
    });
}

Bool HOLDFAST_STDCALL looksAliveEntry(ResourceId id) {
    return exec::isHealthy(id, exec::FlightSubject::looksAlive) ? 1 : 0;
}

Bool HOLDFAST_STDCALL isAliveEntry(ResourceId id) { return exec::isHealthy(id, exec::FlightSubject::isAlive) ? 1 : 0; }

Dword HOLDFAST_STDCALL controlEntry(ResourceId id, Dword code, void* in, Dword inSize, void* out, Dword outSize,
                                    Dword* bytesReturned) {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        const auto instance = exec::findInstance(id);
        if (!instance) return abi::code::resourceNotFound;
        exec::FlightCall call{instance->flight(), exec::FlightSubject::resourceControl, code};
        const Dword answer = controlResource(instance, {code, in, inSize, out, outSize, bytesReturned});
        call.answers(answer);
        return answer;
    });
}

Dword HOLDFAST_STDCALL beginControlEntry(ResourceId id, Dword code, void* in, Dword inSize, void* out, Dword outSize,
                                         Dword* bytesReturned, std::int64_t context, Bool* asynchronously) {
    if (asynchronously != nullptr) *asynchronously = 0;
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        const auto instance = exec::findInstance(id);
        if (!instance) return abi::code::resourceNotFound;
        const auto end = linkOf(*instance).endControlCall();
        exec::FlightCall call{instance->flight(), exec::FlightSubject::resourceControl, code};
        const Dword answer = beginControlResource(instance, {code, in, inSize, out, outSize, bytesReturned},
                                                  {end, context, asynchronously, &pendingControls(*instance)});
        call.answers(answer);
        return answer;
    });
}

/**
 * Not impersonated: the answer is the same for every user, because the cluster checked his access before it called, and the
 * author's code runs on our own threads, which have the process's identity whatever the engine's thread carries.
 */
Dword HOLDFAST_STDCALL beginControlAsUserEntry(ResourceId id, Handle /*token*/, Dword code, void* in, Dword inSize,
                                               void* out, Dword outSize, Dword* bytesReturned, std::int64_t context,
                                               Bool* asynchronously) {
    return beginControlEntry(id, code, in, inSize, out, outSize, bytesReturned, context, asynchronously);
}

Dword HOLDFAST_STDCALL typeControlEntry(const WideChar* typeName, Dword code, void* in, Dword inSize, void* out,
                                        Dword outSize, Dword* bytesReturned) {
    return guardedEntry(abi::code::notEnoughMemory, [&] {
        if (bytesReturned != nullptr) *bytesReturned = 0;
        if (typeName == nullptr) return abi::code::invalidParameter;
        const auto served = servedTypeNamed(typeName);
        if (!served.type) return abi::code::resourceTypeNameNotFound;
        exec::FlightCall call{0, exec::FlightSubject::resourceTypeControl, code};
        const Dword answer =
            controlType(served.type, served.callbacks.logEvent, {code, in, inSize, out, outSize, bytesReturned});
        call.answers(answer);
        return answer;
    });
}

/** Answered directly: W-151 leaves that to us, and what is not there in time is ERROR_TIMEOUT as in V1 and V2. */
Dword HOLDFAST_STDCALL beginTypeControlEntry(const WideChar* typeName, Dword code, void* in, Dword inSize, void* out,
                                             Dword outSize, Dword* bytesReturned, std::int64_t /*context*/,
                                             Bool* asynchronously) {
    if (asynchronously != nullptr) *asynchronously = 0;
    return typeControlEntry(typeName, code, in, inSize, out, outSize, bytesReturned);
}

Dword HOLDFAST_STDCALL beginTypeControlAsUserEntry(const WideChar* typeName, Handle /*token*/, Dword code, void* in,
                                                   Dword inSize, void* out, Dword outSize, Dword* bytesReturned,
                                                   std::int64_t context, Bool* asynchronously) {
    return beginTypeControlEntry(typeName, code, in, inSize, out, outSize, bytesReturned, context, asynchronously);
}

template <std::size_t... Index>
constexpr auto openEntries(std::index_sequence<Index...>) {
    return std::array{&openAt<Index>...};
}

template <std::size_t... Index>
constexpr auto openV2Entries(std::index_sequence<Index...>) {
    return std::array{&openV2At<Index>...};
}

/** What every version has, by name: the blocks differ in their order only where they differ in a signature (W-023). */
template <typename Functions>
void fillCommon(Functions& block) {
    block.close = &closeEntry;
    block.terminate = &terminateEntry;
    block.looksAlive = &looksAliveEntry;
    block.isAlive = &isAliveEntry;
    block.arbitrate = nullptr;  // W-138: no quorum
    block.release = nullptr;
}

template <typename Functions>
void fillSinceV2(Functions& block, abi::OpenV2Routine opens) {
    fillCommon(block);
    block.open = opens;
    block.online = &onlineV2Entry;
    block.offline = &offlineV2Entry;
    block.cancel = &cancelEntry;
}

}  // namespace

abi::FunctionTable makeTable(std::size_t index, abi::Dword version) {
    static constexpr auto opens = openEntries(std::make_index_sequence<mostTypes>{});
    static constexpr auto opensV2 = openV2Entries(std::make_index_sequence<mostTypes>{});
    abi::FunctionTable table{};
    table.tableSize = static_cast<Dword>(abi::functionBlockSize(version));  // W-021: the block, not the whole
    table.version = version;
    switch (version) {
        case abi::versionV1: {
            abi::FunctionsV1 block{};
            fillCommon(block);
            block.open = opens[index];
            block.online = &onlineEntry;
            block.offline = &offlineEntry;
            block.resourceControl = &controlEntry;
            block.resourceTypeControl = &typeControlEntry;
            table.v1 = block;
            break;
        }
        case abi::versionV2: {
            abi::FunctionsV2 block{};
            fillSinceV2(block, opensV2[index]);
            block.resourceControl = &controlEntry;
            block.resourceTypeControl = &typeControlEntry;
            table.v2 = block;
            break;
        }
        case abi::versionV3: {
            abi::FunctionsV3 block{};
            fillSinceV2(block, opensV2[index]);
            block.beginResourceControl = &beginControlEntry;
            block.beginResourceTypeControl = &beginTypeControlEntry;
            table.v3 = block;
            break;
        }
        default: {
            abi::FunctionsV4 block{};
            fillSinceV2(block, opensV2[index]);
            block.beginResourceControl = &beginControlEntry;
            block.beginResourceTypeControl = &beginTypeControlEntry;
            block.beginResourceControlAsUser = &beginControlAsUserEntry;
            block.beginResourceTypeControlAsUser = &beginTypeControlAsUserEntry;
            table.v4 = block;
            break;
        }
    }
    return table;
}

}  // namespace holdfast::inline v1::adapters
