// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/exit_code.hpp"

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace holdfast::inline v1::cli {

struct TimelineOptions {
    std::string trace;   ///< "-": standard input
    std::string output;  ///< empty: beside the trace; "-": standard output
    std::string format;  ///< html, svg or json; empty: by the name of the output
    std::string from;
    std::string to;
    std::vector<std::string> resources;
    bool force{false};
};

/** `holdfast timeline`: what it understands on its command line. */
[[nodiscard]] CLI::App* addTimelineCommand(CLI::App& program, TimelineOptions& options);

/** Draws the trace. */
[[nodiscard]] ExitCode runTimeline(const TimelineOptions& options);

}  // namespace holdfast::inline v1::cli
