// SPDX-License-Identifier: BSL-1.0

#include "tree.hpp"

#include "process/proc.hpp"
#include "state_file.hpp"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace holdfast::inline v1::reaper {

using process::ExitKind;
using process::ExitReport;
using process::Phase;
using process::Step;

namespace {

constexpr int mostKillsPerPass = 200;

bool isVariable(std::string_view entry, std::string_view name) {
    return entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=';
}

}  // namespace

Tree::Tree(const process::Names* names, Cgroup cgroup, TreeListener& listener)
    : names_{names}, cgroup_{std::move(cgroup)}, listener_{listener} {
    if (names_ != nullptr) leftovers_ = Leftovers{names_->marker, cgroup_};
}

std::vector<std::string> Tree::environment(const process::Order& order) const {
    std::vector<std::string> result;
    for (const auto& entry : order.environment) {
        // An unnamed tree ends with its host, so it keeps the host's mark. A named one outlives it.
        const bool ours = isVariable(entry, process::treeVariable) || isVariable(entry, process::keepVariable) ||
                          isVariable(entry, process::reaperVariable) ||
                          (names_ != nullptr && isVariable(entry, process::hostVariable));
        if (!ours) result.push_back(entry);
    }
    if (names_ != nullptr) {
        result.push_back(names_->marker);
        result.push_back(std::string{process::keepVariable} + (order.adoptable ? "=1:" : "=0:") + order.fingerprint);
    }
    return result;
}

// ---- taking over -------------------------------------------------------------------------------------------------

void Tree::takeOver() {
    if (names_ == nullptr) return;
    const auto saved = restore(names_->state);
    const auto main = saved ? process::readStat(saved->pid) : std::nullopt;
    bool mainLives = main && !main->dead() && main->startTime == saved->startTime;
    if (saved) {
        status_.pid = saved->pid;
        status_.startTime = saved->startTime;
        status_.adoptable = saved->adoptable;
        status_.fingerprint = saved->fingerprint;
        status_.program = saved->program;
    }
    if (mainLives) leftovers_.remember(saved->pid, saved->startTime);
    const auto found = leftovers_.find(mainLives ? saved->pid : 0);
    if (found.empty()) {
        status_ = {};
        ::unlink(names_->state.c_str());
        cgroup_.remove();
        return;
    }
    if (!saved) {
        // The oldest leader of a session is the one we started.
        for (const pid_t pid : found) {
            const auto stat = process::readStat(pid);
            if (!stat || stat->session != pid || (mainLives && stat->startTime >= status_.startTime)) continue;
            mainLives = true;
            status_.pid = pid;
            status_.startTime = stat->startTime;
            const std::string kept = process::environmentOf(pid, process::keepVariable).value_or("0:");
            status_.adoptable = kept.starts_with("1:");
            status_.fingerprint = kept.size() > 2 ? kept.substr(2) : "";
        }
    }
    foreign_ = true;
    proved_ = false;
    status_.takenOver = true;
    status_.phase = mainLives ? Phase::running : Phase::exited;
    status_.exit = ExitReport{ExitKind::unknown, 0, false, "its reaper was replaced"};
    limit_ = process::RateLimit{200, 20, process::nowMs()};
    if (mainLives) mainPidfd_ = process::openPidfd(status_.pid);
    for (const pid_t pid : found) takeOutput(pid);
}

