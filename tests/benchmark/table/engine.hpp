// SPDX-License-Identifier: BSL-1.0
#pragma once

/// An engine that does as little as possible, so that what is measured is the library.

#include <holdfast/abi/resapi.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace bench {

namespace abi = holdfast::abi;
using Clock = std::chrono::steady_clock;

[[nodiscard]] inline double microseconds(Clock::duration span) {
    return std::chrono::duration<double, std::micro>(span).count();
}

/** A loaded library and its table. Never unloaded. */
class Library {
public:
    /** Throws std::runtime_error. */
    explicit Library(const std::string& file);
    [[nodiscard]] const abi::FunctionsV1& table() const noexcept { return table_->v1; }

private:
    abi::FunctionTable* table_{nullptr};
};

/** One open resource. */
class Resource {
public:
    Resource(const Library& library, const std::string& name);
    Resource(const Resource&) = delete;
    Resource& operator=(const Resource&) = delete;
    ~Resource();
    void open();
    void close();
    /** True if it answered "pending"; `failure` is what it answered. */
    bool online();
    bool offline();
    void terminate() { library_.table().terminate(id_); }
    [[nodiscard]] bool isAlive() const { return library_.table().isAlive(id_) != 0; }
    [[nodiscard]] abi::ResourceId id() const noexcept { return id_; }
    [[nodiscard]] abi::Dword failure() const noexcept { return failure_; }

    /** Waits for the final report of what was begun last; false after 30 s, or if it is "failed". */
    bool finished(abi::ResourceState wanted) const;
    bool bringOnline() { return online() && finished(abi::ResourceState::online); }
    bool takeOffline() { return offline() && finished(abi::ResourceState::offline); }
    /** When that report came. */
    [[nodiscard]] Clock::time_point reportedAt() const {
        return Clock::time_point{Clock::duration{reportedAt_.load(std::memory_order_acquire)}};
    }
    /** Waits until the failure event is signalled; false after 30 s. */
    [[nodiscard]] bool failureSignalled() const;

    void take(abi::ResourceState state) noexcept;  ///< a report, on any thread

private:
    const Library& library_;
    const std::u16string name_;
    abi::ResourceId id_{nullptr};
    abi::Handle event_{nullptr};
    abi::Dword failure_{0};
    std::atomic<abi::ResourceState> state_{abi::ResourceState::offline};
    std::atomic<Clock::rep> reportedAt_{0};
};

/** The checks that have run in this process. */
[[nodiscard]] std::size_t checksSoFar() noexcept;

/** Where the user's code waits: see Stage::waitAtDoor. */
class Door {
public:
    static Door& one();
    void waitInside();
    void open();
    void shut();
    [[nodiscard]] std::size_t inside() const noexcept { return inside_.load(std::memory_order_acquire); }
    /** Waits for so many; false after 60 s. */
    [[nodiscard]] bool waitFor(std::size_t visitors) const;
    /** Waits until nobody is inside; false after 60 s. */
    [[nodiscard]] bool empty() const;

private:
    std::mutex mutex_;  // guards open_
    std::condition_variable opened_;
    bool open_{false};
    std::atomic<std::size_t> inside_{0};
};

/** The program of the `process` resource that was started last; 0: none. */
[[nodiscard]] int takeStarted() noexcept;

/** Waits for what another thread does; false after 60 s. */
template <typename Condition>
bool eventually(const Condition& condition) {
    const auto until = Clock::now() + std::chrono::seconds{60};
    while (!condition()) {
        if (Clock::now() > until) return false;
        std::this_thread::sleep_for(std::chrono::microseconds{100});
    }
    return true;
}

}  // namespace bench
