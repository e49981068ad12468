// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "job.hpp"

#include <holdfast/process.hpp>

#include <string>

namespace holdfast::inline v1::process {

/** A program that runs in its job, and our ends of what it was given. */
struct Launched {
    Handle process;
    Handle output;  ///< overlapped; both streams
    DWORD pid{0};
};

/**
 * Starts the program suspended, in `job` from its first instruction on, then lets it run. Of this process it gets three handles and
 * no more. `stop` is the stop event, inheritable, and `stopName` its name, which the program finds in HOLDFAST_STOP_EVENT; null for none.
 *
 * @par Errors Throws `Error`; nothing runs then.
 */
[[nodiscard]] Launched launch(const ProcessSettings& settings, const Job& job, HANDLE stop = nullptr,
                              const std::wstring& stopName = {});

/** Whether a child would share our console, and so hear CTRL_BREAK. */
[[nodiscard]] bool haveConsole() noexcept;

}  // namespace holdfast::inline v1::process
