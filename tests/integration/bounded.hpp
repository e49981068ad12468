// SPDX-License-Identifier: BSL-1.0
#pragma once

/// What tests of misbehaviour need so that a defect fails them instead of hanging them.

#include "scripted_agent.hpp"

#include <catch2/catch_test_case_info.hpp>
#include <catch2/reporters/catch_reporter_event_listener.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define BOUNDED_INSTRUMENTED 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define BOUNDED_INSTRUMENTED 1
#endif
#endif
#if !defined(BOUNDED_INSTRUMENTED)
#define BOUNDED_INSTRUMENTED 0
#endif

namespace bounded {

constexpr bool instrumented = BOUNDED_INSTRUMENTED != 0;

/** What an entry point may take (W-100), and Close with what it does beside its answer. */
constexpr std::chrono::milliseconds entryPoint{300};
constexpr std::chrono::milliseconds lastClose{400};

template <typename Call>
std::chrono::milliseconds timed(const Call& call) {
    const auto start = std::chrono::steady_clock::now();
    call();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

/** Opens the door at the end of the scope, or when `patience` is over: who is stuck behind it comes out late, not never. */
class Release {
public:
    explicit Release(std::shared_ptr<scripted::Door> door, std::chrono::milliseconds patience = std::chrono::seconds{8})
        : door_{std::move(door)}, thread_{[this, patience] {
              std::unique_lock lock{mutex_};
              over_.wait_for(lock, patience, [this] { return ended_; });
              door_->open();
          }} {}
    Release(const Release&) = delete;
    Release& operator=(const Release&) = delete;
    ~Release() { now(); }
    void now() {
        {
            const std::lock_guard lock{mutex_};
            ended_ = true;
        }
        over_.notify_all();
        if (thread_.joinable()) thread_.join();
    }

private:
    const std::shared_ptr<scripted::Door> door_;
    std::mutex mutex_;
    std::condition_variable over_;
    bool ended_{false};
    std::thread thread_;
};

/** Ends the program when one test runs for 50 s: what is stuck by then is stuck for ever. */
class Watchdog final : public Catch::EventListenerBase {
public:
    using EventListenerBase::EventListenerBase;
    void testCaseStarting(const Catch::TestCaseInfo& info) override {
        ended_ = false;
        thread_ = std::thread{[this, name = info.name] {
            std::unique_lock lock{mutex_};
            if (over_.wait_for(lock, std::chrono::seconds{50}, [this] { return ended_; })) return;
            std::fprintf(stderr, "FAILED: \"%s\" has not ended in 50 s\n", name.c_str());
            std::_Exit(EXIT_FAILURE);
        }};
    }
    void testCaseEnded(const Catch::TestCaseStats& /*stats*/) override {
        {
            const std::lock_guard lock{mutex_};
            ended_ = true;
        }
        over_.notify_all();
        thread_.join();
    }

private:
    std::mutex mutex_;
    std::condition_variable over_;
    bool ended_{false};
    std::thread thread_;
};

}  // namespace bounded
