// SPDX-License-Identifier: BSL-1.0

#include "guard.hpp"

#include "launch.hpp"
#include "poller.hpp"
#include "process/names.hpp"
#include "process/proc.hpp"
#include "setup.hpp"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace holdfast::inline v1::reaper {

using process::nowMs;

Guard::Guard(GuardOptions options)
    : options_{std::move(options)}, lifeline_{options_.lifeline}, report_{options_.report} {
    for (const auto* fd : {&lifeline_, &report_}) {
        if (*fd) ::fcntl(fd->get(), F_SETFD, FD_CLOEXEC);
    }
}

void Guard::say(const std::string& line) {
    if (report_) process::writeAll(report_.get(), line + "\n");
}

bool Guard::start() {
    // Ctrl-C on the monitor's terminal is the monitor's to answer: its hosts and their guards are not of that group.
    ::setsid();
    signals_ = becomeSubreaper();
    int ends[2] = {-1, -1};
    if (!signals_ || ::pipe2(ends, O_CLOEXEC) != 0) return false;
    const process::Fd result{ends[0]};
    process::Fd failure{ends[1]};
    std::vector<char*> words;
    for (const auto& word : options_.command)
        words.push_back(const_cast<char*>(word.c_str()));  // NOLINT: exec only reads
    words.push_back(nullptr);
    const pid_t self = ::getpid();
    main_ = ::fork();
    if (main_ < 0) {
        say(std::string{"failed "} + process::errorText(errno));
        return false;
    }
    if (main_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != self) ::_exit(127);
        resetSignals();
        // Should a reaper own this guard, the mark is not the program's: what it starts is the guard's to kill.
        for (const auto variable : {process::treeVariable, process::keepVariable, process::reaperVariable}) {
            ::unsetenv(variable.data());
        }
        if (!options_.marker.empty()) ::putenv(const_cast<char*>(options_.marker.c_str()));  // NOLINT: lives until exec
        ::execvp(words[0], words.data());
        const int error = errno;
        static_cast<void>(::write(failure.get(), &error, sizeof error) > 0);
        ::_exit(127);
    }
    failure.reset();
    int error = 0;
    ssize_t got = 0;
    while ((got = ::read(result.get(), &error, sizeof error)) < 0 && errno == EINTR) {
    }
    if (got == static_cast<ssize_t>(sizeof error)) {
        std::fprintf(stderr, "holdfast-reaper: cannot run %s: %s\n", words[0], process::errorText(error));
        say(std::string{"failed "} + process::errorText(error));
        return false;
    }
    mainLives_ = true;
    say("started " + std::to_string(main_));
    return true;
}

/** A resource's reaper outlives its host. One without a name serves a single call of that host, and does not. */
bool Guard::belongsToReaper(pid_t pid) {
    if (process::environmentOf(pid, process::reaperVariable) || process::environmentOf(pid, process::treeVariable))
        return true;
    if (!process::sameProgram(pid)) return false;
    const std::string words = process::readFile(("/proc/" + std::to_string(pid) + "/cmdline").c_str());
    return words.find(std::string{"\0--connection\0", 14}) == std::string::npos;
}

/** Marked as a reaper's, but no reaper's descendant (or we would not look here), and no reaper took it over. */
bool Guard::orphaned(pid_t pid) {
    const auto mark = process::environmentOf(pid, process::treeVariable);
    if (!mark) return false;
    const std::size_t colon = mark->find(':');
    return colon == std::string::npos ||
           !lockHeld(process::Names{mark->substr(0, colon), mark->substr(colon + 1)}.lock);
}

void Guard::reap() {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) {
            if (errno == EINTR) continue;
            childless_ = errno == ECHILD;
            return;
        }
        childless_ = false;
        if (info.si_pid == 0) return;
        if (info.si_pid == main_ && mainLives_) mainEnded(info.si_code != CLD_EXITED, info.si_status);
    }
}

void Guard::mainEnded(bool bySignal, int value) {
    mainLives_ = false;
    bySignal_ = bySignal;
    value_ = value;
    endedAt_ = nextSweep_ = nowMs();
    say((bySignal ? "killed " : "exited ") + std::to_string(value));
    leaveStandard(2, 2);
}

/** Kills what nobody else answers for; proved when none of that is left. */
void Guard::sweep() {
    reap();
    const auto skip = [](pid_t pid) { return belongsToReaper(pid); };
    bool clean = true;
    for (int i = 0; i < 200 && !childless_; ++i) {
        const auto all = process::descendantsOf(::getpid(), skip);
        clean = !all.empty();  // there is a child: who sees none could not look
        orphans_ = false;
        for (const pid_t pid : all) {
            if (belongsToReaper(pid)) {
                orphans_ = orphans_ || orphaned(pid);
                continue;
            }
            clean = false;
            ::kill(pid, SIGKILL);
        }
        reap();
        if (clean) break;
        if (i > 3) ::usleep(50);
    }
    if (childless_) orphans_ = false;
    if ((clean || childless_) && !proved_) {
        proved_ = true;
        say("proved");
    }
    if (orphans_ && nowMs() >= endedAt_ + options_.adoptTimeout) endOrphans();
    nextSweep_ = nowMs() + std::clamp<std::int64_t>((nowMs() - endedAt_) / 8, 1, 200);
}

/** Their reaper is dead and nobody came for them. */
void Guard::endOrphans() {
    const auto skip = [](pid_t pid) {
        return process::environmentOf(pid, process::reaperVariable) || process::sameProgram(pid);
    };
    std::vector<pid_t> ours = process::descendantsOf(::getpid(), skip);
    std::erase_if(ours, [&](pid_t pid) { return skip(pid) || !orphaned(pid); });
    for (const pid_t pid : ours) ::kill(pid, SIGKILL);
}

int Guard::run() {
    if (!start()) return 127;
    // What the program inherited is its own: held here, its end would never show.
    leaveStandard(0, 1);
    closeOthers({signals_.get(), lifeline_.get(), report_.get()});
    while (mainLives_ || !proved_ || orphans_) {
        Poller poller{nowMs()};
        poller.watch(signals_.get(), POLLIN, [this](short) {
            signalfd_siginfo info{};
            while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
                if (info.ssi_signo == SIGTERM) killMainAt_ = 0;
            }
        });
        if (lifeline_)
            poller.watch(lifeline_.get(), POLLIN, [this](short) {
                char byte = 0;
                const ssize_t got = ::read(lifeline_.get(), &byte, 1);
                if (got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR))) return;
                lifeline_.reset();
                killMainAt_ = std::min(killMainAt_, nowMs() + options_.patience);
            });
        if (mainLives_ && killMainAt_ != INT64_MAX) poller.wakeAt(killMainAt_);
        if (!mainLives_) poller.wakeAt(nextSweep_);
        poller.wait();
        reap();
        if (mainLives_ && nowMs() >= killMainAt_) {
            ::kill(main_, SIGKILL);
            killMainAt_ = nowMs() + 100;
        }
        if (!mainLives_) sweep();
    }
    if (!bySignal_) return value_;
    const rlimit none{0, 0};  // one core of the program is enough
    ::setrlimit(RLIMIT_CORE, &none);
    resetSignals();
    ::raise(value_);
    return 128 + value_;
}

}  // namespace holdfast::inline v1::reaper
