// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "os/windows_handle.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace holdfast::inline v1::os {

/** A command line that a program's start-up code takes apart into exactly these arguments. */
[[nodiscard]] std::wstring commandLine(const std::vector<std::wstring>& arguments);

/** This process's environment, without the variables whose name begins with `except` and with `ours` in place of its own. */
[[nodiscard]] std::wstring environmentBlock(const std::vector<std::pair<std::wstring, std::wstring>>& ours,
                                            std::wstring_view except = {});

struct SpawnOrder {
    std::filesystem::path program;
    std::vector<std::wstring> arguments;  ///< without the program's own name
    std::wstring environment;             ///< from `environmentBlock`
    HANDLE output{nullptr};               ///< inheritable: standard output and error
    std::vector<HANDLE> inherited;        ///< inheritable; nothing beside these and `output` reaches the child
    std::vector<HANDLE> jobs;             ///< it is in them from its making on, outermost first
    DWORD flags{0};
};

struct Spawned {
    WindowsHandle process;
    DWORD number{0};
};

/** Starts it without standard input. @par Errors Throws std::system_error. */
[[nodiscard]] Spawned spawnProcess(const SpawnOrder& order);

}  // namespace holdfast::inline v1::os
