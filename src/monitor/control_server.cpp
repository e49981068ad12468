// SPDX-License-Identifier: BSL-1.0
// The control socket's connections. What they may ask is in control_verbs.cpp.
#include "monitor/control_server.hpp"

#include "monitor/control_core.hpp"

#include <holdfast/os/process.hpp>
#include <holdfast/version.hpp>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

using Clock = std::chrono::steady_clock;

constexpr auto tickInterval = std::chrono::milliseconds{250};
constexpr auto blameInterval = std::chrono::seconds{10};
constexpr std::size_t mostBlame = 5;

}  // namespace

ControlServer::Core::Core(ControlOptions options)
    : options_{std::move(options)},
      feed_{options_.limits.history},
      work_{io_.get_executor()},
      listener_{io_},
      tick_{io_},
      retry_{io_} {}

std::string ControlServer::Core::open(ResourceMonitor& monitor) {
    if (auto problem = listener_.open(options_.path); !problem.empty()) return problem;
    monitor_ = &monitor;
    owner_ = std::make_shared<ControlSession::Owner>();
    owner_->perform = [this](const Peer& peer, const ControlRequest& request) { perform(peer, request); };
    owner_->ended = [this](const Peer& peer) { sessionEnded(peer); };
    owner_->blame = [this](const std::string& why) { blame(why); };
    blameWindow_ = Clock::now();
    boost::asio::post(io_, [this] {
        accept();
        tick();
    });
    const os::BlockSignals blocked;  // signals are the program's
    thread_ = std::thread{[this] { run(); }};
    return {};
}

/** Without memory a session may end badly; the server goes on. */
void ControlServer::Core::run() {
    for (;;) {
        try {
            io_.run();
            return;
        } catch (const std::exception& error) {
            if (options_.log) options_.log(LogLevel::error, fmt::format("control: {}", error.what()));
        }
    }
}

void ControlServer::Core::close() {
    if (!thread_.joinable()) return;
    boost::asio::post(io_, [this] {
        listener_.close();
        const auto peers = peers_;
        for (const auto& peer : peers) peer->close();
        io_.stop();
    });
    thread_.join();
    if (reloading_.joinable()) reloading_.join();
    peers_.clear();
    listener_.remove();
}

void ControlServer::Core::take(const Record& record) {
    if (feed_.put(record)) boost::asio::post(io_, [this] { drain(); });
}

void ControlServer::Core::accept() {
    listener_.accept([this](const boost::system::error_code& error, ControlStream stream) {
        if (!listener_.isOpen()) return;
        if (!error) {
            accept();  // first: whatever becomes of this one, the next is heard
            return welcome(std::move(stream));
        }
        // No descriptors, most likely: somebody must end first.
        blame("no connection could be taken: " + error.message());
        retry_.expires_after(tickInterval);
        retry_.async_wait([this](const boost::system::error_code& cancelled) {
            if (!cancelled && listener_.isOpen()) accept();
        });
    });
}

void ControlServer::Core::welcome(ControlStream stream) {
    const auto why = strangerAt(stream);
    const bool full = peers_.size() >= options_.limits.connections;
    if (!why.empty() || full) {
        // Told without waiting, and gone: strangers take no place.
        ControlRefusal refusal;
        refusal.code = why.empty() ? "tooManyConnections" : "forbidden";
        refusal.text = why.empty() ? fmt::format("{} connections are open already", peers_.size()) : why;
        sayWithoutWaiting(stream, refusalLine(refusal));
        return blame("a connection was refused: " + refusal.text);
    }
    const auto peer = std::make_shared<ControlSession>(std::move(stream), options_.limits, owner_);
    peers_.insert(peer);
    peer->start(greetingLine(fmt::format("holdfast {}", version()), os::processId()));
}

void ControlServer::Core::tick() {
    tick_.expires_after(tickInterval);
    tick_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) tick();
    });
    const auto now = Clock::now();
    const auto peers = peers_;  // a session may end while it is looked at
    for (const auto& peer : peers) peer->tick(now);
    if (now - blameWindow_ > blameInterval) {
        if (unblamed_ > 0 && options_.log) {
            options_.log(LogLevel::warning, fmt::format("control: {} more like that", unblamed_));
        }
        blameWindow_ = now;
        blamed_ = unblamed_ = 0;
    }
}

/** A peer must not be able to fill the log. */
void ControlServer::Core::blame(const std::string& why) {
    if (blamed_ >= mostBlame) {
        ++unblamed_;
        return;
    }
    ++blamed_;
    if (options_.log) options_.log(LogLevel::warning, "control: " + why);
}

void ControlServer::Core::drain() {
    const auto taken = feed_.take();
    if (taken.records.empty()) return;
    const auto peers = peers_;
    for (const auto& record : taken.records) {
        std::string line;  // made once, and only if somebody sees it
        for (const auto& peer : peers) {
            const auto& filter = peer->filter();
            if (!filter.following || (RecordFeed::isRoutine(*record) && !filter.calls)) continue;
            if (!filter.resource.empty() && filter.resource != record->resource) continue;
            if (line.empty()) line = eventLine(toJson(*record));
            peer->show(line);
        }
    }
    if (taken.lost == 0) return;
    const auto line = eventLine(fmt::format(R"({{"record":"lost","count":{}}})", taken.lost));
    for (const auto& peer : peers) {
        if (peer->filter().following) peer->show(line);
    }
}

void ControlServer::Core::sessionEnded(const Peer& peer) {
    auto& filter = peer->filter();
    if (std::exchange(filter.following, false)) feed_.unfollow(filter.calls);
    peers_.erase(peer);
}

// --- the public face -------------------------------------------------------------------------------------------------

ControlServer::ControlServer(ControlOptions options) : core_{std::make_shared<Core>(std::move(options))} {}
ControlServer::~ControlServer() { core_->close(); }
std::string ControlServer::open(ResourceMonitor& monitor) { return core_->open(monitor); }
void ControlServer::close() { core_->close(); }

void ControlServer::take(const Record& record) noexcept {
    try {
        core_->take(record);
    } catch (const std::bad_alloc&) {
        return;  // a follower misses a line: the monitor goes on
    }
}

}  // namespace holdfast::inline v1::monitor
