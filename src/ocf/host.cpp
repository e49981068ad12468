// SPDX-License-Identifier: BSL-1.0

#include "host.hpp"

#include "connection.hpp"
#include "leftovers.hpp"
#include "process/proc.hpp"
#include "record.hpp"

#include <holdfast/abi/error_table.hpp>
#include <holdfast/exec/entry_points.hpp>

#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

namespace holdfast::inline v1::ocf {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t mostSessions = 256;
constexpr std::chrono::seconds idlePatience{10};

/** What of a budget is kept for the kill and its proof when an operation does not end by itself (L-059). */
milliseconds reserveOf(milliseconds budget) {
    const milliseconds least = std::min<milliseconds>(budget / 3, std::chrono::seconds{1});
    return std::clamp<milliseconds>(budget / 10, least, std::chrono::seconds{10});
}

std::string because(const std::string& text) { return text.empty() ? std::string{} : ": " + text; }

}  // namespace

Host::Host(std::shared_ptr<const AgentType> type, std::string name, std::string instance)
    : type_{std::move(type)},
      instanceName_{std::move(instance)},
      place_{Place::of(instanceName_)},
      logger_{std::make_shared<Logger>(name + "(" + instanceName_ + ")")},
      notifier_{logger_} {
    HostLink::Events events;
    events.reported = [this](core::Status status, Failure failure) {
        boost::asio::post(io_, [this, status, failure = std::move(failure)] { onReported(status, failure); });
    };
    events.failed = [this](std::string reason) {
        boost::asio::post(io_, [this, reason = std::move(reason)] { onFailed(reason); });
    };
    events.clear = [this] { return endLeftovers(place_, instanceName_, *logger_, std::chrono::seconds{5}); };
    events.checked = [this] {
        if (!type_->residentHost()) boost::asio::post(io_, [this] { onChecked(); });
    };
    link_ = std::make_shared<HostLink>(type_, logger_, std::move(events));
}

Host::~Host() = default;

int Host::run(process::Fd firstOrder) {
    // What an agent forks must not keep a dead host's sockets alive: connected to them nobody hears that it is dead.
    static_cast<void>(::fcntl(firstOrder.get(), F_SETFD, FD_CLOEXEC));
    const auto wrong = place_.prepare();
    if (!wrong.empty()) {
        logger_->log(LogLevel::error, wrong);
        return 1;
    }
    // Whoever starts a host has made sure, under the lock, that nobody listens here.
    ::unlink(place_.socket.c_str());
    boost::system::error_code error;
    const boost::asio::local::stream_protocol::endpoint endpoint{place_.socket};
    acceptor_.open(endpoint.protocol(), error);
    if (!error) static_cast<void>(::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC));
    if (!error) acceptor_.non_blocking(true, error);
    const mode_t before = ::umask(0177);
    if (!error) acceptor_.bind(endpoint, error);
    ::umask(before);
    if (!error) acceptor_.listen(128, error);
    if (error) {
        logger_->log(LogLevel::error, "cannot listen at " + place_.socket + ": " + error.message());
        return 1;
    }
    listening_ = true;
    accept();
    Session::Socket socket{io_};
    socket.assign(endpoint.protocol(), firstOrder.release(), error);
    if (error) return 1;
    serve(std::move(socket), true);
    // Nobody ever asks: then nobody will.
    idle_.expires_after(idlePatience);
    idle_.async_wait([this](boost::system::error_code cancelled) {
        if (!cancelled && phase_ == Phase::idle) leave();
    });
    io_.run();
    return 0;
}

// ---- orders ----------------------------------------------------------------------------------------------------------

