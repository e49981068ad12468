// SPDX-License-Identifier: BSL-1.0

#include <holdfast/adapters/library_description.hpp>

#include <holdfast/abi/cluster_registry.hpp>
#include <holdfast/abi/property_list.hpp>
#include <holdfast/abi/wide.hpp>

#include <atomic>
#include <exception>
#include <new>

namespace holdfast::inline v1::adapters {
namespace {

/** The library's own list, which lives as long as its code. Written by Startup, read by type control. */
std::atomic<const AgentTypes*>& described() noexcept {
    static std::atomic<const AgentTypes*> types{nullptr};
    return types;
}

abi::ResourceId HOLDFAST_STDCALL refuseOpen(const abi::WideChar*, abi::KeyHandle, abi::ResourceHandle) {
    // W-110: this is no type that a resource can have.
    abi::ClusterRegistry::ofHost().setLastError(abi::code::resourceTypeNameNotFound);
    return nullptr;
}
void HOLDFAST_STDCALL noClose(abi::ResourceId) {}
abi::Dword HOLDFAST_STDCALL noOnline(abi::ResourceId, abi::Handle*) { return abi::code::resourceNotFound; }
abi::Dword HOLDFAST_STDCALL noOffline(abi::ResourceId) { return abi::code::resourceNotFound; }
void HOLDFAST_STDCALL noTerminate(abi::ResourceId) {}
abi::Bool HOLDFAST_STDCALL notAlive(abi::ResourceId) { return 0; }

abi::Dword HOLDFAST_STDCALL describe(const abi::WideChar* /*typeName*/, abi::Dword controlCode, void* /*in*/,
                                     abi::Dword /*inSize*/, void* out, abi::Dword outSize, abi::Dword* bytesReturned) {
    if (bytesReturned != nullptr) *bytesReturned = 0;  // W-141
    if (controlCode != abi::control::typeGetDescription) return abi::code::invalidFunction;
    const AgentTypes* const types = described().load(std::memory_order_acquire);
    if (types == nullptr) return abi::code::invalidState;
    try {
        const std::string text = describeTypes(*types);
        const auto* const bytes = reinterpret_cast<const abi::Byte*>(text.data());
        return abi::copyAnswer({bytes, text.size()}, out, outSize, bytesReturned);
    } catch (const std::exception&) {  // W-105
        return abi::code::notEnoughMemory;
    }
}

abi::FunctionTable makeTable() noexcept {
    abi::FunctionTable table{};
    table.tableSize = sizeof(abi::FunctionsV1);  // W-021
    table.version = abi::versionV1;
    table.v1.open = &refuseOpen;
    table.v1.close = &noClose;
    table.v1.online = &noOnline;
    table.v1.offline = &noOffline;
    table.v1.terminate = &noTerminate;
    table.v1.looksAlive = &notAlive;
    table.v1.isAlive = &notAlive;
    table.v1.resourceTypeControl = &describe;
    return table;
}

}  // namespace

bool isLibraryTypeName(const abi::WideChar* resourceType) noexcept {
    return abi::WideView{resourceType} == abi::WideView{libraryTypeName};
}

abi::Dword describeLibrary(const AgentTypes& types, abi::Dword minVersion, abi::Dword maxVersion,
                           abi::FunctionTable** table) noexcept {
    if (minVersion > abi::versionV1 || maxVersion < abi::versionV1) return abi::code::revisionMismatch;  // W-015
    static abi::FunctionTable answers = makeTable();  // the engine keeps it (W-027)
    described().store(&types, std::memory_order_release);
    *table = &answers;
    return abi::code::success;
}

}  // namespace holdfast::inline v1::adapters
