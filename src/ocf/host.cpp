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
