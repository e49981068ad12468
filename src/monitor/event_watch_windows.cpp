// SPDX-License-Identifier: BSL-1.0
// Where handles are kernel objects: the system's pool of waiting threads takes any number of them, each for as long as it likes.
#include "monitor/event_watch.hpp"

#include "os/windows_handle.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/windows/object_handle.hpp>

#include <chrono>
#include <map>
#include <set>
#include <thread>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::chrono::milliseconds recheck{250};

}  // namespace

struct EventWatch::State {
    struct Entry {
        Entry(boost::asio::io_context& io, HANDLE duplicate, std::function<void()> callback)
            : handle{io, duplicate}, timer{io}, signalled{std::move(callback)} {}
        boost::asio::windows::object_handle handle;  // RegisterWaitForSingleObject underneath: no limit of 64
        boost::asio::steady_timer timer;
        std::function<void()> signalled;
    };

    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work{io.get_executor()};
    std::map<std::uint64_t, std::shared_ptr<Entry>> entries;  // only on the thread
    std::set<std::uint64_t> reported;                         // signalled, and not seen unsignalled since
    std::thread thread{[this] { io.run(); }};

    ~State() {
        boost::asio::post(io, [this] {
            entries.clear();
            io.stop();
        });
        thread.join();
    }

    void begin(std::uint64_t key, const std::shared_ptr<Entry>& entry) {
        if (reported.contains(key)) {
            // Looked at only once it was reported: an agent's auto-reset event would lose its signal by it (W-323).
            if (::WaitForSingleObject(entry->handle.native_handle(), 0) == WAIT_OBJECT_0) {
                entry->timer.expires_after(recheck);
                entry->timer.async_wait([this, key, entry](const boost::system::error_code& error) {
                    if (!error && isCurrent(key, entry)) begin(key, entry);
                });
                return;
            }
            reported.erase(key);
        }
        entry->handle.async_wait([this, key, entry](const boost::system::error_code& error) {
            if (error || !isCurrent(key, entry)) return;
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
        found->second->handle.close(ignored);
        found->second->timer.cancel();
        entries.erase(found);
    }
};

EventWatch::EventWatch() : state_{std::make_unique<State>()} {}
EventWatch::~EventWatch() = default;

void EventWatch::watch(std::uint64_t key, abi::Handle handle, std::function<void()> signalled) {
    // Our own duplicate: the agent may close its handle whenever the run has ended (W-323).
    HANDLE copy = nullptr;
    if (::DuplicateHandle(::GetCurrentProcess(), handle, ::GetCurrentProcess(), &copy, SYNCHRONIZE, FALSE, 0) == 0)
        return;
    boost::asio::post(state_->io, [state = state_.get(), key, copy, callback = std::move(signalled)]() mutable {
        os::WindowsHandle duplicate{copy};
        state->end(key);
        std::shared_ptr<State::Entry> entry;
        try {
            entry = std::make_shared<State::Entry>(state->io, duplicate.get(), std::move(callback));
        } catch (const boost::system::system_error&) {
            return;  // nothing that can be waited for: the polls remain
        }
        static_cast<void>(duplicate.release());
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
