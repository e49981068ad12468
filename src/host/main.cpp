// SPDX-License-Identifier: BSL-1.0
#include "host/crash_recorder.hpp"
#include "host/host_link.hpp"
#include "host/host_service.hpp"
#include "monitor/flight_memory.hpp"

#include <holdfast/version.hpp>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

using namespace holdfast;

namespace {

constexpr int usage = 2;

void help() {
    std::printf(
        "holdfast-host: hosts the agents of one group for the Resource Monitor\n\n"
        "Started by 'holdfast run'; there is nothing to start by hand. %s\n"
        "When its monitor is gone it takes its resources offline, except what the next host can take over, and "
        "exits.\n\n"
        "  --help     this text\n  --version  the version\n",
        std::string{host::hostLinkHelp()}.c_str());
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
    }
    std::string problem;
    const auto link = host::makeHostLink(argc, argv, problem);
    if (!link) {
        static_cast<void>(std::fprintf(stderr, "holdfast-host: %s; see --help\n", problem.c_str()));
        return usage;
    }
    host::prepareHostProcess();
    if (auto* const board = link->board()) host::recordCrashes(*board);
    if (void* const memory = link->flightMemory()) monitor::FlightRegions::use(memory);
    const auto service = std::make_shared<host::HostService>(*link);
    const int status = service->run();
    host::expectExit();
    std::_Exit(status);  // agents' threads must not meet our destructors
}
