// SPDX-License-Identifier: BSL-1.0
#include "host/crash_recorder.hpp"
#include "host/host_service.hpp"
#include "monitor/host_protocol.hpp"

#include <holdfast/version.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

using namespace holdfast;

namespace {

constexpr int usage = 2;

void help() {
    std::puts(
        "holdfast-host: hosts the agents of one group for the Resource Monitor\n\n"
        "Started by 'holdfast run'; there is nothing to start by hand. It takes orders over descriptor 3, a socket, "
        "and keeps\n"
        "notes of who is at work in descriptor 4, shared memory. When its monitor is gone it takes its resources "
        "offline, except\n"
        "what the next host can take over, and exits.\n\n"
        "  --help     this text\n  --version  the version");
}

bool isSocket(int descriptor) {
    struct stat status {};
    return ::fstat(descriptor, &status) == 0 && S_ISSOCK(status.st_mode);
}

monitor::CallBoard* mapBoard() {
    struct stat status {};
    if (::fstat(monitor::protocol::boardDescriptor, &status) != 0 ||
        status.st_size < static_cast<off_t>(sizeof(monitor::CallBoard))) {
        return nullptr;
    }
    void* const memory = ::mmap(nullptr, sizeof(monitor::CallBoard), PROT_READ | PROT_WRITE, MAP_SHARED,
                                monitor::protocol::boardDescriptor, 0);
    if (memory == MAP_FAILED) return nullptr;
    auto* const board = static_cast<monitor::CallBoard*>(memory);
    return board->layout == monitor::CallBoard::expectedLayout ? board : nullptr;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__)
// A host ends by _Exit, without a look for leaks; one that an agent ends by exit() would be looked at under running threads.
extern "C" __attribute__((visibility("default"))) const char* __asan_default_options();  // NOLINT: its name
const char* __asan_default_options() { return "detect_leaks=0"; }                        // NOLINT
#endif

int main(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument == "--help" || argument == "-h") return help(), 0;
        if (argument == "--version") return std::printf("holdfast-host %s\n", std::string{version()}.c_str()), 0;
        std::fprintf(stderr, "holdfast-host: unknown argument '%s'; see --help\n", argv[i]);
        return usage;
    }
    if (!isSocket(monitor::protocol::socketDescriptor)) {
        std::fputs("holdfast-host: descriptor 3 is no socket: it is started by 'holdfast run'; see --help\n", stderr);
        return usage;
    }
    // Agents must not pass these on to what they start.
    ::fcntl(monitor::protocol::socketDescriptor, F_SETFD, FD_CLOEXEC);
    ::fcntl(monitor::protocol::boardDescriptor, F_SETFD, FD_CLOEXEC);
    // What agents print when nobody reads it any more; a handler, because it does not pass on to what they start.
    std::signal(SIGPIPE, [](int) {});
    if (auto* const board = mapBoard()) host::recordCrashes(*board);
    const auto service = std::make_shared<host::HostService>(monitor::protocol::socketDescriptor);
    const int status = service->run();
    host::expectExit();
    std::_Exit(status);  // agents' threads must not meet our destructors
}
