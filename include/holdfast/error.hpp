// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>

namespace holdfast::inline v1 {

/** Why an operation failed, in the terms every engine can translate (one table: abi/error_table.hpp). */
enum class ErrorCode : std::uint8_t {
    failed,          ///< the entity did not do what was asked
    configuration,   ///< a property is missing, malformed or out of range
    notInstalled,    ///< a program, library or file this agent needs is absent
    permission,      ///< the agent may not do this
    busy,            ///< somebody else holds what is needed; a retry may help
    outOfResources,  ///< memory, disk, threads or handles ran out
    corrupted,       ///< the data is damaged; a retry will not help
    timeout,         ///< it took longer than it may
    wrongNode,       ///< cannot run on this node; another may do (W-207)
};

/**
 * Thrown by an author's online(), offline() or constructor; any `std::exception` does too, as `ErrorCode::failed`.
 *
 * The text says what happened and what to do; the framework adds the resource's name and the operation.
 */
class Error : public std::runtime_error {
public:
    explicit Error(const std::string& what) : std::runtime_error{what} {}
    Error(ErrorCode code, const std::string& what) : std::runtime_error{what}, code_{code} {}

    /** Formats the message: `throw Error::make(ErrorCode::busy, "{} is locked", path);` */
    template <typename... Args>
    [[nodiscard]] static Error make(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
        return Error{code, fmt::format(format, std::forward<Args>(args)...)};
    }

    [[nodiscard]] ErrorCode code() const noexcept { return code_; }

private:
    ErrorCode code_{ErrorCode::failed};
};

namespace detail {
/** What an exception says; its author may have said nothing. */
[[nodiscard]] inline std::string textOf(const std::exception& error) {
    const char* const text = error.what();
    return text == nullptr ? "an exception without a text" : std::string{text};
}
}  // namespace detail

/**
 * Thrown by `checkpoint()`, `sleepFor()` and `waitUntil()` once the running call was told to stop.
 *
 * Not a `std::exception`, so that `catch (const std::exception&)` does not swallow it; if `catch (...)` does, the next
 * call throws again because the request stays (D7).
 */
class Stopped {};

}  // namespace holdfast::inline v1
