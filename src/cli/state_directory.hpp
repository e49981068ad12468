// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string>

namespace holdfast::inline v1::cli {

/**
 * Where a monitor keeps what survives it if its file does not say: the directory that systemd made for the service
 * (STATE_DIRECTORY), XDG_STATE_HOME/holdfast/NAME, /var/lib/holdfast/NAME for root, ~/.local/state/holdfast/NAME; empty if
 * there is none of them.
 */
[[nodiscard]] std::filesystem::path defaultStateDirectory(const std::string& name);

}  // namespace holdfast::inline v1::cli
