// SPDX-License-Identifier: BSL-1.0

#include "watch.hpp"
#include "proc.hpp"

#include "exec/immortal.hpp"

#include <holdfast/error.hpp>
#include <holdfast/os/process.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <utility>

namespace holdfast::inline v1::process {

// Which thread is the watch thread. Plain data: no destructor may stay on a thread (D9).
static thread_local bool onWatchThread = false;

Watch& Watch::instance() { return exec::immortal<Watch>(); }

void Watch::attach(std::shared_ptr<Link> link) {
    const std::lock_guard alone{lifecycle_};
    if (!thread_.joinable()) {
        Fd event{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        if (!event) throw Error::make(ErrorCode::outOfResources, "eventfd: {}", errorText(errno));
        {
            const std::lock_guard lock{mutex_};
            wake_ = std::move(event);
            stopping_ = false;
        }
        const os::BlockSignals inherited;  // D8: signals belong to the host's own threads
        thread_ = std::thread{[this] { run(); }};
    }
    {
        const std::lock_guard lock{mutex_};
        links_.push_back(std::move(link));
    }
    wake();
}

void Watch::detach(const std::shared_ptr<Link>& link) noexcept {
    if (onWatchThread) {  // a callback destroyed its own process: joined by nobody, so the code stays mapped
        const std::lock_guard lock{mutex_};
        std::erase(links_, link);
        os::pinThisModule();
        return;
    }
    {
        std::unique_lock lock{mutex_};
        std::erase(links_, link);
        idle_.wait(lock, [&] { return current_ != link.get(); });
    }
    const std::lock_guard alone{lifecycle_};
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        stopping_ = links_.empty();
    }
    wake();
    if (!stopping_) return;
    thread_.join();
    const std::lock_guard lock{mutex_};
    wake_.reset();
}

void Watch::wake() const noexcept {
    const std::uint64_t one = 1;
    static_cast<void>(::write(wake_.get(), &one, sizeof one) > 0);
}

void Watch::expectEnd(const std::string& socket) {
    const std::lock_guard lock{mutex_};
    for (const auto& link : links_) {
        if (link->place().names.socket == socket) link->expectEnd();
    }
}

void Watch::run() {
    onWatchThread = true;
    std::vector<std::shared_ptr<Link>> links;
    std::vector<pollfd> watched;
    for (;;) {
        {
            const std::lock_guard lock{mutex_};
            if (stopping_) return;
            links = links_;
            watched.assign(1, pollfd{wake_.get(), POLLIN, 0});
            for (const auto& link : links) watched.push_back({link->fd(), POLLIN, 0});  // poll passes over -1
        }
        ::poll(watched.data(), watched.size(), 60'000);
        std::uint64_t count = 0;
        static_cast<void>(::read(watched[0].fd, &count, sizeof count) > 0);
        for (std::size_t i = 0; i < links.size(); ++i) {
            {
                const std::lock_guard lock{mutex_};
                if (std::find(links_.begin(), links_.end(), links[i]) == links_.end()) continue;
                current_ = links[i].get();
            }
            try {
                if (watched[i + 1].revents != 0) links[i]->receive();
                links[i]->deliver();
            } catch (...) {
                // Out of memory, or a callback that throws whatever it likes (W-105): the next message finds the rest.
                if (!std::current_exception()) throw;  // it ends this thread: to swallow that would end the process
            }
            {
                const std::lock_guard lock{mutex_};
                current_ = nullptr;
            }
            idle_.notify_all();
        }
        links.clear();
    }
}

}  // namespace holdfast::inline v1::process