void Host::accept() {
    acceptor_.async_wait(boost::asio::socket_base::wait_read, [this](boost::system::error_code error) {
        if (error || !listening_) return;
        // Not the library's own accept: it would leave the descriptor to whatever is forked meanwhile.
        process::Fd caller{::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)};
        if (!caller && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
            accepting_.expires_after(milliseconds{50});
            return accepting_.async_wait([this](boost::system::error_code cancelled) {
                if (!cancelled && listening_) accept();
            });
        }
        if (caller) {
            const long user = peerUser(caller.get());
            if (user != 0 && user != static_cast<long>(::geteuid())) {
                logger_->log(LogLevel::warning, fmt::format("a process of user {} was turned away", user));
            } else if (sessions_.size() < mostSessions) {
                Session::Socket socket{io_};
                socket.assign({}, caller.get(), error);
                if (!error) static_cast<void>(caller.release());
                if (!error) serve(std::move(socket), false);
            }
        }
        accept();
    });
}

void Host::serve(Session::Socket socket, bool first) {
    Session::Events events;
    events.heard = [this](const SessionPtr& session, const Message& message) { onOrder(session, message); };
    events.ended = [this, first](const SessionPtr& session) {
        onEnded(session);
        if (first && phase_ == Phase::idle) leave();  // L-073: its action was killed before it could order anything
    };
    sessions_.push_back(std::make_shared<Session>(std::move(socket), std::move(events)));
    sessions_.back()->begin();
}

void Host::onEnded(const SessionPtr& session) {
    const auto of = [&](const Waiter& waiter) { return waiter.session == session; };
    starters_.remove_if(of);  // the start itself goes on; its stop will come
    stoppers_.remove_if(of);
    adopters_.remove_if(of);
    if (held_.remove_if(of) != 0) firstMonitor_ = true;  // the cluster cancelled it: the next one is a new beginning
    sessions_.remove(session);
}

void Host::onOrder(const SessionPtr& session, const Message& order) {
    session->say(Message{}.set("state", "accepted").set("pid", ::getpid()));
    logger_->open(order.get("log-file"), order.get("log-facility"));
    if (const auto node = order.get("node"); !node.empty()) node_ = node;
    const std::string what = order.get("order");
    if (phase_ == Phase::gone) return;  // it ends without an answer: asked again, there is another host or none
    if (what == "start") return start(session, order);
    if (what == "stop") return stop(session, order);
    if (what == "monitor") return monitor(session, order);
    if (what == "adopt") return adopt(session, order);
    if (what == "reload") return reload(session, order);
    answer(session, {Code::unimplemented, "the resident host does not know the order \"" + what + "\""});
}

