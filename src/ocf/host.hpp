// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The resident host: the process that holds one OCF resource's object, its executor and its verdict.

#include "code.hpp"
#include "host_link.hpp"
#include "logger.hpp"
#include "notifier.hpp"
#include "place.hpp"
#include "process/fd.hpp"
#include "session.hpp"

#include <holdfast/exec/instance.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace holdfast::inline v1::ocf {

/**
 * Serves the orders of actions until the resource is stopped.
 *
 * @par Thread safety `run` and all that it calls on one thread; the link's events and what ends a resource come there by post.
 */
class Host {
public:
    Host(std::shared_ptr<const AgentType> type, std::string name, std::string instance);
    Host(const Host&) = delete;
    Host& operator=(const Host&) = delete;
    ~Host();

    /** `firstOrder` is a connected socket. Returns the process's exit status; what runs by then is not waited for. */
    int run(process::Fd firstOrder);

private:
    enum class Phase : std::uint8_t {
        idle,      ///< nothing was begun
        adopting,  ///< looks for what a dead host left
        starting,
        online,
        failed,    ///< it was online
        stopping,  ///< for a stop, or to clean up after a start that failed
        gone,      ///< proved; the last answers leave
    };
    using Clock = std::chrono::steady_clock;
    using SessionPtr = std::shared_ptr<Session>;

    struct Waiter {
        SessionPtr session;
        std::shared_ptr<boost::asio::steady_timer> timer;  // of a held monitor
    };
    struct Outcome {
        Code code;
        std::string reason;
    };

    // orders
    void accept();
    void serve(Session::Socket socket, bool first);
    void onOrder(const SessionPtr& session, const Message& order);
    void onEnded(const SessionPtr& session);
    void start(const SessionPtr& session, const Message& order);
    void stop(const SessionPtr& session, const Message& order);
    void monitor(const SessionPtr& session, const Message& order);
    void adopt(const SessionPtr& session, const Message& order);
    void reload(const SessionPtr& session, const Message& order);

    // the resource
    void beginOnline(bool adoptOnly);
    void onReported(core::Status status, const Failure& failure);
    void onStartFailed(Outcome outcome);
    void onAdopted();
    void onNotAdopted(const Failure& failure);
    void onFailed(std::string reason);
    void checkOnce();
    void onChecked();
    void beginStop(std::chrono::milliseconds budget);
    void terminate(const char* why);
    void proveDead();
    void onProved(const std::string& remaining);
    void leave();

    // answers
    /** What of a budget is kept for the kill and its proof when an operation does not end by itself (L-059). */
    [[nodiscard]] static std::chrono::milliseconds reserveOf(std::chrono::milliseconds budget) noexcept;
    /** ": text", or nothing. */
    [[nodiscard]] static std::string because(const std::string& text);
    [[nodiscard]] Outcome verdict() const;
    [[nodiscard]] static Outcome outcomeOf(const Failure& failure);
    void answer(const SessionPtr& session, const Outcome& outcome);
    void answerAll(std::list<Waiter>& waiters, const Outcome& outcome);
    void arm(std::chrono::milliseconds after, std::function<void()> then);
    void disarm();
    void note(const char* phase);

    const std::shared_ptr<const AgentType> type_;
    const std::string instanceName_;
    const Place place_;
    const std::shared_ptr<Logger> logger_;
    boost::asio::io_context io_{1};
    boost::asio::local::stream_protocol::acceptor acceptor_{io_};
    boost::asio::steady_timer deadline_{io_};  ///< of the start or stop under way
    boost::asio::steady_timer idle_{io_};
    boost::asio::steady_timer accepting_{io_};  ///< for want of descriptors
    Notifier notifier_;
    std::shared_ptr<HostLink> link_;
    std::shared_ptr<exec::Instance> instance_;
    abi::ResourceId id_{nullptr};

    Phase phase_{Phase::idle};
    bool listening_{false};
    bool terminating_{false};
    bool proving_{false};
    bool firstMonitor_{true};             ///< L-123: after a start, or a cancelled one, it is answered at once
    Clock::time_point lastMonitor_{};     ///< when the last one that may wait came, or was answered
    std::string before_;                  ///< what an earlier host's record said
    std::string unasked_;                 ///< why the agent could not be asked to end what a dead host left
    bool asked_{false};                   ///< in this run there was an object that could be asked to end it
    std::string unended_;                 ///< why what was asked to end it may go on
    std::string failure_;                 ///< why it is `failed`
    std::optional<Outcome> startFailed_;  ///< what starters are told once all is cleaned up
    Clock::time_point stopUntil_{};
    Clock::time_point startUntil_{};
    std::chrono::milliseconds startBudget_{0};
    std::uint64_t deadlineId_{0};
    int level_{0};  ///< OCF_CHECK_LEVEL of the monitor for which a host is made that does not stay
    Parameters parameters_;
    std::string node_;
    InstantFailure instantFailure_{InstantFailure::monitor};
    std::list<Waiter> starters_;
    std::list<Waiter> stoppers_;
    std::list<Waiter> adopters_;
    std::list<Waiter> held_;
    std::list<SessionPtr> sessions_;
};

}  // namespace holdfast::inline v1::ocf
