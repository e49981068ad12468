// SPDX-License-Identifier: BSL-1.0

#include "watch.hpp"

#include "exec/immortal.hpp"

#include <holdfast/os/process.hpp>

#include <algorithm>
#include <exception>

namespace holdfast::inline v1::process {
namespace {

// Which thread is the watch thread. Plain data: no destructor may stay on a thread (D9).
thread_local bool onWatchThread = false;

void CALLBACK processEnded(void* context, BOOLEAN /*timedOut*/) {
    const auto* const post = static_cast<const EndPost*>(context);
    ::PostQueuedCompletionStatus(post->port, 0, reinterpret_cast<ULONG_PTR>(post->tree), nullptr);
}

}  // namespace

Watch& Watch::instance() { return exec::immortal<Watch>(); }

void Watch::attach(const std::shared_ptr<Tree>& tree) {
    const std::lock_guard alone{lifecycle_};
    if (!thread_.joinable()) {
        Handle port{::CreateIoCompletionPort(INVALID_HANDLE_VALUE, nullptr, 0, 1)};
        if (!port) throw systemError("cannot make a completion port", ::GetLastError());
        {
            const std::lock_guard lock{mutex_};
            port_ = std::move(port);
            stopping_ = false;
        }
        thread_ = std::thread{[this] { run(); }};
    }
    const std::lock_guard lock{mutex_};
    trees_.push_back(tree);
    if (::CreateIoCompletionPort(tree->output(), port_.get(), reinterpret_cast<ULONG_PTR>(tree.get()), 0) == nullptr) {
        trees_.pop_back();
        throw systemError("cannot listen to a program's output", ::GetLastError());
    }
    tree->post = {port_.get(), tree.get()};
    if (::RegisterWaitForSingleObject(&tree->wait, tree->process(), &processEnded, &tree->post, INFINITE,
                                      WT_EXECUTEONLYONCE | WT_EXECUTEINWAITTHREAD) == 0) {
        tree->wait = nullptr;
        trees_.pop_back();
        throw systemError("cannot wait for a program's end", ::GetLastError());
    }
    // The first read is the watch thread's, as is every other.
    ::PostQueuedCompletionStatus(port_.get(), 0, reinterpret_cast<ULONG_PTR>(tree.get()), nullptr);
}

void Watch::detach(const std::shared_ptr<Tree>& tree) noexcept {
    HANDLE wait = nullptr;
    {
        std::unique_lock lock{mutex_};
        std::erase(trees_, tree);
        if (!onWatchThread) idle_.wait(lock, [&] { return current_ != tree.get(); });
        wait = std::exchange(tree->wait, nullptr);
    }
    if (wait != nullptr) ::UnregisterWaitEx(wait, INVALID_HANDLE_VALUE);  // and it waits for its callback
    // The packet of the cancelled read lets go of the buffer.
    ::CancelIoEx(tree->output(), nullptr);
    if (onWatchThread) {  // a callback destroyed its own process: joined by nobody, so the code stays mapped
        os::pinThisModule();
        return;
    }
    const std::lock_guard alone{lifecycle_};
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock{mutex_};
        if (!trees_.empty()) return;
        stopping_ = true;
        ::PostQueuedCompletionStatus(port_.get(), 0, 0, nullptr);
    }
    thread_.join();
    const std::lock_guard lock{mutex_};
    port_.reset();
}

void Watch::wake(const Tree& tree) const noexcept {
    const std::lock_guard lock{mutex_};
    if (port_) ::PostQueuedCompletionStatus(port_.get(), 0, reinterpret_cast<ULONG_PTR>(&tree), nullptr);
}

std::shared_ptr<Tree> Watch::find(const std::string& resource) {
    const std::lock_guard lock{mutex_};
    for (auto i = trees_.rbegin(); i != trees_.rend(); ++i) {
        if ((*i)->resource() == resource) return *i;
    }
    return nullptr;
}

bool Watch::attached(const Tree* tree) const {
    return std::any_of(trees_.begin(), trees_.end(), [&](const auto& known) { return known.get() == tree; });
}

DWORD Watch::untilDue() const {
    const std::lock_guard lock{mutex_};
    const std::int64_t now = nowMs();
    std::int64_t left = 60'000;
    for (const auto& tree : trees_) left = std::min(left, std::max<std::int64_t>(tree->due() - now, 0));
    return static_cast<DWORD>(left);
}

void Watch::run() {
    onWatchThread = true;
    for (;;) {
        DWORD bytes = 0;
        ULONG_PTR key = 0;
        OVERLAPPED* overlapped = nullptr;
        const bool good = ::GetQueuedCompletionStatus(port_.get(), &bytes, &key, &overlapped, untilDue()) != 0;
        const DWORD error = ::GetLastError();
        if (overlapped != nullptr || good) {
            handle(reinterpret_cast<Tree*>(key), overlapped != nullptr, good ? bytes : 0, good ? 0 : error);
        }
        std::vector<std::shared_ptr<Tree>> talkative;
        {
            const std::lock_guard lock{mutex_};
            if (stopping_ && trees_.empty() && reading_.empty()) return;
            for (const auto& tree : trees_) {
                if (tree->due() <= nowMs()) talkative.push_back(tree);
            }
        }
        for (const auto& tree : talkative) handle(tree.get(), false, 0, 0);
    }
}

/** One packet. Whatever it says, the tree is looked at as a whole: a packet too many does no harm. */
void Watch::handle(Tree* key, bool readCompleted, DWORD bytes, DWORD error) {
    std::shared_ptr<Tree> tree;  // also keeps the buffer of a read that was cancelled until here
    {
        const std::lock_guard lock{mutex_};
        if (readCompleted) {
            const auto found = reading_.find(key);
            if (found == reading_.end()) return;
            tree = std::move(found->second);
            reading_.erase(found);
        }
        const auto known = std::find_if(trees_.begin(), trees_.end(), [&](const auto& t) { return t.get() == key; });
        if (known == trees_.end()) return;
        tree = *known;
        current_ = key;
    }
    try {
        if (readCompleted) tree->received(bytes, error);
        tree->sayDropped();
    } catch (...) {
        // Out of memory, or a callback that throws whatever it likes (W-105): that output is lost, the rest is not.
    }
    {
        const std::lock_guard lock{mutex_};
        // A callback may have destroyed it; then nothing more is read.
        if (attached(key) && !reading_.contains(key) && tree->read()) reading_.emplace(key, tree);
    }
    try {
        tree->look();
        tree->deliver();
    } catch (...) {
        // As above; told once is told.
    }
    {
        const std::lock_guard lock{mutex_};
        current_ = nullptr;
    }
    idle_.notify_all();
}

}  // namespace holdfast::inline v1::process
