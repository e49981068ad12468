// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/table_calls.hpp"

#include <holdfast/abi/callback_table.hpp>
#include <holdfast/os/library.hpp>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::monitor {

/** What Startup, or the loader before it, came to. */
struct StartupOutcome {
    abi::Dword code{0};
    std::string problem;             ///< in words; empty on success
    std::vector<std::string> notes;  ///< odd but accepted (W-021)
    TableCalls functions;
};

/** Reads a table that Startup returned: version, size and NULL rules (W-017, W-021, W-025). Nothing in it is called. */
[[nodiscard]] StartupOutcome checkTable(const abi::FunctionTable* table, abi::Dword minVersion, abi::Dword maxVersion);

/**
 * One loaded agent library with the types started in it.
 *
 * @par Thread safety One type's calls are serialised by `typeLock` (W-101); different types may run at once.
 */
class AgentLibrary {
public:
    struct Type {
        std::timed_mutex lock;  ///< Startup, Open, Close and type control of this type, one at a time (W-101)
        bool started{false};
        std::size_t users{0};
        TableCalls functions;
    };

    /** Loads `path` and finds `StartupEx` or else `Startup` (W-012); says in words what is wrong with it. */
    [[nodiscard]] static std::shared_ptr<AgentLibrary> load(const std::filesystem::path& path, StartupOutcome& outcome);

    [[nodiscard]] std::shared_ptr<Type> type(std::string_view name);
    /** Calls StartupEx if the library has it, otherwise Startup, with every version this monitor knows. */
    [[nodiscard]] abi::Dword start(const abi::WideChar* type, abi::FunctionTable** table) const;
    /** The same with callbacks of the caller's, which must live as long as the library. */
    [[nodiscard]] abi::Dword start(const abi::WideChar* type, const abi::CallbackTable& callbacks,
                                   abi::FunctionTable** table) const;
    /** The highest version `start` asks for. */
    [[nodiscard]] abi::Dword highestVersion() const noexcept {
        return startupEx_ != nullptr ? abi::versionV4 : abi::versionV1;
    }
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    /** A call into it did not return: it stays loaded. */
    void pin() noexcept;

private:
    std::filesystem::path path_;
    std::mutex mutex_;
    os::Library library_;
    abi::StartupRoutine startup_{nullptr};
    abi::StartupExRoutine startupEx_{nullptr};
    std::map<std::string, std::shared_ptr<Type>, std::less<>> types_;
};

}  // namespace holdfast::inline v1::monitor
