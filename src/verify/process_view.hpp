// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What a scenario's process sees of itself and its system. One implementation per system.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::verify {

/** What a leak shows in. */
struct Usage {
    std::size_t threads{0};
    std::size_t handles{0};
    std::size_t memory{0};  ///< bytes in use, as exact as the system tells
};
[[nodiscard]] Usage usage();

/** What belongs to the whole process (W-804), as text by name: the working directory, variables, the locale, signal handlers. */
[[nodiscard]] std::map<std::string, std::string> processState();

/** The system's number of this thread. */
[[nodiscard]] std::uint64_t currentThread() noexcept;

enum class HandleState { waiting, signalled, invalid };
/** Waits for what a library gave as an event (W-120). */
[[nodiscard]] HandleState waitFor(void* handle, std::chrono::milliseconds patience) noexcept;

/**
 * Which object a handle named when it was given: once it is closed, its number may name another.
 *
 * @par Thread safety One thread at a time.
 */
class HandleIdentity {
public:
    explicit HandleIdentity(void* handle) noexcept;
    ~HandleIdentity();
    HandleIdentity(const HandleIdentity&) = delete;
    HandleIdentity& operator=(const HandleIdentity&) = delete;

    /** False once the handle is closed or names another object; true where the system does not tell. */
    [[nodiscard]] bool holds() const noexcept;

private:
    void* const handle_;
    void* const own_;  ///< a duplicate, which keeps the object; null if there can be none
};

/** The names a library file exports; none if it cannot be read. */
[[nodiscard]] std::optional<std::vector<std::string>> exportsOf(const std::filesystem::path& library);

/** Output that nothing the library does to its standard streams reaches. */
[[nodiscard]] std::function<void(std::string_view)> privateOutput();

/** No box asks what to do after a crash, and nobody is asked for a core. */
void prepareScenarioProcess() noexcept;

/** Runs a command by the system's shell, a minute at most; its exit status, or -1. */
[[nodiscard]] int runShell(const std::string& command);

/** Ends the process at once, with no destructor. */
[[noreturn]] void leaveProcess(int status) noexcept;

}  // namespace holdfast::inline v1::verify
