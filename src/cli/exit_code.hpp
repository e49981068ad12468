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
    noMonitor = 6,
    late = 7,
    unknownResource = 8,
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

[[nodiscard]] inline std::string ctlExitCodeHelp() {
    return "Exit codes:\n"
           "  0  done\n"
           "  1  refused, or the resource did not get where it should\n"
           "  2  wrong usage\n"
           "  5  holdfast itself failed\n"
           "  6  no monitor could be asked: none runs there, it is somebody else's, or it ended\n"
           "  7  not done in time\n"
           "  8  there is no such resource\n";
}

}  // namespace holdfast::inline v1::cli
