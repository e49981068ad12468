// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/control_listener.hpp"
#include "monitor/control_server.hpp"
#include "monitor/control_session.hpp"
#include "monitor/record_feed.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <set>
#include <thread>

namespace holdfast::inline v1::monitor {

/**
 * The control server's thread and all that lives on it.
 *
 * Answers of agents share it: they may come when it has ended. What they post then never runs, and holds no Core.
 */
class ControlServer::Core final : public std::enable_shared_from_this<Core> {
public:
    using Peer = std::shared_ptr<ControlSession>;

    explicit Core(ControlOptions options);
    [[nodiscard]] std::string open(ResourceMonitor& monitor);
    void close();
    void take(const Record& record);

private:
    // On the server's thread, all of them.
    void run();
    void accept();
    void welcome(ControlStream stream);
    void tick();
    void blame(const std::string& why);
    void drain();
    void sessionEnded(const Peer& peer);

    void perform(const Peer& peer, const ControlRequest& request);
    void list(const Peer& peer, const ControlRequest& request);
    void show(const Peer& peer, const ControlRequest& request);
    void want(const Peer& peer, const ControlRequest& request, bool online);
    void fail(const Peer& peer, const ControlRequest& request);
    void set(const Peer& peer, const ControlRequest& request);
    void properties(const Peer& peer, const ControlRequest& request);
    void follow(const Peer& peer, const ControlRequest& request);
    void metrics(const Peer& peer, const ControlRequest& request);
    void reload(const Peer& peer, const ControlRequest& request);
    void stop(const Peer& peer, const ControlRequest& request);
    static void answer(const Peer& peer, const ControlRequest& request, boost::json::value result);
    static void refuse(const Peer& peer, const ControlRequest& request, std::string_view code, std::string text,
                       std::uint32_t win32 = 0);
    /** The resource asked for; null if there is none, and then the peer has been told. */
    [[nodiscard]] std::unique_ptr<ResourceSnapshot> find(const Peer& peer, const ControlRequest& request);

    const ControlOptions options_;
    const std::chrono::system_clock::time_point started_{std::chrono::system_clock::now()};
    RecordFeed feed_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
    ControlListener listener_;
    boost::asio::steady_timer tick_;
    boost::asio::steady_timer retry_;
    ResourceMonitor* monitor_{nullptr};
    std::set<Peer> peers_;
    std::shared_ptr<ControlSession::Owner> owner_;
    std::chrono::steady_clock::time_point blameWindow_;
    std::size_t blamed_{0};    ///< said in this window
    std::size_t unblamed_{0};  ///< not said
    std::thread thread_;
    std::thread reloading_;
    std::atomic<bool> reloads_{false};  ///< a reload is under way
};

}  // namespace holdfast::inline v1::monitor