void Host::start(const SessionPtr& session, const Message& order) {
    if (phase_ == Phase::online && verdict().code == Code::success) {
        return answer(session, {Code::success, {}});  // L-056
    }
    if (phase_ == Phase::stopping && !startFailed_) return answer(session, {Code::generic, "it is being stopped"});
    starters_.push_back({session, {}});
    if (phase_ == Phase::starting || phase_ == Phase::stopping) return;  // the end of what runs is its answer, too
    const milliseconds budget{order.number("budget", 20'000)};
    parameters_ = order.all("parameter:");
    startBudget_ = budget - reserveOf(budget);
    startUntil_ = Clock::now() + startBudget_;
    stopUntil_ = Clock::now() + budget;
    if (phase_ == Phase::adopting) return;  // taken over or not, that goes first
    // Started again without a stop in between: what is broken is ended first.
    if (phase_ == Phase::online || phase_ == Phase::failed) return terminate("a start of a failed resource");
    before_ = order.get("before");
    beginOnline(false);
}

void Host::stop(const SessionPtr& session, const Message& order) {
    stoppers_.push_back({session, {}});
    const milliseconds budget{order.number("budget", 20'000)};
    if (phase_ == Phase::idle) {
        // Of a host that died: taken over if that can be, it ends as gracefully as ever.
        before_ = order.get("before");
        parameters_ = order.all("parameter:");
        stopUntil_ = Clock::now() + budget;
        arm(budget - reserveOf(budget), [this] { terminate("the stop's time is up"); });
        return beginOnline(true);
    }
    if (phase_ == Phase::stopping) {
        stopUntil_ = std::max(stopUntil_, Clock::now() + budget);
        return;
    }
    beginStop(budget);
}

void Host::monitor(const SessionPtr& session, const Message& order) {
    if (phase_ == Phase::adopting || (phase_ == Phase::online && !type_->residentHost())) {
        adopters_.push_back({session, {}});
        return;
    }
    const milliseconds hold{order.number("hold")};
    // One monitor waits, and never a deeper one beside it: the cluster runs one at a time, and waits for the first of each.
    const bool may = hold.count() > 0 && order.number("level") == 0 && instantFailure_ == InstantFailure::monitor &&
                     phase_ == Phase::online;
    // L-123: the cluster waits for the first one, and there is one more whenever it begins to monitor again: after it was
    // restarted, after maintenance. That is seen by the pause.
    const milliseconds interval{order.number("interval")};
    const bool again = Clock::now() - lastMonitor_ > interval + std::max(interval / 2, milliseconds{1000});
    if (hold.count() > 0) lastMonitor_ = Clock::now();
    if (!may || std::exchange(firstMonitor_, false) || again || verdict().code != Code::success) {
        return answer(session, verdict());
    }
    auto timer = std::make_shared<boost::asio::steady_timer>(io_);
    held_.push_back({session, timer});
    timer->expires_after(hold);
    timer->async_wait([this, session](boost::system::error_code cancelled) {
        if (cancelled) return;
        const auto before = held_.size();
        held_.remove_if([&](const Waiter& waiter) { return waiter.session == session; });
        if (held_.size() != before) {
            lastMonitor_ = Clock::now();
            answer(session, verdict());
        }
    });
}

void Host::adopt(const SessionPtr& session, const Message& order) {
    if (phase_ != Phase::idle) return monitor(session, order);
    before_ = order.get("before");
    parameters_ = order.all("parameter:");
    level_ = static_cast<int>(order.number("level"));
    adopters_.push_back({session, {}});
    const milliseconds budget{order.number("budget", 20'000)};
    arm(budget - reserveOf(budget), [this] {
        onNotAdopted({ErrorCode::timeout, false, "what a dead host left could not be looked at in time"});
    });
    beginOnline(true);
}

void Host::reload(const SessionPtr& session, const Message& order) {
    if (phase_ != Phase::online) return answer(session, {Code::generic, "it is not online"});
    try {
        auto read = readParameters(*type_, order.all("parameter:"));
        instance_->changePolicy(type_->policy(read.values));
        instantFailure_ = read.instantFailure;
        firstMonitor_ = true;  // it begins anew, and the cluster waits for it
        parameters_ = order.all("parameter:");
        if (instantFailure_ != InstantFailure::monitor) answerAll(held_, verdict());
        answer(session, {Code::success, {}});
    } catch (const std::exception& error) {
        answer(session, {Code::configured, error.what()});
    }
}

// ---- the resource ----------------------------------------------------------------------------------------------------

void Host::beginOnline(bool adoptOnly) {
    phase_ = adoptOnly ? Phase::adopting : Phase::starting;
    firstMonitor_ = true;
    asked_ = false;
    failure_.clear();
    try {
        // What a monitor looks for is not changed by looking: the record stays as the dead host left it.
        if (!adoptOnly) {
            note("starting");
            arm(std::chrono::duration_cast<milliseconds>(startUntil_ - Clock::now()), [this] {
                const auto step = link_->lastStep();
                onStartFailed({Code::generic, fmt::format("it did not come online within {} ms; last step: {}",
                                                          startBudget_.count(), step.empty() ? "none" : step)});
            });
        }
        instantFailure_ = InstantFailure::monitor;
        for (const auto& [name, value] : parameters_) {
            if (name != instantFailureName) continue;
            if (value == "notify") instantFailure_ = InstantFailure::notify;
            if (value == "off") instantFailure_ = InstantFailure::off;
        }
        link_->prepare(parameters_, adoptOnly, !before_.empty());
        if (id_ == nullptr) {
            id_ = exec::openInstance({instanceName_, type_, link_});
            instance_ = exec::findInstance(id_);
        }
        const auto result = instance_ ? instance_->online(!before_.empty()) : exec::Instance::Result{};
        if (result && (*result == core::Answer::pending || *result == core::Answer::done)) return;
        onReported(core::Status::failed, {ErrorCode::busy, false, "the executor did not take the order"});
    } catch (const std::exception& error) {
        onReported(core::Status::failed, {ErrorCode::outOfResources, false, error.what()});
    }
}

void Host::onReported(core::Status status, const Failure& failure) {
    switch (phase_) {
        case Phase::adopting:
            if (status == core::Status::online) return onAdopted();
            return onNotAdopted(failure);
        case Phase::starting:
            if (status != core::Status::online) return onStartFailed(outcomeOf(failure));
            disarm();
            phase_ = Phase::online;
            asked_ = true;
            note("online");
            answerAll(starters_, {Code::success, {}});
            if (!type_->residentHost()) leave();
            return;
        case Phase::stopping:
            if (terminating_) return;  // its end is proved, not this one's
            if (status == core::Status::offline) return proveDead();
            if (status == core::Status::failed && !proving_) return terminate("offline() failed");
            return;
        default: return;
    }
}

void Host::onStartFailed(Outcome outcome) {
    logger_->log(LogLevel::error, "start failed: " + outcome.reason);
    startFailed_ = std::move(outcome);
    terminate("a start that failed");  // L-057
}

void Host::onAdopted() {
    disarm();
    phase_ = Phase::online;
    asked_ = true;
    note("online");
    answerAll(starters_, {Code::success, {}});
    if (!stoppers_.empty()) return beginStop(std::chrono::duration_cast<milliseconds>(stopUntil_ - Clock::now()));
    if (!type_->residentHost()) return checkOnce();
    logger_->log(LogLevel::warning, "took over the resource of a resident host that is gone");
    answerAll(adopters_, verdict());
}

/** Where nobody stays, "alive" is what a check says now. */
void Host::checkOnce() {
    if (adopters_.empty()) return leave();
    core::Policy policy;
    try {
        policy = type_->policy(readParameters(*type_, parameters_).values);
    } catch (const std::exception& error) {
        answerAll(adopters_, {Code::generic, error.what()});
        return leave();
    }
    policy.checkInterval = milliseconds{10};
    // L-080: level 10 is isAlive(); below it looksAlive(), if the type has its own.
    policy.thoroughEvery = level_ >= 10 || policy.thoroughEvery == 1 ? 1 : 1'000;
    arm(policy.checkTimeout + std::chrono::seconds{1}, [this] {
        answerAll(adopters_, {Code::generic, "its check did not end"});
        leave();
    });
    instance_->changePolicy(policy);
}

void Host::onChecked() {
    if (phase_ != Phase::online || !stoppers_.empty()) return;
    // A negative one is no verdict yet: it may be repaired or tolerated; if not, onFailed() hears of it.
    if (!instance_->lastVerdict().isAlive()) return;
    answerAll(adopters_, {Code::success, {}});
    leave();
}

void Host::onNotAdopted(const Failure& failure) {
    if (phase_ != Phase::adopting) return;
    disarm();
    Outcome outcome{Code::notRunning, {}};
    const auto found = link_->found();
    if (found == Presence::running) {
        outcome = {Code::generic, "it runs, but the agent cannot take it over"};
    } else if (found != Presence::notRunning && !before_.empty()) {
        // L-043: in doubt it is failed; the stop that follows makes sure.
        outcome = {Code::generic, "its resident host died" + because(failure.reason)};
    } else if (const pid_t left = anyLeftover(place_, instanceName_); left != 0) {
        // L-132: it does not serve, and is not stopped.
        outcome = {Code::generic, fmt::format("process {} of it still lives", left)};
    } else if (!before_.empty()) {
        logger_->log(LogLevel::warning, "its resident host died, and nothing of the resource runs");
    }
    answerAll(adopters_, outcome);
    if (!stoppers_.empty() || !starters_.empty()) {
        startFailed_.reset();
        const bool nothing = found == Presence::notRunning || (!found && before_.empty());
        phase_ = Phase::stopping;
        if (nothing) return proveDead();
        // L-058: an agent that could not even be asked cannot have ended it.
        if (!found) unasked_ = failure.reason.empty() ? "the agent could not be asked" : failure.reason;
        // Ended first, whatever it is; a start then begins as if new.
        return terminate("what a dead resident host left");
    }
    leave();
}

void Host::onFailed(std::string reason) {
    if (phase_ != Phase::online) return;
    phase_ = Phase::failed;
    failure_ = reason.empty() ? "it failed" : std::move(reason);
    answerAll(held_, verdict());
    if (!type_->residentHost()) {
        answerAll(adopters_, verdict());
        return leave();
    }
    if (instantFailure_ == InstantFailure::notify) notifier_.notify(instanceName_, node_);
}

void Host::beginStop(milliseconds budget) {
    notifier_.cancel();
    disarm();
    budget = std::max(budget, milliseconds{100});
    stopUntil_ = Clock::now() + budget;
    // What failed, or is not there yet, has nothing to be graceful about.
    const bool graceful = phase_ == Phase::online && verdict().code == Code::success;
    answerAll(starters_, {Code::generic, "it was stopped while it started"});
    answerAll(held_, {Code::generic, "it is being stopped"});
    if (!graceful) return terminate("a stop of what is not online");
    phase_ = Phase::stopping;
    note("stopping");
    arm(budget - reserveOf(budget), [this] {
        const auto step = link_->lastStep();
        logger_->log(LogLevel::warning, "offline did not end in the time a stop has; last step: " + step);
        terminate("the stop's time is up");
    });
    const auto result = instance_->offline();
    if (result && *result == core::Answer::done) return proveDead();
    if (!result || *result != core::Answer::pending) terminate("offline() was not taken");
}

void Host::terminate(const char* why) {
    if (terminating_) return;
    terminating_ = true;
    notifier_.cancel();  // L-127
    disarm();
    phase_ = Phase::stopping;
    note("stopping");
    if (!instance_) {
        terminating_ = false;
        return proveDead();
    }
    // L-058: while its parameters are still read there is no object, and Terminate ends nothing of a dead host's.
    asked_ = asked_ || instance_->hasObject();
    if (!asked_ && !before_.empty() && unasked_.empty()) unasked_ = "the agent could not be asked";
    // On a thread of its own: it waits for the author's terminate().
    std::thread{[this, why, instance = instance_] {
        const auto result = instance->terminate();
        const bool ended = result && *result == core::Answer::done;
        boost::asio::post(io_, [this, why, ended] {
            terminating_ = false;
            if (phase_ != Phase::stopping) return;
            unended_ = ended ? std::string{} : fmt::format("terminate() did not end ({})", why);
            proveDead();
        });
    }}.detach();
}

void Host::proveDead() {
    if (proving_) return;
    proving_ = true;
    disarm();
    const auto left = std::chrono::duration_cast<milliseconds>(stopUntil_ - Clock::now());
    const auto patience =
        std::clamp<milliseconds>(left - milliseconds{50}, milliseconds{500}, std::chrono::seconds{25});
    std::thread{[this, patience] {
        std::string complaint;
        try {
            complaint = endLeftovers(place_, instanceName_, *logger_, patience);
        } catch (const std::exception& error) {
            complaint = error.what();
        }
        boost::asio::post(io_, [this, complaint = std::move(complaint)] { onProved(complaint); });
    }}.detach();
}

void Host::onProved(const std::string& remaining) {
    proving_ = false;
    // Its processes may be dead and what is no process, as a mount, may not.
    const std::string& complaint = remaining.empty() ? unended_ : remaining;
    if (!complaint.empty()) {
        // L-058: not stopped, so not said to be. The next stop tries again.
        logger_->log(LogLevel::error, "not stopped: " + complaint);
        phase_ = Phase::failed;
        note("failed");
        failure_ = "it could not be stopped: " + complaint;
        answerAll(stoppers_, {Code::generic, failure_});
        answerAll(starters_, startFailed_.value_or(Outcome{Code::generic, failure_}));
        startFailed_.reset();
        return;
    }
    if (!unasked_.empty()) {
        // Whatever that agent runs may run still. The record stays; the next action's host asks anew.
        const Outcome doubt{Code::generic, "it could not be ended: " + unasked_};
        logger_->log(LogLevel::error, doubt.reason);
        answerAll(stoppers_, doubt);
        answerAll(starters_, startFailed_.value_or(doubt));
        return leave();
    }
    if (!starters_.empty() && !startFailed_ && stoppers_.empty()) return beginOnline(false);
    ::unlink(place_.record.c_str());
    const Outcome stopped{Code::success, {}};
    answerAll(starters_, startFailed_.value_or(Outcome{Code::generic, "it was stopped while it started"}));
    answerAll(stoppers_, stopped);
    leave();
}

void Host::leave() {
    phase_ = Phase::gone;
    idle_.cancel();
    disarm();
    if (std::exchange(listening_, false)) {
        boost::system::error_code ignored;
        ::unlink(place_.socket.c_str());
        acceptor_.close(ignored);  // NOLINT(bugprone-unused-return-value): told by `ignored`
    }
    for (const auto& session : sessions_) {
        if (session->idle()) continue;
        session->whenIdle([this] { leave(); });
        return;
    }
    io_.stop();
}

// ---- answers ---------------------------------------------------------------------------------------------------------

Host::Outcome Host::verdict() const {
    switch (phase_) {
        case Phase::idle:
        case Phase::gone: return {Code::notRunning, {}};
        case Phase::adopting: return {Code::generic, "it is being looked for"};
        case Phase::starting: {
            return {Code::generic, "it is still starting" + because(link_->lastStep())};
        }
        case Phase::stopping: return {Code::generic, "it is being stopped"};
        case Phase::failed: return {Code::generic, failure_};
        case Phase::online: break;
    }
    if (exec::isHealthy(id_)) return {Code::success, {}};
    const auto reason = link_->lastError();
    return {Code::generic, reason.empty() ? "its verdict is too old" : reason};
}

Host::Outcome Host::outcomeOf(const Failure& failure) {
    Outcome outcome{static_cast<Code>(abi::errorRow(failure.code).ocf), failure.reason};
    // L-045, L-047: the parameters themselves are wrong everywhere; what online() finds may be wrong here alone.
    if (failure.everywhere && failure.code == ErrorCode::configuration) outcome.code = Code::configured;
    if (!failure.everywhere && outcome.code == Code::configured) outcome.code = Code::arguments;
    if (outcome.reason.empty()) outcome.reason = "online failed";
    return outcome;
}

void Host::answer(const SessionPtr& session, const Outcome& outcome) {
    Message message;
    message.set("state", "done").set("code", static_cast<int>(outcome.code)).set("pid", ::getpid());
    if (outcome.code != Code::success && !outcome.reason.empty()) message.set("reason", outcome.reason);
    session->say(message);
}

void Host::answerAll(std::list<Waiter>& waiters, const Outcome& outcome) {
    auto all = std::exchange(waiters, {});
    for (const auto& waiter : all) {
        if (waiter.timer) waiter.timer->cancel();
        answer(waiter.session, outcome);
    }
}

void Host::arm(milliseconds after, std::function<void()> then) {
    deadline_.expires_after(std::max(after, milliseconds{0}));
    // One that had already expired when it was cancelled is told by its number.
    deadline_.async_wait([this, id = ++deadlineId_, then = std::move(then)](boost::system::error_code cancelled) {
        if (!cancelled && id == deadlineId_) then();
    });
}

void Host::disarm() {
    ++deadlineId_;
    deadline_.cancel();
}

void Host::note(const char* phase) {
    // Without it a dead host is taken for none: said, and no reason to fail the resource.
    if (const auto wrong = save(place_.record, ownRecord(phase)); !wrong.empty()) {
        logger_->log(LogLevel::warning, wrong);
    }
}

}  // namespace holdfast::inline v1::ocf
