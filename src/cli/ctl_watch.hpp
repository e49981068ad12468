// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/control_client.hpp"
#include "cli/exit_code.hpp"

#include <string>

namespace holdfast::inline v1::cli {

/** `holdfast ctl top`: the live view of another process's monitor, until Ctrl-C or its end. */
[[nodiscard]] ExitCode watch(ControlClient& client, const std::string& path);

}  // namespace holdfast::inline v1::cli
