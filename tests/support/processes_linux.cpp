// SPDX-License-Identifier: BSL-1.0
#include "support/processes.hpp"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C

#include <fstream>
#include <iterator>
#include <string>

namespace holdfast::tests {

bool endProcess(std::int64_t process) { return process > 1 && ::kill(static_cast<pid_t>(process), SIGKILL) == 0; }

bool isAlive(std::int64_t process) { return process > 1 && ::kill(static_cast<pid_t>(process), 0) == 0; }

/** By what their environment says. */
std::set<std::int64_t> processesOf(const std::filesystem::path& runDirectory) {
    std::set<std::int64_t> found;
    for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
        std::ifstream file{entry.path() / "environ", std::ios::binary};
        const std::string environment{std::istreambuf_iterator<char>{file}, {}};
        if (environment.find("HOLDFAST_RUN_DIRECTORY=" + runDirectory.string()) != std::string::npos)
            found.insert(std::stoi(entry.path().filename()));
    }
    return found;
}

}  // namespace holdfast::tests
