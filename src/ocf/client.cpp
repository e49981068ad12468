// SPDX-License-Identifier: BSL-1.0

#include <holdfast/adapters/ocf.hpp>

#include "code.hpp"
#include "connection.hpp"
#include "invocation.hpp"
#include "place.hpp"
#include "process/proc.hpp"
#include "record.hpp"
#include "spawn.hpp"
#include "text.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace holdfast::inline v1::ocf {
namespace {

using process::nowMs;

/** How an action ends. */
struct Result {
    Code code{Code::generic};
    std::string reason;
};

/** How a talk with a host ended. */
struct Answer {
    enum class Kind : std::uint8_t {
        done,   ///< `result`
        late,   ///< it heard, and did not answer in time
        deaf,   ///< it did not even hear: it hangs, or was paused
        ended,  ///< it died, or left
    };
    Kind kind{Kind::ended};
    Result result;
};

/** One action on the way to its exit code. */
class Action {
public:
    Action(const Facts& facts, Invocation call)
        : facts_{facts},
          call_{std::move(call)},
          place_{Place::of(call_.instance)},
          until_{nowMs() + call_.budget().count()} {}

    Result start();
    Result stop();
    Result monitor();
    Result reload();

private:
    [[nodiscard]] std::int64_t left() const { return std::max<std::int64_t>(until_ - nowMs(), 0); }
    /** A host that has not even said "accepted" by then hangs. */
    [[nodiscard]] std::int64_t hearing() const { return nowMs() + std::clamp<std::int64_t>(left() / 3, 200, 10'000); }

    [[nodiscard]] Message order(const char* what) const;
    /** Says `message` and waits for the answer; `accepted` is called when the host has heard. */
    Answer talk(Connection& connection, const Message& message);
    std::string lockPlace();
    Result inNewHost(const char* what, const std::optional<Record>& before);
    [[nodiscard]] bool kill(const Record& record, std::int64_t until) const;
    /** Whether a host that said nothing had the time to. */
    [[nodiscard]] bool patient() const { return call_.budget() >= std::chrono::seconds{3}; }
    void awaitEnd(Connection& connection) const;
    /** Ends a host that hangs or cannot be reached; what is wrong, or nothing. */
    std::string replaceHost();

    const Facts facts_;
    const Invocation call_;
    const Place place_;
    const std::int64_t until_;
    process::Fd lock_;
};

std::string milliseconds(std::int64_t value) { return std::to_string(value) + " ms"; }

Message Action::order(const char* what) const {
    Message message;
    message.set("order", what)
        .set("budget", left())
        .set("instance", call_.instance)
        .set("name", facts_.name)
        .set("provider", call_.provider.empty() ? facts_.provider : call_.provider)
        .set("node", call_.node)
        .set("level", call_.level)
        .set("interval", call_.interval.count())
        .set("log-file", call_.logFile)
        .set("log-facility", call_.logFacility)
        .set("debug", call_.debug ? 1 : 0);
    // L-123: only the cluster's own recurring monitor is held, and never for more than half of its timeout.
    if (call_.action == "monitor" && !call_.isProbe() && call_.fromExecutor && call_.timeout.count() > 0) {
        message.set("hold", std::min<std::int64_t>(call_.timeout.count() / 2, left() * 9 / 10));
    }
    for (const auto& [name, value] : call_.parameters) message.set("parameter:" + name, value);
    return message;
}

Answer Action::talk(Connection& connection, const Message& message) {
    const std::int64_t hearingEnds = hearing();
    // Refused at once is not unheard: it leaves, or has too many to serve.
    if (!connection.send(message, hearingEnds)) {
        return {nowMs() < hearingEnds ? Answer::Kind::ended : Answer::Kind::deaf, {}};
    }
    bool heard = false;
    for (;;) {
        Message answer;
        switch (connection.receive(answer, heard ? until_ : std::min(until_, hearingEnds))) {
            case Connection::Heard::ended: return {Answer::Kind::ended, {}};
            case Connection::Heard::late: return {heard ? Answer::Kind::late : Answer::Kind::deaf, {}};
            case Connection::Heard::message: break;
        }
        if (!heard) lock_.reset();  // from here on others reach the same host
        heard = true;
        if (!answer.has("code")) continue;  // "accepted"
        Result result;
        result.code = static_cast<Code>(answer.number("code", 1));
        result.reason = answer.get("reason");
        if (const auto warning = answer.get("warning"); !warning.empty()) {
            std::fprintf(stderr, "WARNING: %s\n", asciiLine(warning).c_str());
        }
        return {Answer::Kind::done, std::move(result)};
    }
}

/** Between looking for a host and starting one nobody else may do the same. What is wrong, or nothing. */
std::string Action::lockPlace() {
    if (auto wrong = place_.prepare(); !wrong.empty()) return wrong;
    lock_ = process::Fd{::open(place_.lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock_) return "cannot open " + place_.lock + ": " + process::errorText(errno);
    while (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return "cannot lock " + place_.lock + ": " + process::errorText(errno);
        if (left() == 0) return "another action of this resource starts its host and does not get on";
        ::usleep(2'000);
    }
    return {};
}

Result Action::inNewHost(const char* what, const std::optional<Record>& before) {
    std::string wrong;
    bool missing = false;
    process::Fd socket = spawnHost(facts_, place_, call_.instance, wrong, missing);
    // Only a program that is not there is "not installed": short of memory or descriptors, nothing is known (L-043).
    if (!socket) return {missing ? Code::installed : Code::generic, wrong};
    Connection connection{std::move(socket)};
    Message message = order(what);
    if (before) message.set("before", before->phase);
    const Answer answer = talk(connection, message);
    switch (answer.kind) {
        case Answer::Kind::done:
            // It stays for what it started or took over, and for nothing else.
            if ((call_.action == "stop") == (answer.result.code == Code::success)) awaitEnd(connection);
            return answer.result;
        case Answer::Kind::late:
            return {Code::generic, call_.action + " did not end within " + milliseconds(call_.budget().count())};
        case Answer::Kind::deaf:
            return {Code::generic, std::string{"the new resident host "} + facts_.hostProgram + " does not answer"};
        case Answer::Kind::ended: break;
    }
    return {Code::generic, std::string{"the new resident host "} + facts_.hostProgram +
                               " ended without an answer; its log may say why"};
}

bool Action::kill(const Record& record, std::int64_t until) const {
    const process::Fd pidfd = process::openPidfd(record.pid);
    // The number may be a stranger's by now (L-134): looked at after the pidfd holds whoever it is.
    if (!lives(record)) return true;
    if (!pidfd) return false;
    if (process::signalPidfd(pidfd, SIGKILL) != 0 && !process::pidfdEnded(pidfd)) return false;
    pollfd entry{pidfd.get(), POLLIN, 0};
    while (!process::pidfdEnded(pidfd) && nowMs() < until) ::poll(&entry, 1, 20);
    return process::pidfdEnded(pidfd);
}

std::string Action::replaceHost() {
    std::vector<Record> hosts;
    if (const auto record = restore(place_.record); record && lives(*record)) hosts.push_back(*record);
    // One whose start was killed has no record yet, and one may live whose files somebody removed. What leaves may do so.
    const std::int64_t leaving = nowMs() + std::min<std::int64_t>(left() / 10, 200);
    auto unrecorded = hostsOf(place_, call_.instance);
    while (hosts.empty() && !unrecorded.empty() && nowMs() < leaving) {
        ::usleep(2'000);
        unrecorded = hostsOf(place_, call_.instance);
    }
    for (const pid_t pid : unrecorded) {
        const auto stat = process::readStat(pid);
        if (stat && (hosts.empty() || hosts.front().pid != pid)) hosts.push_back({pid, stat->startTime, {}, {}});
    }
    for (const Record& host : hosts) {
        std::fprintf(stderr, "WARNING: the resident host (pid %d) does not answer; it is replaced\n",
                     static_cast<int>(host.pid));
        if (!kill(host, nowMs() + std::max<std::int64_t>(left() / 4, 100)))
            return "the resident host (pid " + std::to_string(host.pid) + ") hangs and cannot be killed";
    }
    return {};
}

/** A host that leaves is gone when its end of the talk is. */
void Action::awaitEnd(Connection& connection) const {
    Message ignored;
    while (connection.receive(ignored, std::min(until_, nowMs() + 1'000)) == Connection::Heard::message) {
    }
}

Result Action::start() {
    for (int attempt = 0; attempt < 3; ++attempt) {
        if (auto wrong = lockPlace(); !wrong.empty()) return {Code::generic, wrong};
        Reached host = reach(place_.socket);
        if (!host.complaint.empty()) return {Code::permission, host.complaint};
        if (!host.socket) {
            if (auto wrong = replaceHost(); !wrong.empty()) return {Code::generic, wrong};
            return inNewHost("start", restore(place_.record));
        }
        Connection connection{std::move(host.socket)};
        const Answer answer = talk(connection, order("start"));
        if (answer.kind == Answer::Kind::done) {
            if (answer.result.code != Code::success) awaitEnd(connection);
            return answer.result;
        }
        if (answer.kind == Answer::Kind::late) {
            return {Code::generic, "start did not end within " + milliseconds(call_.budget().count())};
        }
        if (answer.kind == Answer::Kind::deaf) {
            if (auto wrong = replaceHost(); !wrong.empty()) return {Code::generic, wrong};
        }
        lock_.reset();  // ended: it was about to leave, or died
    }
    return {Code::generic, "the resident host ends again and again"};
}

Result Action::monitor() {
    Reached host = reach(place_.socket);
    if (!host.complaint.empty()) return {Code::generic, host.complaint};
    if (host.socket) {
        Connection connection{std::move(host.socket)};
        const Answer answer = talk(connection, order("monitor"));
        if (answer.kind == Answer::Kind::done) return answer.result;
        // L-060: one that is merely slow is not to die of a monitor's short timeout.
        if (answer.kind == Answer::Kind::late || (answer.kind == Answer::Kind::deaf && !patient())) {
            return {Code::generic, "the resident host did not answer within " + milliseconds(call_.budget().count())};
        }
    }
    // Nobody there: a killed host, or nothing at all. The evidence and the agent's probe() tell (L-043, L-061).
    if (::access(place_.parent.c_str(), F_OK) != 0) return {Code::notRunning, {}};  // nothing was ever started
    if (auto wrong = lockPlace(); !wrong.empty()) {
        if (call_.isProbe() && !restore(place_.record) && !place_.prepare().empty()) return {Code::notRunning, {}};
        return {Code::generic, wrong};
    }
    host = reach(place_.socket);
    if (host.socket) {  // another action has started one meanwhile
        Connection connection{std::move(host.socket)};
        const Answer answer = talk(connection, order("monitor"));
        if (answer.kind == Answer::Kind::done) return answer.result;
        if (answer.kind == Answer::Kind::late || (answer.kind == Answer::Kind::deaf && !patient()) ||
            (answer.kind == Answer::Kind::ended && reach(place_.socket).socket)) {
            return {Code::generic,
                    "the resident host does not answer this action"};  // it lives, and has too many to serve
        }
        if (!lock_) return {Code::generic, "the resident host ended while it was asked"};
    }
    if (auto wrong = replaceHost(); !wrong.empty()) return {Code::generic, wrong};
    const auto before = restore(place_.record);
    Result result = inNewHost("adopt", before);
    // L-061: where the software is missing and nothing was started, nothing runs.
    if (!before && call_.isProbe() && result.code == Code::installed) result.code = Code::notRunning;
    return result;
}

Result Action::stop() {
    // Two attempts: the first host may die of it.
    for (int attempt = 0; attempt < 2; ++attempt) {
        Reached host = reach(place_.socket);
        if (!host.complaint.empty()) return {Code::generic, host.complaint};
        if (!host.socket) break;
        Connection connection{std::move(host.socket)};
        const Answer answer = talk(connection, order("stop"));
        if (answer.kind == Answer::Kind::done) {
            if (answer.result.code == Code::success) awaitEnd(connection);
            return answer.result;
        }
        if (answer.kind == Answer::Kind::late) {
            return {Code::generic, "stop did not end within " + milliseconds(call_.budget().count())};
        }
        if (answer.kind == Answer::Kind::deaf) break;
    }
    // L-058: what was never started here is stopped, whatever else is wrong.
    if (::access(place_.parent.c_str(), F_OK) != 0) return {Code::success, {}};
    const bool known = restore(place_.record).has_value();
    if (auto wrong = lockPlace(); !wrong.empty()) {
        // Where there cannot have been a host nothing was started; where another action is starting one it may be.
        return known || place_.prepare().empty() ? Result{Code::generic, wrong} : Result{Code::success, {}};
    }
    if (Reached host = reach(place_.socket); host.socket) {  // another action has started one meanwhile
        Connection connection{std::move(host.socket)};
        const Answer answer = talk(connection, order("stop"));
        if (answer.kind == Answer::Kind::done) {
            if (answer.result.code == Code::success) awaitEnd(connection);
            return answer.result;
        }
        if (answer.kind == Answer::Kind::late) {
            return {Code::generic, "stop did not end within " + milliseconds(call_.budget().count())};
        }
        if (!lock_) return {Code::generic, "the resident host ended while it stopped"};
    }
    if (auto wrong = replaceHost(); !wrong.empty()) return {Code::generic, wrong};
    const auto before = restore(place_.record);
    Result result = inNewHost("stop", before);
    if (!before && result.code == Code::installed) result = {Code::success, {}};
    return result;
}

Result Action::reload() {
    Reached host = reach(place_.socket);
    if (!host.complaint.empty()) return {Code::generic, host.complaint};
    if (!host.socket) {
        // Nobody resident holds the old values; whoever looks next reads the new ones.
        if (const auto record = restore(place_.record); record && record->phase == "online") return {Code::success, {}};
        return {Code::notRunning, "there is nothing to reload: it was not started here"};
    }
    Connection connection{std::move(host.socket)};
    const Answer answer = talk(connection, order("reload"));
    if (answer.kind == Answer::Kind::done) return answer.result;
    return {Code::generic, "the resident host did not answer"};
}

/** The author's code answers: meta-data, validate-all, help. Returns only if it cannot. */
int handOver(const Facts& facts, const std::vector<std::string>& arguments) {
    std::vector<char*> argv{const_cast<char*>(facts.hostProgram)};
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execv(facts.hostProgram, argv.data());
    std::fprintf(stderr, "ocf-exit-reason:cannot execute %s: %s\n", facts.hostProgram, process::errorText(errno));
    return static_cast<int>(errno == EACCES ? Code::permission : Code::installed);
}

}  // namespace

int runAction(const Facts& facts, const std::vector<std::string>& arguments) {
    ::signal(SIGPIPE, SIG_IGN);
    ::umask(0022);
    Invocation call = readInvocation(arguments, environmentFrom(environ));
    const std::string action = call.action;
    for (const char* const own :
         {"meta-data", "validate-all", "usage", "help", "--help", "-h", "--version", "methods"}) {
        if (action == own) return handOver(facts, arguments);
    }
    for (const auto& warning : call.warnings) std::fprintf(stderr, "WARNING: %s\n", asciiLine(warning).c_str());
    Result result;
    if (action != "start" && action != "stop" && action != "monitor" && action != "reload-agent") {
        const std::string said = action.empty() ? "no action was given" : "there is no action \"" + action + "\"";
        std::fprintf(stderr, "usage: %s {start|stop|monitor|meta-data|validate-all|reload-agent}; --help says more\n",
                     facts.name);
        result = {Code::unimplemented, said};
    } else if (!call.complaint.empty() && action != "stop") {
        result = {Code::generic, call.complaint};
    } else {
        Action work{facts, std::move(call)};
        if (action == "start") result = work.start();
        if (action == "stop") result = work.stop();
        if (action == "monitor") result = work.monitor();
        if (action == "reload-agent") result = work.reload();
    }
    // L-110: the last one counts; one short line (L-112).
    if (!result.reason.empty()) std::fprintf(stderr, "ocf-exit-reason:%s\n", asciiLine(result.reason).c_str());
    return static_cast<int>(result.code);
}

}  // namespace holdfast::inline v1::ocf
