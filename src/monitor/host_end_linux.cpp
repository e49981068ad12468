// SPDX-License-Identifier: BSL-1.0
// What the end of a host process means, as a wait status says it.
#include "monitor/host_life.hpp"

#include <fmt/format.h>

#include <csignal>
#include <cstring>

namespace holdfast::inline v1::monitor {

void settle(HostEnd& /*end*/, bool /*ready*/) {}  // a wait status says it all

bool isFault(const HostEnd& end) {
    return end.signalled &&
           (end.number == SIGSEGV || end.number == SIGBUS || end.number == SIGFPE || end.number == SIGILL ||
            end.number == SIGABRT || end.number == SIGSYS || end.number == SIGTRAP);
}

bool isKill(const HostEnd& end) { return end.signalled && end.number == SIGKILL; }

std::string textOf(const HostEnd& end) {
    if (!end.signalled) return fmt::format("its host ended with status {}", end.number);
    const char* const name = ::sigabbrev_np(end.number);
    return fmt::format("its host was killed by signal {}{}", end.number,
                       name == nullptr ? "" : fmt::format(" (SIG{})", name));
}

}  // namespace holdfast::inline v1::monitor
