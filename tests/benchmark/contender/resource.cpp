// SPDX-License-Identifier: BSL-1.0
#include "resource.hpp"

#include <spawn.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

extern char** environ;

namespace contender {

using Clock = std::chrono::steady_clock;
using bench::Conduct;

Resource::Resource(const std::string& name, abi::ResourceHandle handle)
    : conduct_{bench::conductOf(name)}, handle_{handle}, event_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} {
    if (event_ < 0) throw std::system_error{errno, std::generic_category()};
}

Resource::~Resource() { ::close(event_); }

// ---- entry points ------------------------------------------------------------------------------------------------

abi::Dword Resource::online(abi::Handle* event) {
    std::unique_lock lock{everything()};
    if (state_ != State::offline && state_ != State::failed) return abi::code::invalidState;
    stopThreads(lock);  // of the last run; they have ended by themselves
    stopping_ = false;
    state_ = State::onlinePending;
    if (!begin(worker_, &Resource::bringOnline, lock)) {
        state_ = State::failed;
        return abi::code::noSystemResources;
    }
    if (event != nullptr) *event = reinterpret_cast<abi::Handle>(static_cast<std::intptr_t>(event_));
    return abi::code::ioPending;
}

abi::Dword Resource::offline() {
    std::unique_lock lock{everything()};
    if (state_ == State::offline) return abi::code::success;
    if (state_ == State::onlinePending || state_ == State::offlinePending) return abi::code::invalidState;
    join(worker_, lock, Clock::now() + terminateBudget);
    state_ = State::offlinePending;
    alive_ = false;
    if (!begin(worker_, &Resource::takeOffline, lock)) {
        state_ = State::failed;
        return abi::code::noSystemResources;
    }
    return abi::code::ioPending;
}

void Resource::terminate() {
    {
        std::unique_lock lock{everything()};
        alive_ = false;
        stopThreads(lock);
        state_ = State::offline;
    }
    endProcess();
}

bool Resource::alive() const {
    const std::lock_guard lock{everything()};
    return alive_;
}

abi::Dword Resource::characteristics(void* out, abi::Dword size, abi::Dword* returned) const {
    constexpr abi::Dword none = 0;
    const std::lock_guard lock{everything()};
    if (returned != nullptr) *returned = sizeof none;
    if (out == nullptr || size < sizeof none) return abi::code::moreData;
    std::memcpy(out, &none, sizeof none);
    return abi::code::success;
}

// ---- threads -----------------------------------------------------------------------------------------------------

void Resource::bringOnline() {
    abi::Dword checkPoint = 1;
    report(abi::ResourceState::onlinePending, checkPoint);
    if (conduct_ == Conduct::onlineBlocks) stage().waitAtDoor();
    if (conduct_ == Conduct::process) {
        std::string program = bench::victim;
        std::string argument = bench::victimArgument;
        char* const arguments[] = {program.data(), argument.data(), nullptr};
        int pid = 0;
        if (::posix_spawn(&pid, bench::victim, nullptr, nullptr, arguments, environ) != 0) pid = 0;
        {
            const std::lock_guard lock{everything()};
            process_ = pid;
        }
        stage().started(pid);
    }
    std::unique_lock lock{everything()};
    while (conduct_ == Conduct::onlineWaits && !stopping_) {
        if (changed_.wait_for(lock, heartbeat, [this] { return stopping_; })) break;
        lock.unlock();
        report(abi::ResourceState::onlinePending, ++checkPoint);
        lock.lock();
    }
    std::uint64_t count = 0;
    static_cast<void>(::read(event_, &count, sizeof count));
    const bool good = !stopping_ && begin(poller_, &Resource::poll, lock);  // else no thread is left for its checks
    if (!stopping_) {  // Terminate may have come while the thread was made
        state_ = good ? State::online : State::failed;
        alive_ = good;
        lock.unlock();
        report(good ? abi::ResourceState::online : abi::ResourceState::failed, checkPoint + 1);
        lock.lock();
    }
    worker_.running = false;
    changed_.notify_all();
}

void Resource::takeOffline() {
    report(abi::ResourceState::offlinePending, 1);
    {
        std::unique_lock lock{everything()};
        stopping_ = true;
        changed_.notify_all();
        join(poller_, lock, Clock::now() + terminateBudget);
    }
    endProcess();
    {
        const std::lock_guard lock{everything()};
        state_ = State::offline;
    }
    report(abi::ResourceState::offline, 2);
    const std::lock_guard lock{everything()};
    worker_.running = false;
    changed_.notify_all();
}

void Resource::poll() {
    std::unique_lock lock{everything()};
    while (!changed_.wait_for(lock, pollInterval, [this] { return stopping_; })) {
        lock.unlock();
        const bool good = check();
        lock.lock();
        if (stopping_) break;
        alive_ = good;
        if (good) continue;
        state_ = State::failed;
        const std::uint64_t one = 1;
        static_cast<void>(::write(event_, &one, sizeof one));
        break;
    }
    poller_.running = false;
    changed_.notify_all();
}

bool Resource::check() {
    stage().checked();
    if (conduct_ == Conduct::checkTakesTime) std::this_thread::sleep_for(bench::lengthOfCheck);
    if (conduct_ == Conduct::checkHangs) stage().waitAtDoor();
    if (conduct_ != Conduct::process) return true;
    const std::lock_guard lock{everything()};
    if (process_ <= 0 || ::waitpid(process_, nullptr, WNOHANG) == 0) return process_ > 0;
    process_ = 0;
    return false;
}

// ---- both --------------------------------------------------------------------------------------------------------

void Resource::endProcess() {
    int pid = 0;
    {
        const std::lock_guard lock{everything()};
        pid = std::exchange(process_, 0);
    }
    if (pid <= 0) return;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

void Resource::report(abi::ResourceState state, abi::Dword checkPoint) {
    abi::ResourceStatus status{};
    status.state = state;
    status.checkPoint = checkPoint;
    if (state == abi::ResourceState::online)
        status.eventHandle = reinterpret_cast<abi::Handle>(static_cast<std::intptr_t>(event_));
    engine().setStatus(handle_, &status);
}

void Resource::stopThreads(std::unique_lock<std::mutex>& lock) {
    stopping_ = true;
    changed_.notify_all();
    const auto until = Clock::now() + terminateBudget;
    join(worker_, lock, until);
    join(poller_, lock, until);
}

bool Resource::begin(Thread& thread, void (Resource::*work)(), std::unique_lock<std::mutex>& lock) {
    thread.running = true;
    lock.unlock();
    std::thread made;
    try {
        made = std::thread{[self = shared_from_this(), work] { (self.get()->*work)(); }};
    } catch (const std::system_error&) {  // `made` says so
    }
    lock.lock();
    thread.handle = std::move(made);
    if (thread.handle.joinable()) return true;
    thread.running = false;
    changed_.notify_all();
    return false;
}

void Resource::join(Thread& thread, std::unique_lock<std::mutex>& lock, Clock::time_point until) {
    if (!thread.handle.joinable() && !thread.running) return;
    const bool ended = changed_.wait_until(lock, until, [&] { return !thread.running; });
    std::thread handle = std::exchange(thread.handle, std::thread{});
    if (!handle.joinable()) return;
    if (!ended) {
        handle.detach();  // it keeps the resource alive as long as it needs it
        return;
    }
    lock.unlock();
    handle.join();
    lock.lock();
}

}  // namespace contender
