// SPDX-License-Identifier: BSL-1.0

#include "spawn.hpp"

#include "process/names.hpp"
#include "process/proc.hpp"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::ocf {
namespace {

/** What the host takes over: where programs lie, the language, and what is holdfast's own. */
bool kept(std::string_view entry) {
    constexpr std::string_view prefixes[] = {
        "PATH=",
        "LANG=",
        "LC_",
        "TZ=",
        "HA_RSCTMP=",
        "HOLDFAST_",
        "CREDENTIALS_DIRECTORY=",
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
        "TSAN_OPTIONS=",
        "ASAN_OPTIONS=",
        "UBSAN_OPTIONS=",
        "LSAN_OPTIONS=",  // where a host's findings go
#endif
    };
    return std::any_of(std::begin(prefixes), std::end(prefixes),
                       [&](std::string_view prefix) { return entry.compare(0, prefix.size(), prefix) == 0; });
}

std::vector<std::string> hostEnvironment(const Facts& facts, const Place& place, const std::string& instance) {
    std::vector<std::string> result;
    bool path = false;
    bool adoptTimeout = false;
    bool reaper = false;
    for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
        const std::string_view entry{*at};
        if (!kept(entry) || entry.compare(0, 14, "HOLDFAST_HOST=") == 0) continue;
        path = path || entry.compare(0, 5, "PATH=") == 0;
        adoptTimeout = adoptTimeout || entry.compare(0, 23, "HOLDFAST_ADOPT_TIMEOUT=") == 0;
        reaper = reaper || entry.compare(0, 16, "HOLDFAST_REAPER=") == 0;
        if (entry.compare(0, 23, "HOLDFAST_RUN_DIRECTORY=") != 0) result.emplace_back(entry);
    }
    if (!path) result.emplace_back("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    // Whether and when a resource ends is the cluster's to say; a dead host alone ends none (maintenance, for one).
    if (!adoptTimeout) result.emplace_back("HOLDFAST_ADOPT_TIMEOUT=604800000");
    if (!reaper && facts.reaper != nullptr) result.push_back(std::string{"HOLDFAST_REAPER="} + facts.reaper);
    result.push_back("HOLDFAST_RUN_DIRECTORY=" + place.directory);
    result.push_back(hostMark(place, instance));
    return result;
}

class SpawnAttributes {
public:
    SpawnAttributes() {
        ::posix_spawnattr_init(&attributes_);
        ::posix_spawn_file_actions_init(&actions_);
    }
    SpawnAttributes(const SpawnAttributes&) = delete;
    SpawnAttributes& operator=(const SpawnAttributes&) = delete;
    ~SpawnAttributes() {
        ::posix_spawn_file_actions_destroy(&actions_);
        ::posix_spawnattr_destroy(&attributes_);
    }
    posix_spawnattr_t* attributes() { return &attributes_; }
    posix_spawn_file_actions_t* actions() { return &actions_; }

private:
    posix_spawnattr_t attributes_{};
    posix_spawn_file_actions_t actions_{};
};

}  // namespace

std::string hostMark(const Place& place, const std::string& instance) {
    return std::string{process::hostVariable} + "=" + place.directory + ":" + instance;
}

std::vector<pid_t> markedProcesses(const Place& place, const std::string& instance) {
    struct stat self {};
    const bool known = ::stat("/proc/self/ns/pid", &self) == 0;
    std::vector<pid_t> marked = process::findMarked(hostMark(place, instance));
    std::erase_if(marked, [&](pid_t pid) {
        const std::string proc = "/proc/" + std::to_string(pid);
        struct stat owner {};
        struct stat space {};
        // Anybody can give a process of his own any environment; and a container has resources of its own.
        if (::stat(proc.c_str(), &owner) != 0 || owner.st_uid != ::geteuid()) return true;
        return known && ::stat((proc + "/ns/pid").c_str(), &space) == 0 && space.st_ino != self.st_ino;
    });
    return marked;
}

std::vector<pid_t> hostsOf(const Place& place, const std::string& instance) {
    std::vector<pid_t> hosts = markedProcesses(place, instance);
    std::erase_if(hosts, [](pid_t pid) {
        // What an agent forked has the mark, too, but not both of these.
        const std::string line = process::readFile(("/proc/" + std::to_string(pid) + "/cmdline").c_str());
        const std::size_t argument = line.find('\0');
        const auto stat = process::readStat(pid);
        return !stat || stat->dead() || stat->session != pid || argument == std::string::npos ||
               line.compare(argument + 1, std::string_view{residentArgument}.size() + 1,
                            std::string{residentArgument} + '\0') != 0;
    });
    return hosts;
}

process::Fd spawnHost(const Facts& facts, const Place& place, const std::string& instance, std::string& wrong,
                      bool& missing) {
    const auto tellsMissing = [](int error) {
        return error == ENOENT || error == ENOTDIR || error == EACCES || error == ENOEXEC;
    };
    missing = false;
    if (::access(facts.hostProgram, X_OK) != 0) {
        missing = tellsMissing(errno);
        wrong = std::string{"cannot execute "} + facts.hostProgram + ": " + process::errorText(errno);
        return {};
    }
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        wrong = std::string{"no socket: "} + process::errorText(errno);
        return {};
    }
    process::Fd mine{ends[0]};
    // Above what the child fills with other things.
    process::Fd theirs{::fcntl(ends[1], F_DUPFD_CLOEXEC, 16)};
    ::close(ends[1]);
    if (!theirs) {
        wrong = std::string{"no socket: "} + process::errorText(errno);
        return {};
    }

    SpawnAttributes spawn;
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(spawn.attributes(), &none);
    ::posix_spawnattr_setsigdefault(spawn.attributes(), &all);
    ::posix_spawnattr_setflags(spawn.attributes(), POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    for (const int standard : {0, 1, 2}) {
        ::posix_spawn_file_actions_addopen(spawn.actions(), standard, "/dev/null", O_RDWR, 0);
    }
    ::posix_spawn_file_actions_adddup2(spawn.actions(), theirs.get(), orderDescriptor);
    ::posix_spawn_file_actions_addclosefrom_np(spawn.actions(), orderDescriptor + 1);

    std::vector<std::string> variables = hostEnvironment(facts, place, instance);
    std::vector<char*> environment;
    environment.reserve(variables.size() + 1);
    for (auto& variable : variables) environment.push_back(variable.data());
    environment.push_back(nullptr);
    std::string program{facts.hostProgram};
    std::string resident{residentArgument};
    std::string name{instance};
    char* const arguments[] = {program.data(), resident.data(), name.data(), nullptr};
    pid_t pid = 0;
    const int error =
        ::posix_spawn(&pid, facts.hostProgram, spawn.actions(), spawn.attributes(), arguments, environment.data());
    if (error == 0) return mine;
    missing = tellsMissing(error);
    wrong = std::string{"cannot start "} + facts.hostProgram + ": " + process::errorText(error);
    return {};
}

}  // namespace holdfast::inline v1::ocf
