// SPDX-License-Identifier: BSL-1.0
#include "monitor/agent_library.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr abi::Dword moduleNotFound = 126;
constexpr abi::Dword procedureNotFound = 127;
constexpr abi::Dword badExeFormat = 193;
constexpr std::size_t largestTable = 8 + 14 * sizeof(void*);  // header and V4 block

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
    const std::size_t size = table->tableSize;
    if (size != sizeof(abi::FunctionsV1)) {  // W-021
        if (size != sizeof(abi::FunctionsV1) + 8 && size != largestTable) {
            return refuse(abi::code::invalidData,
                          fmt::format("its function table says it has {} bytes; version 0x{:04X} has {}", size,
                                      table->version, sizeof(abi::FunctionsV1)));
        }
        outcome.notes.push_back(
            fmt::format("its function table gives a size of {} bytes where {} is meant (W-021); accepted", size,
                        sizeof(abi::FunctionsV1)));
    }
    const abi::FunctionsV1& f = table->v1;
    const std::array<std::pair<bool, const char*>, 7> needed{{{f.open != nullptr, "Open"},
                                                              {f.close != nullptr, "Close"},
                                                              {f.online != nullptr, "Online"},
                                                              {f.offline != nullptr, "Offline"},
                                                              {f.terminate != nullptr, "Terminate"},
                                                              {f.looksAlive != nullptr, "LooksAlive"},
                                                              {f.isAlive != nullptr, "IsAlive"}}};
    std::string missing;
    for (const auto& [present, name] : needed) {
        if (!present) missing += (missing.empty() ? "" : ", ") + std::string{name};
    }
    if (!missing.empty()) return refuse(abi::code::invalidData, "its function table has no " + missing);  // W-025
    outcome.functions = f;
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
    void* const address = opened.library.symbol("Startup");
    if (address == nullptr) {
        return refuse(procedureNotFound, "the library is no agent: it does not export Startup");
    }
    auto library = std::make_shared<AgentLibrary>();
    library->path_ = path;
    library->library_ = std::move(opened.library);
    library->startup_ = std::bit_cast<abi::StartupRoutine>(address);
    return library;
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
