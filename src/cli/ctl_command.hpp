// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/exit_code.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace holdfast::inline v1::cli {

struct CtlOptions {
    std::string verb;
    std::string control;  ///< the socket; empty: the one monitor that runs
    std::string resource;
    std::string reason;
    std::vector<std::string> assignments;  ///< PROPERTY=VALUE
    std::string wait;                      ///< seconds; empty: not at all
    std::size_t history{0};
    bool json{false};
    bool calls{false};
    bool plain{false};
};

/** Declares `holdfast ctl` and what belongs to it. */
CLI::App* addCtlCommand(CLI::App& program, CtlOptions& options);

/** `holdfast ctl`: asks a running monitor. */
[[nodiscard]] ExitCode runCtl(const CtlOptions& options);

}  // namespace holdfast::inline v1::cli
