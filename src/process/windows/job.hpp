// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "handle.hpp"

#include <holdfast/process.hpp>

#include <chrono>

namespace holdfast::inline v1::process {

/** The exit code of what a job was ended with: told from what a program says of itself. */
constexpr UINT killedCode = 0xC000013A;  // STATUS_CONTROL_C_EXIT: what is ended from outside

/**
 * A job object: a tree of processes that none of them can leave, and that dies with the last handle (D17).
 *
 * @par Thread safety As a kernel handle: `kill`, `living` and `endWithin` from any thread.
 */
class Job {
public:
    Job() = default;
    /**
     * A new one, or with a name the one that has it; its limits are set either way. Whoever names it has claimed the name
     * elsewhere. Throws `Error`.
     */
    Job(const std::wstring& name, const ProcessLimits& limits);
    /** One that somebody else made; false if there is none. */
    [[nodiscard]] static Job find(const std::wstring& name);

    [[nodiscard]] HANDLE get() const noexcept { return handle_.get(); }
    explicit operator bool() const noexcept { return static_cast<bool>(handle_); }
    void kill() const noexcept { ::TerminateJobObject(handle_.get(), killedCode); }
    /** How many processes of it live; -1 if the system does not say. */
    [[nodiscard]] int living() const noexcept;
    /** Kills, again and again, until nobody lives; false if somebody does after `patience`. */
    [[nodiscard]] bool endWithin(std::chrono::milliseconds patience) const noexcept;

private:
    Handle handle_;
};

}  // namespace holdfast::inline v1::process