/** The program holds the pipe's reading end, too (launch.hpp): that is how it is told from pipes of its own. */
void Tree::takeOutput(pid_t pid) {
    for (const int number : {1, 2}) {
        const std::string folder = "/proc/" + std::to_string(pid);
        const std::string path = folder + "/fd/" + std::to_string(number);
        struct stat file {};
        if (::stat(path.c_str(), &file) != 0 || !S_ISFIFO(file.st_mode)) continue;
        const std::string info = process::readFile((folder + "/fdinfo/" + std::to_string(number)).c_str());
        const std::size_t flags = info.find("flags:");
        if (flags == std::string::npos) continue;
        if ((std::strtol(info.c_str() + flags + 6, nullptr, 8) & O_ACCMODE) != O_RDWR) continue;
        const bool known = std::any_of(streams_.begin(), streams_.end(), [&](const Stream& stream) {
            struct stat other {};
            return ::fstat(stream.fd.get(), &other) == 0 && other.st_ino == file.st_ino;
        });
        if (known) continue;
        process::Fd fd{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
        if (fd) streams_.push_back({std::move(fd), {}, number});
    }
}

// ---- starting ----------------------------------------------------------------------------------------------------

void Tree::start(const process::Order& order) {
    look();
    if (!proved_ || ending_) {
        listener_.startFailed(Step::busy, EBUSY, survivor() + " of an earlier start still lives");
        return;
    }
    closeStreams();
    if (const std::string complaint = cgroup_.make(); !complaint.empty()) listener_.note(complaint);
    status_ = {};
    Launched launched;
    const LaunchFailure failure = launch(order, environment(order), cgroup_, launched);
    if (failure.step != Step::none) {
        cgroup_.remove();
        listener_.startFailed(failure.step, failure.error, {});
        return;
    }
    proved_ = false;
    childless_ = false;
    status_.phase = Phase::starting;
    status_.pid = launched.pid;
    if (const auto stat = process::readStat(launched.pid)) status_.startTime = stat->startTime;
    status_.adoptable = order.adoptable;
    status_.fingerprint = order.fingerprint;
    status_.program = order.program;
    launching_ = std::move(launched.result);
    streams_.push_back({std::move(launched.output), {}, 1});
    streams_.push_back({std::move(launched.errors), {}, 2});
    limit_ = process::RateLimit{order.outputBurst, order.outputRate, process::nowMs()};
    if (names_ == nullptr) return;
    const SavedTree saved{status_.pid, status_.startTime, order.adoptable, order.fingerprint, order.program};
    if (const std::string complaint = save(names_->state, saved); !complaint.empty()) {
        listener_.note(complaint + "; should this reaper be killed, the tree is found by its environment");
    }
}

void Tree::launchResult() {
    LaunchFailure failure;
    const ssize_t got = ::read(launching_.get(), &failure, sizeof failure);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    launching_.reset();
    if (got != static_cast<ssize_t>(sizeof failure)) {
        if (status_.phase == Phase::starting) status_.phase = Phase::running;
        listener_.started(status_.pid, status_.startTime);
        return;
    }
    status_.phase = Phase::empty;
    launchFailure_ = failure;
    end();  // the child is on its way out; said when it is gone, so that the next start finds nobody
}

void Tree::forget() {
    if (proved_) status_ = {};
}

// ---- running -----------------------------------------------------------------------------------------------------

int Tree::signal(int number) {
    if (number <= 0 || number >= NSIG) return EINVAL;
    if (status_.phase != Phase::running) return ESRCH;
    if (mainPidfd_) return process::signalPidfd(mainPidfd_, number);
    return ::kill(status_.pid, number) == 0 ? 0 : errno;  // our child, not waited for yet: the number is its own
}

void Tree::line(int stream, std::string_view text) {
    const std::int64_t now = process::nowMs();
    if (limit_.allows(now) && !listener_.output(stream, text)) limit_.drop(now);
    sayDropped(false);
}

void Tree::sayDropped(bool now) {
    if (now ? limit_.due() == INT64_MAX : process::nowMs() < limit_.due()) return;
    listener_.dropped(limit_.takeDropped());
}

void Tree::readStream(Stream& stream) {
    char buffer[32 * 1024];
    const ssize_t got = ::read(stream.fd.get(), buffer, sizeof buffer);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    const auto take = [&](std::string_view text) { line(stream.number, text); };
    if (got > 0) {
        stream.lines.add({buffer, static_cast<std::size_t>(got)}, take);
        return;
    }
    stream.lines.finish(take);
    stream.fd.reset();
}

/** What was written before this moment; not more, or a program that never stops writing would hold us here. */
void Tree::drainStreams() {
    for (Stream& stream : streams_) {
        for (int i = 0; i < 4 && stream.fd; ++i) readStream(stream);
    }
}

void Tree::closeStreams() {
    drainStreams();
    for (Stream& stream : streams_) stream.lines.finish([&](std::string_view text) { line(stream.number, text); });
    streams_.clear();
    sayDropped(true);
}

void Tree::mainEnded(const ExitReport& exit) {
    const bool launching = static_cast<bool>(launching_);
    if (launching) launchResult();  // it may have said why
    if (status_.phase == Phase::empty) return;
    drainStreams();  // its last words come before its end
    mainPidfd_.reset();
    status_.phase = Phase::exited;
    status_.exit = exit;
    sayDropped(true);
    listener_.exited(exit);
}

void Tree::reap() {
    for (;;) {
        siginfo_t info{};
        if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG) != 0) {
            if (errno == EINTR) continue;
            childless_ = errno == ECHILD;
            break;
        }
        if (info.si_pid == 0) {
            childless_ = false;
            break;
        }
        const bool isMain = !status_.takenOver && info.si_pid == status_.pid &&
                            (status_.phase == Phase::running || status_.phase == Phase::starting);
        if (!isMain) continue;
        const bool bySignal = info.si_code != CLD_EXITED;
        mainEnded({bySignal ? ExitKind::signal : ExitKind::status, info.si_status, info.si_code == CLD_DUMPED, {}});
    }
    if (mainPidfd_ && process::pidfdEnded(mainPidfd_)) mainEnded(status_.exit);
}

