// SPDX-License-Identifier: BSL-1.0

#include "leftovers.hpp"

#include "logger.hpp"
#include "process/names.hpp"
#include "process/proc.hpp"
#include "spawn.hpp"

#include <holdfast/process.hpp>

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <unistd.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace holdfast::inline v1::ocf {
namespace {

/** What is needed to end a tree when there is no object whose context it would be. */
class NameContext final : public Context {
public:
    NameContext(std::string name, Logger& logger) : name_{std::move(name)}, logger_{logger} {}
    [[nodiscard]] std::string resourceName() const override { return name_; }
    [[nodiscard]] std::string typeName() const override { return {}; }
    [[nodiscard]] std::string nodeName() const override { return {}; }
    [[nodiscard]] StopReason stopReason() const noexcept override { return StopReason::terminate; }
    void reportFailure(std::string_view) noexcept override {}
    void log(LogLevel level, std::string_view text) noexcept override { logger_.log(level, text); }

private:
    const std::string name_;
    Logger& logger_;
};

/** Those with the host's mark; the reaper of its tree has it, too, and leaves by itself. */
std::vector<pid_t> forked(const Place& place, const std::string& instance) {
    std::vector<pid_t> result = markedProcesses(place, instance);
    std::erase_if(result, [](pid_t pid) {
        const auto stat = process::readStat(pid);
        return !stat || stat->dead() || process::environmentOf(pid, process::reaperVariable);
    });
    return result;
}

}  // namespace

pid_t anyLeftover(const Place& place, const std::string& instance) {
    const auto hosts = hostsOf(place, instance);
    for (const pid_t pid : forked(place, instance)) {
        if (std::find(hosts.begin(), hosts.end(), pid) == hosts.end()) return pid;
    }
    for (const pid_t pid : process::findMarked(process::Names{process::canonical(place.directory), instance}.marker)) {
        if (!process::environmentOf(pid, process::reaperVariable)) return pid;
    }
    return 0;
}

std::string endLeftovers(const Place& place, const std::string& instance, Logger& logger,
                         std::chrono::milliseconds patience) {
    const std::int64_t until = process::nowMs() + patience.count();
    NameContext context{instance, logger};
    if (!Process::end(context, patience)) return "its processes could not be proved dead; the log says which";
    const std::string mark = hostMark(place, instance);
    std::set<pid_t> said;
    for (;;) {
        // L-132: what an agent forked by itself and forgot.
        const auto left = forked(place, instance);
        if (left.empty()) return {};
        for (const pid_t pid : left) {
            const process::Fd pidfd = process::openPidfd(pid);
            if (!pidfd || process::environmentOf(pid, process::hostVariable) != mark.substr(mark.find('=') + 1))
                continue;
            if (said.insert(pid).second) {
                logger.log(LogLevel::warning,
                           "killing process " + std::to_string(pid) + ", which the agent left behind");
            }
            static_cast<void>(process::signalPidfd(pidfd, SIGKILL));
        }
        if (process::nowMs() >= until) return "process " + std::to_string(left.front()) + " does not end";
        std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
}

}  // namespace holdfast::inline v1::ocf
