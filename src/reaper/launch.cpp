// SPDX-License-Identifier: BSL-1.0

#include "launch.hpp"

#include "process/proc.hpp"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace holdfast::inline v1::reaper {
namespace {

using process::Fd;
using process::Order;
using process::Step;

#if defined(SYS_setresuid32)  // where the plain ones are of the time of 16-bit users
constexpr long callSetgroups = SYS_setgroups32;
constexpr long callSetresgid = SYS_setresgid32;
constexpr long callSetresuid = SYS_setresuid32;
#else
constexpr long callSetgroups = SYS_setgroups;
constexpr long callSetresgid = SYS_setresgid;
constexpr long callSetresuid = SYS_setresuid;
#endif

struct Pipe {
    Fd read;
    Fd write;
};

bool makePipe(Pipe& pipe) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    pipe.read = Fd{ends[0]};
    pipe.write = Fd{ends[1]};
    return true;
}

/** A pipe whose writing end can read, too. */
bool makeOutput(Pipe& pipe, const Order& order) {
    if (!makePipe(pipe)) return false;
    const std::string name = "/proc/self/fd/" + std::to_string(pipe.write.get());
    if (Fd both{::open(name.c_str(), O_RDWR | O_CLOEXEC)}; both) pipe.write = std::move(both);
    ::fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK);
    // So that a program that gave up root can still open /dev/stdout.
    if (order.changeUser) static_cast<void>(::fchown(pipe.write.get(), order.uid, order.gid) == 0);
    return true;
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));  // NOLINT: exec does not write
    result.push_back(nullptr);
    return result;
}

/**
 * fork(), where possible with the child born in the control group: to move it there afterwards the system waits until no
 * processor looks at the groups, which takes longer than all the rest of a start. `born` says which it was.
 */
pid_t forkInto(const Fd& group, bool& born) {
#if defined(SYS_clone3) && defined(CLONE_INTO_CGROUP)
    if (group) {
        clone_args arguments{};
        arguments.flags = CLONE_INTO_CGROUP;
        arguments.exit_signal = SIGCHLD;
        arguments.cgroup = static_cast<std::uint64_t>(group.get());
        born = true;
        // libc's own fork has nothing to add: this program has one thread, and the child executes another.
        const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
        if (pid >= 0) return static_cast<pid_t>(pid);
    }
#endif
    born = false;
    return ::fork();
}

/** In the child. Returns only if something failed. `cgroup`: to be joined, if it is not born there. */
LaunchFailure become(const Order& order, char* const* arguments, char* const* environment, const Fd& cgroup,
                     pid_t reaper, std::array<int, 3> standard) {
    const auto failed = [](Step step) { return LaunchFailure{step, errno}; };
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != reaper) return {Step::fork, ESRCH};
    resetSignals();
    if (::setsid() < 0) return failed(Step::session);
    if (cgroup) static_cast<void>(process::writeAll(cgroup.get(), "0"));  // without it the family tree is the proof
    for (int fd = 0; fd < 3; ++fd) {
        if (::dup2(standard[static_cast<std::size_t>(fd)], fd) < 0) return failed(Step::output);
    }
    if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) {
        const long most = ::sysconf(_SC_OPEN_MAX);  // Linux before 5.11
        for (int fd = 3; fd < most; ++fd) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    ::umask(order.umask < 0 ? 022 : static_cast<mode_t>(order.umask));
    for (const auto& limit : order.limits) {
        const rlimit value{limit.soft, limit.hard};
        if (::setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &value) != 0) return failed(Step::limits);
    }
    if (order.changeUser) {
        const std::vector<gid_t> groups{order.groups.begin(), order.groups.end()};
        // By the system's own calls: libc's would talk to the threads of the process it was forked from.
        if (::syscall(callSetgroups, groups.size(), groups.data()) != 0) return failed(Step::groups);
        if (::syscall(callSetresgid, order.gid, order.gid, order.gid) != 0) return failed(Step::groups);
        if (::syscall(callSetresuid, order.uid, order.uid, order.uid) != 0) return failed(Step::user);
    }
    if (!order.directory.empty() && ::chdir(order.directory.c_str()) != 0) return failed(Step::directory);
    // A change of the user has taken it back: ask again, until the very end.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != reaper) return {Step::fork, ESRCH};
    ::prctl(PR_SET_PDEATHSIG, 0);
    ::execvpe(order.program.c_str(), arguments, environment);
    return failed(Step::program);
}

}  // namespace

void resetSignals() noexcept {
    // By the system's own call: libc hides two signals, which a parent may have ignored all the same. All zero is the
    // default, no flags and an empty mask on every architecture.
    const unsigned long byDefault[8] = {};
    constexpr std::size_t maskSize = 8;
    for (int number = 1; number < NSIG; ++number) {
        ::syscall(SYS_rt_sigaction, number, byDefault, nullptr, maskSize);  // fails for SIGKILL and SIGSTOP
    }
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

LaunchFailure launch(const Order& order, const std::vector<std::string>& environment, const Cgroup& cgroup,
                     Launched& launched) {
    Pipe result;
    Pipe output;
    Pipe errors;
    const Fd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    if (!nothing || !makePipe(result) || !makeOutput(output, order) || !makeOutput(errors, order)) {
        return {Step::output, errno};
    }
    std::vector<std::string> words{order.program};
    words.insert(words.end(), order.arguments.begin(), order.arguments.end());
    const std::vector<char*> arguments = pointers(words);
    const std::vector<char*> variables = pointers(environment);
    // execvpe looks the program up in the PATH of this process: let it be the one the program will see.
    for (const auto& variable : environment) {
        if (variable.starts_with("PATH=")) ::setenv("PATH", variable.c_str() + 5, 1);
    }
    const pid_t self = ::getpid();
    bool born = false;
    const pid_t pid = forkInto(cgroup.openDirectory(), born);
    if (pid < 0) return {Step::fork, errno};
    if (pid == 0) {
        const Fd toJoin = born ? Fd{} : cgroup.openProcesses();
        const LaunchFailure failure = become(order, arguments.data(), variables.data(), toJoin, self,
                                             {nothing.get(), output.write.get(), errors.write.get()});
        static_cast<void>(::write(result.write.get(), &failure, sizeof failure) > 0);
        ::_exit(127);
    }
    ::fcntl(result.read.get(), F_SETFL, O_NONBLOCK);
    launched = Launched{pid, std::move(result.read), std::move(output.read), std::move(errors.read)};
    return {};
}

}  // namespace holdfast::inline v1::reaper
