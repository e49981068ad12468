// SPDX-License-Identifier: BSL-1.0
// Where handles are file descriptors; Windows has its own file (boost::asio::windows::object_handle).
#include "monitor/event_watch.hpp"

#include <holdfast/os/process.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::chrono::milliseconds recheck{250};

bool readable(int descriptor) {
    pollfd poll{descriptor, POLLIN, 0};
    return ::poll(&poll, 1, 0) > 0 && (poll.revents & (POLLIN | POLLERR | POLLNVAL)) != 0;
}

}  // namespace

struct EventWatch::State {
    struct Entry {
        Entry(boost::asio::io_context& io, int duplicate, std::function<void()> callback)
            : descriptor{io, duplicate}, timer{io}, signalled{std::move(callback)} {}
        boost::asio::posix::stream_descriptor descriptor;
        boost::asio::steady_timer timer;
        std::function<void()> signalled;
    };

    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
    std::map<std::uint64_t, std::shared_ptr<Entry>> entries;  // only on the thread
    std::set<std::uint64_t> reported;                         // signalled, and not seen unsignalled since
    std::thread thread;

    State() {
        const os::BlockSignals blocked;
        thread = std::thread{[this] { io.run(); }};
    }
    ~State() {
        io.stop();
        thread.join();
    }

    void begin(std::uint64_t key, const std::shared_ptr<Entry>& entry) {
        if (reported.contains(key)) {
            if (readable(entry->descriptor.native_handle())) {
                entry->timer.expires_after(recheck);
                entry->timer.async_wait([this, key, entry](const boost::system::error_code& error) {
                    if (!error && isCurrent(key, entry)) begin(key, entry);
                });
                return;
            }
            reported.erase(key);
        }
        entry->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                     [this, key, entry](const boost::system::error_code& error) {
                                         if (error || !isCurrent(key, entry)) return;
                                         // Asio may hand on what it was told of a descriptor that is closed by now.
                                         if (!readable(entry->descriptor.native_handle())) return begin(key, entry);
                                         entries.erase(key);
                                         reported.insert(key);
                                         entry->signalled();
                                     });
    }

    [[nodiscard]] bool isCurrent(std::uint64_t key, const std::shared_ptr<Entry>& entry) const {
        const auto found = entries.find(key);
        return found != entries.end() && found->second == entry;
    }

    void end(std::uint64_t key) {
        const auto found = entries.find(key);
        if (found == entries.end()) return;
        boost::system::error_code ignored;
        found->second->descriptor.close(ignored);
        found->second->timer.cancel();
        entries.erase(found);
    }
};

EventWatch::EventWatch() : state_{std::make_unique<State>()} {}
EventWatch::~EventWatch() = default;

void EventWatch::watch(std::uint64_t key, abi::Handle handle, std::function<void()> signalled) {
    // Our own duplicate: the agent may close its handle whenever the run has ended (W-323).
    const int duplicate = ::dup(static_cast<int>(reinterpret_cast<std::intptr_t>(handle)));
    if (duplicate < 0) return;
    boost::asio::post(state_->io, [state = state_.get(), key, duplicate, callback = std::move(signalled)]() mutable {
        state->end(key);
        std::shared_ptr<State::Entry> entry;
        try {
            entry = std::make_shared<State::Entry>(state->io, duplicate, std::move(callback));
        } catch (const boost::system::system_error&) {
            ::close(duplicate);  // no file that can be waited for: the polls remain
            return;
        }
        state->entries[key] = entry;
        state->begin(key, entry);
    });
}

void EventWatch::unwatch(std::uint64_t key) {
    boost::asio::post(state_->io, [state = state_.get(), key] { state->end(key); });
}

void EventWatch::forget(std::uint64_t key) {
    boost::asio::post(state_->io, [state = state_.get(), key] {
        state->end(key);
        state->reported.erase(key);
    });
}

}  // namespace holdfast::inline v1::monitor