// ---- ending ------------------------------------------------------------------------------------------------------

void Tree::end() {
    if (ending_) return;
    ending_ = true;
    cleanLooks_ = 0;
    endSince_ = nextPass_ = process::nowMs();
    look();
}

/** One round of killing; true if the family is proved dead. */
bool Tree::killPass() {
    if (!proved_) cgroup_.kill();
    // A process that forks as fast as it is killed is killed again at once: its child is ours then.
    for (int i = 0; i < mostKillsPerPass; ++i) {
        reap();
        if (childless_) break;
        bool any = false;
        for (const pid_t pid : process::descendantsOf(::getpid())) any = ::kill(pid, SIGKILL) == 0 || any;
        if (const auto children = process::childrenOf(::getpid()); !any || children.empty()) break;
        if (i > 3) ::usleep(50);
    }
    reap();
    if (foreign_) {
        if (leftovers_.find(status_.phase == Phase::running ? status_.pid : 0).empty()) {
            ++cleanLooks_;
        } else {
            cleanLooks_ = 0;
            leftovers_.kill();
        }
    }
    // One look may miss a process that forks meanwhile.
    return childless_ && (!foreign_ || cleanLooks_ >= 2) && !cgroup_.populated();
}

void Tree::prove() {
    ending_ = false;
    proved_ = true;
    foreign_ = false;
    if (status_.phase == Phase::running) mainEnded(status_.exit);
    closeStreams();
    launching_.reset();
    cgroup_.remove();
    if (names_ != nullptr) ::unlink(names_->state.c_str());
    if (const auto failure = std::exchange(launchFailure_, {}); failure.step != Step::none) {
        status_ = {};
        listener_.startFailed(failure.step, failure.error, {});
    }
    listener_.ended();
}

std::string Tree::survivor() {
    std::vector<pid_t> living = process::descendantsOf(::getpid());
    if (foreign_) {
        for (const pid_t pid : leftovers_.find(0)) living.push_back(pid);
    }
    for (const pid_t pid : cgroup_.processes()) living.push_back(pid);
    for (const pid_t pid : living) {
        const auto stat = process::readStat(pid);
        if (!stat || stat->dead()) continue;
        std::string name = process::readFile(("/proc/" + std::to_string(pid) + "/comm").c_str());
        while (!name.empty() && name.back() == '\n') name.pop_back();
        return "pid " + std::to_string(pid) + " (" + name + ") in state " + stat->state;
    }
    return "a process";
}

void Tree::watch(Poller& poller) {
    if (launching_) poller.watch(launching_.get(), POLLIN, [this](short) { launchResult(); });
    if (mainPidfd_) poller.watch(mainPidfd_.get(), POLLIN, [](short) {});  // look() does the rest
    for (Stream& stream : streams_) {
        if (stream.fd)
            poller.watch(stream.fd.get(), POLLIN, [this, fd = stream.fd.get()](short) {
                for (Stream& now : streams_) {
                    if (now.fd.get() == fd) readStream(now);
                }
            });
    }
    if (ending_) poller.wakeAt(nextPass_);
    if (limit_.due() != INT64_MAX) poller.wakeAt(limit_.due());
}

void Tree::look() {
    reap();
    sayDropped(false);
    // The last of the tree went by itself.
    if (!ending_ && !proved_ && !foreign_ && childless_ && status_.phase == Phase::exited) return end();
    if (!ending_) return;
    const std::int64_t now = process::nowMs();
    if (now < nextPass_ && (foreign_ || !childless_)) return;
    if (killPass()) {
        prove();
        return;
    }
    nextPass_ = process::nowMs() + std::clamp<std::int64_t>((now - endSince_) / 8, 1, 100);
}

}  // namespace holdfast::inline v1::reaper
