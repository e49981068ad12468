// SPDX-License-Identifier: BSL-1.0
#include "own_use.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace bench {

OwnUse ownUse() {
    OwnUse use;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    use.processor = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    use.contextSwitches = usage.ru_nvcsw;
    long size = 0;
    long resident = 0;
    std::ifstream{"/proc/self/statm"} >> size >> resident;
    use.resident = static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024.0;
    std::ifstream status{"/proc/self/status"};
    for (std::string word; status >> word;) {
        if (word == "Threads:") status >> use.threads;
    }
    return use;
}

}  // namespace bench
