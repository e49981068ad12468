// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/run_command.hpp"

#include <holdfast/monitor/configuration.hpp>
#include <holdfast/monitor/monitor.hpp>

#include <filesystem>

namespace holdfast::inline v1::cli {

/**
 * The directory of a monitor's sockets: what the file says; else $RUNTIME_DIRECTORY, if a service manager made one; else, by the
 * configuration file's name and place, one below /run/holdfast for root, below $XDG_RUNTIME_DIR/holdfast or /tmp/holdfast-UID for
 * others. The same file always has the same one.
 */
[[nodiscard]] std::filesystem::path runDirectoryFor(const monitor::MonitorConfiguration& configuration,
                                                    const std::filesystem::path& file);

/** A program that is installed with this one: beside it, or in ../libexec/holdfast; empty if it is in neither place. */
[[nodiscard]] std::filesystem::path companionProgram(const char* name);

/**
 * Where agents live, by the options: in processes of their own, or with --debug in this one.
 *
 * @par Errors Throws std::runtime_error if a program is missing.
 */
void chooseHost(monitor::MonitorOptions& monitorOptions, const RunOptions& options,
                const monitor::MonitorConfiguration& configuration);

}  // namespace holdfast::inline v1::cli
