// SPDX-License-Identifier: BSL-1.0

#include <holdfast/adapters/wsfc.hpp>

#include "abi/host_binding.hpp"
#include "exec/immortal.hpp"
#include "served_types.hpp"

#include <holdfast/abi/wide.hpp>
#include <holdfast/adapters/library_description.hpp>
#include <holdfast/exec/flight_recorder.hpp>
#include <holdfast/os/slim_mutex.hpp>

#include <array>
#include <exception>
#include <mutex>
#include <string>

namespace holdfast::inline v1::adapters {
namespace {

constexpr std::array versions{abi::versionV1, abi::versionV2, abi::versionV3, abi::versionV4};

/** One type this library serves; all but the callbacks is written once, before a table is handed out. */
struct Served {
    const AgentTypes* types{nullptr};  // the library's own list, which lives as long as its code
    std::size_t position{0};           // of the type in it
    Callbacks callbacks;
    std::array<abi::FunctionTable, versions.size()> tables{};

    [[nodiscard]] const std::shared_ptr<const AgentType>& type() const { return (*types)[position]; }
};

struct Registry {
    os::SlimMutex mutex;  // guards count, the callbacks and the entries beyond count
    std::array<Served, mostTypes> served;
    std::size_t count{0};
};

/** Lives as long as the library: the engine keeps our tables (W-027). */
Registry& registry() { return exec::immortal<Registry>(); }

/** A host that keeps memory for it has what was recorded even after a crash. Once, before anything is recorded. */
void placeFlightRecorder() noexcept {
    static const bool placed = [] {
        const auto offer = abi::offered(abi::hostExport(), &abi::HostFunctions::flightMemory);
        abi::Dword size = 0;
        abi::Byte* const memory = offer == nullptr ? nullptr : offer(&size);
        return memory != nullptr &&
               exec::flightRecorder().useMemory({reinterpret_cast<std::byte*>(memory), std::size_t{size}});
    }();
    static_cast<void>(placed);
}

/** What Startup and StartupEx share. */
abi::Dword start(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                 abi::Dword maxVersion, bool extended, const Callbacks& callbacks,
                 abi::FunctionTable** table) noexcept {
    try {
        const AgentTypes& all = types();
        if (isLibraryTypeName(resourceType)) return describeLibrary(all, minVersion, maxVersion, table);
        placeFlightRecorder();
        for (std::size_t position = 0; position < all.size(); ++position) {
            if (!abi::equalsIgnoringCase(abi::toWide(all[position]->name()), resourceType)) continue;  // W-014
            const TableVersion highest = extended ? all[position]->tableVersion() : TableVersion::v1;
            const abi::Dword version = agreedVersion(minVersion, maxVersion, highest);
            if (version == 0) return abi::code::revisionMismatch;  // W-015
            exec::FlightCall call{0, exec::FlightSubject::startup, version};
            return serve(all, position, callbacks, version, table);
        }
        return abi::code::resourceTypeNameNotFound;
    } catch (const std::exception& mistake) {
        logLine(callbacks.logEvent, nullptr, LogLevel::error, detail::textOf(mistake));
        return abi::code::invalidData;
    } catch (...) {
        // W-105: nothing may leave, and an author's default member initialiser may throw anything.
        logLine(callbacks.logEvent, nullptr, LogLevel::error,
                "the library's resource types threw what is no std::exception");
        return abi::code::invalidData;
    }
}

}  // namespace

ServedType servedType(std::size_t index) {
    Registry& all = registry();
    const std::lock_guard lock{all.mutex};
    return {all.served[index].type(), all.served[index].callbacks};
}

ServedType servedTypeNamed(const abi::WideChar* name) {
    Registry& all = registry();
    const std::lock_guard lock{all.mutex};
    for (std::size_t i = 0; i < all.count; ++i) {
        if (abi::equalsIgnoringCase(abi::toWide(all.served[i].type()->name()), name))
            return {all.served[i].type(), all.served[i].callbacks};
    }
    return {};
}

abi::Dword serve(const AgentTypes& types, std::size_t position, const Callbacks& callbacks, abi::Dword version,
                 abi::FunctionTable** table) {
    Registry& all = registry();
    const std::lock_guard lock{all.mutex};
    std::size_t index = 0;
    while (index < all.count && (all.served[index].types != &types || all.served[index].position != position)) ++index;
    Served& served = all.served[index < mostTypes ? index : 0];
    if (index == all.count) {
        if (all.count == mostTypes) {
            logLine(callbacks.logEvent, nullptr, LogLevel::error, "more than 32 resource types in one library");
            return abi::code::invalidData;
        }
        served.types = &types;
        served.position = position;
        for (std::size_t i = 0; i < versions.size(); ++i) served.tables[i] = makeTable(index, versions[i]);
        ++all.count;
    }
    served.callbacks = callbacks;  // W-013: a later first instance starts the type again
    for (abi::FunctionTable& one : served.tables) {
        if (one.version == version) *table = &one;
    }
    return abi::code::success;
}

abi::Dword agreedVersion(abi::Dword min, abi::Dword max, TableVersion highest) noexcept {
    abi::Dword best = 0;
    for (const abi::Dword version : versions) {
        if (version >= min && version <= max && version <= static_cast<abi::Dword>(highest)) best = version;
    }
    return best;
}

abi::Dword startup(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                   abi::Dword maxVersion, abi::SetResourceStatusRoutine setStatus, abi::LogEventRoutine logEvent,
                   abi::FunctionTable** table) noexcept {
    if (table == nullptr) return abi::code::invalidParameter;
    *table = nullptr;
    if (resourceType == nullptr || setStatus == nullptr || logEvent == nullptr) return abi::code::invalidParameter;
    Callbacks callbacks;
    callbacks.setStatus = setStatus;
    callbacks.logEvent = logEvent;
    return start(types, resourceType, minVersion, maxVersion, false, callbacks, table);
}

abi::Dword startupEx(const AgentTypes& (*types)(), const abi::WideChar* resourceType, abi::Dword minVersion,
                     abi::Dword maxVersion, const abi::CallbackTable* callbacks, abi::FunctionTable** table) noexcept {
    if (table == nullptr) return abi::code::invalidParameter;
    *table = nullptr;
    if (resourceType == nullptr || callbacks == nullptr) return abi::code::invalidParameter;
    // W-031: member by member, as far as the engine's version reaches; a copy of the whole could leave its memory.
    const std::size_t entries = abi::callbackEntries(maxVersion);
    Callbacks known;
    known.logEvent = callbacks->logEvent;
    known.setStatusEx = callbacks->setResourceStatusEx;
    if (entries > 3) known.signalFailure = callbacks->signalFailure;
    if (entries > 5) known.endControlCall = callbacks->endControlCall;
    if (known.logEvent == nullptr || known.setStatusEx == nullptr) return abi::code::invalidParameter;
    return start(types, resourceType, minVersion, maxVersion, true, known, table);
}

}  // namespace holdfast::inline v1::adapters
