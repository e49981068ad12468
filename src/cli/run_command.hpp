// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/exit_code.hpp"

#include <string>

namespace holdfast::inline v1::cli {

struct RunOptions {
    std::string file;
    std::string trace;
    bool json{false};
    bool check{false};
    bool debug{false};    ///< agents in this process: budgets are reported, not enforced
    std::string control;  ///< empty: what the file says, or the default
    bool plain{false};    ///< no live view on a terminal
    bool live{false};     ///< a live view, or nothing
};

/** `holdfast run`: until it is told to stop, or at once if something is wrong with the file. */
[[nodiscard]] ExitCode runMonitor(const RunOptions& options);

}  // namespace holdfast::inline v1::cli
