// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

namespace holdfast::inline v1::cli {

/** What `holdfast` tells its caller. Numbers are a promise: add, never change. */
enum class ExitCode : int {
    success = 0,
    failedResource = 1,
    usage = 2,
    configuration = 3,
    stopFailed = 4,
    internal = 5,
};

[[nodiscard]] inline std::string exitCodeHelp() {
    return "Exit codes:\n"
           "  0  everything was taken offline cleanly (check: nothing is wrong)\n"
           "  1  a resource was failed when the run ended\n"
           "  2  wrong usage\n"
           "  3  the file was refused; nothing was started\n"
           "  4  a resource did not go offline by itself, or a call never returned\n"
           "  5  holdfast itself failed\n";
}

}  // namespace holdfast::inline v1::cli
