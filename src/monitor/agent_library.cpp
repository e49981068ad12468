// SPDX-License-Identifier: BSL-1.0
#include "monitor/agent_library.hpp"

#include "monitor/agent_callbacks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr abi::Dword moduleNotFound = 126;
constexpr abi::Dword procedureNotFound = 127;
constexpr abi::Dword badExeFormat = 193;
// sizeof(CLRES_FUNCTION_TABLE) of a header that knows V1 and V2, and of one that knows all four.
constexpr std::array wholeTables{8 + sizeof(abi::FunctionsV2), sizeof(abi::FunctionTable)};

}  // namespace

StartupOutcome checkTable(const abi::FunctionTable* table, abi::Dword minVersion, abi::Dword maxVersion) {
    StartupOutcome outcome;
    const auto refuse = [&](abi::Dword code, std::string problem) {
        outcome.code = code;
        outcome.problem = std::move(problem);
        return outcome;
    };
    if (table == nullptr) return refuse(abi::code::invalidData, "Startup answered success without a function table");
    if (table->version < minVersion || table->version > maxVersion) {  // W-017
        return refuse(abi::code::revisionMismatch,
                      fmt::format("its function table has version 0x{:04X}; this monitor asked for 0x{:04X}",
                                  table->version, maxVersion));
    }
    const std::size_t block = abi::functionBlockSize(table->version);
    if (block == 0) {
        return refuse(abi::code::revisionMismatch,
                      fmt::format("its function table has version 0x{:04X}, which does not exist", table->version));
    }
    const std::size_t size = table->tableSize;
    if (size != block) {  // W-021
        if (size != block + 8 && std::find(wholeTables.begin(), wholeTables.end(), size) == wholeTables.end()) {
            return refuse(abi::code::invalidData,
                          fmt::format("its function table says it has {} bytes; version 0x{:04X} has {}", size,
                                      table->version, block));
        }
        outcome.notes.push_back(fmt::format(
            "its function table gives a size of {} bytes where {} is meant (W-021); accepted", size, block));
    }
    // Every version has these in the same places (W-023).
    static constexpr std::array needed{"Open", "Close", "Online", "Offline", "Terminate", "LooksAlive", "IsAlive"};
    std::array<void*, needed.size()> slots{};
    std::memcpy(slots.data(), &table->v1, sizeof slots);
    std::string missing;
    for (std::size_t i = 0; i < needed.size(); ++i) {
        if (slots[i] == nullptr) missing += (missing.empty() ? "" : ", ") + std::string{needed[i]};
    }
    if (!missing.empty()) return refuse(abi::code::invalidData, "its function table has no " + missing);  // W-025
    outcome.functions = TableCalls{*table};
    return outcome;
}

std::shared_ptr<AgentLibrary> AgentLibrary::load(const std::filesystem::path& path, StartupOutcome& outcome) {
    auto opened = os::Library::open(path);
    const auto refuse = [&](abi::Dword code, std::string problem) {
        outcome.code = code;
        outcome.problem = std::move(problem);
        return nullptr;
    };
    switch (opened.problem) {
        case os::LibraryProblem::none: break;
        case os::LibraryProblem::missing: return refuse(moduleNotFound, "the file does not exist");
        case os::LibraryProblem::noLibrary: return refuse(badExeFormat, "the file is no library: " + opened.detail);
        case os::LibraryProblem::unresolved:
            return refuse(procedureNotFound, "the library needs what nobody provides: " + opened.detail);
        case os::LibraryProblem::other: return refuse(moduleNotFound, "the library cannot be loaded: " + opened.detail);
    }
    void* const extended = opened.library.symbol("StartupEx");  // W-012: first, so that V2 and later can be agreed on
    void* const plain = opened.library.symbol("Startup");
    if (extended == nullptr && plain == nullptr) {
        return refuse(procedureNotFound, "the library is no agent: it exports neither StartupEx nor Startup");
    }
    auto library = std::make_shared<AgentLibrary>();
    library->path_ = path;
    library->library_ = std::move(opened.library);
    library->startup_ = std::bit_cast<abi::StartupRoutine>(plain);
    library->startupEx_ = std::bit_cast<abi::StartupExRoutine>(extended);
    return library;
}

abi::Dword AgentLibrary::start(const abi::WideChar* type, abi::FunctionTable** table) const {
    return start(type, agentCallbacks(), table);
}

abi::Dword AgentLibrary::start(const abi::WideChar* type, const abi::CallbackTable& callbacks,
                               abi::FunctionTable** table) const {
    if (startupEx_ != nullptr) return startupEx_(type, abi::versionV1, highestVersion(), &callbacks, table);
    return startup_(type, abi::versionV1, highestVersion(), setResourceStatusRoutine(), callbacks.logEvent, table);
}

std::shared_ptr<AgentLibrary::Type> AgentLibrary::type(std::string_view name) {
    const std::lock_guard lock{mutex_};
    if (const auto found = types_.find(name); found != types_.end()) return found->second;
    return types_.emplace(std::string{name}, std::make_shared<Type>()).first->second;
}

void AgentLibrary::pin() noexcept {
    const std::lock_guard lock{mutex_};
    library_.pin();
}

}  // namespace holdfast::inline v1::monitor
