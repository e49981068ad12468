// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/exit_code.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace holdfast::inline v1::cli {

struct DescribeOptions {
    std::string agent;
    std::string format{"table"};
    std::string output;  ///< empty: standard output
    std::vector<std::string> types;
    std::string ocfName;  ///< empty: the library's
    std::string ocfVersion{"0.0.0"};
};

/** `holdfast describe`: what it understands on its command line. */
[[nodiscard]] CLI::App* addDescribeCommand(CLI::App& program, DescribeOptions& options);

/** Loads the agent and says what it is. @par Budget 30 s: a library that hangs longer is given up with its thread. */
[[nodiscard]] ExitCode runDescribe(const DescribeOptions& options);

}  // namespace holdfast::inline v1::cli
