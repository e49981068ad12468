// SPDX-License-Identifier: BSL-1.0
#include "own_process.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace holdfast::tests {
namespace {

std::size_t entriesOf(const char* directory) {
    const auto count = std::distance(std::filesystem::directory_iterator{directory}, {});
    return static_cast<std::size_t>(count);
}

}  // namespace

std::size_t ownThreads() { return entriesOf("/proc/self/task"); }

std::size_t ownHandles() { return entriesOf("/proc/self/fd"); }

OwnProcess ownProcess() {
    OwnProcess own;
    own.threads = ownThreads();
    own.handles = ownHandles();
    std::size_t size = 0;
    std::size_t resident = 0;
    std::ifstream{"/proc/self/statm"} >> size >> resident;
    own.residentKibibytes = resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1'024;
    return own;
}

}  // namespace holdfast::tests
