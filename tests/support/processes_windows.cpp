// SPDX-License-Identifier: BSL-1.0
#include "support/processes.hpp"

#include "monitor/host_life.hpp"

#include <windows.h>

namespace holdfast::tests {

namespace {

struct Opened {
    explicit Opened(std::int64_t process)
        : handle{::OpenProcess(SYNCHRONIZE | PROCESS_TERMINATE, FALSE, static_cast<DWORD>(process))} {}
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    ~Opened() {
        if (handle != nullptr) ::CloseHandle(handle);
    }
    HANDLE handle;
};

}  // namespace

bool endProcess(std::int64_t process) {
    const Opened opened{process};
    return opened.handle != nullptr && ::TerminateProcess(opened.handle, 1) != 0;
}

bool isAlive(std::int64_t process) {
    const Opened opened{process};
    return opened.handle != nullptr && ::WaitForSingleObject(opened.handle, 0) == WAIT_TIMEOUT;
}

/** By the job object of the directory's name. */
std::set<std::int64_t> processesOf(const std::filesystem::path& runDirectory) {
    const monitor::HostYard yard{runDirectory, {}};
    const auto all = yard.left();
    if (!all) return {-1};
    return {all->begin(), all->end()};
}

}  // namespace holdfast::tests
