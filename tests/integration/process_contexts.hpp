// SPDX-License-Identifier: BSL-1.0
#pragma once

/// A context and an operation without an engine, for tests of processes on every system.

#include <holdfast/context.hpp>
#include <holdfast/operation.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace fixture {

using namespace std::chrono_literals;

constexpr std::chrono::seconds patience{20};

template <typename Condition>
bool eventually(const Condition& condition, std::chrono::milliseconds most = patience) {
    const auto until = std::chrono::steady_clock::now() + most;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= until) return false;
        std::this_thread::sleep_for(2ms);
    }
    return true;
}

class TestContext final : public holdfast::Context {
public:
    explicit TestContext(std::string name = "test") : name_{std::move(name)} {}
    [[nodiscard]] std::string resourceName() const override { return name_; }
    [[nodiscard]] std::string typeName() const override { return "Test"; }
    [[nodiscard]] std::string nodeName() const override { return "node"; }
    [[nodiscard]] holdfast::StopReason stopReason() const noexcept override { return holdfast::StopReason::none; }
    void reportFailure(std::string_view reason) noexcept override { log(holdfast::LogLevel::error, reason); }
    void log(holdfast::LogLevel /*level*/, std::string_view text) noexcept override {
        const std::lock_guard lock{mutex_};
        lines_.emplace_back(text);
    }
    [[nodiscard]] std::vector<std::string> lines() const {
        const std::lock_guard lock{mutex_};
        return lines_;
    }
    [[nodiscard]] bool logged(std::string_view text) const {
        const auto all = lines();
        return std::any_of(all.begin(), all.end(),
                           [&](const auto& line) { return line.find(text) != std::string::npos; });
    }

private:
    const std::string name_;
    mutable std::mutex mutex_;
    std::vector<std::string> lines_;
};

class TestOperation final : public holdfast::Operation {
public:
    [[nodiscard]] bool stopRequested() const noexcept override { return stop_; }
    [[nodiscard]] holdfast::StopReason stopReason() const noexcept override {
        return stop_ ? holdfast::StopReason::terminate : holdfast::StopReason::none;
    }
    [[nodiscard]] holdfast::StopCallback onStop(std::function<void()> /*callback*/) override { return {}; }
    void sleepFor(std::chrono::milliseconds duration) override {
        const auto until = std::chrono::steady_clock::now() + duration;
        while (std::chrono::steady_clock::now() < until) {
            throwIfStopped();
            std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(duration, 5ms));
        }
    }
    void checkpoint(std::string_view step) override {
        throwIfStopped();
        steps.emplace_back(step);
    }
    void stop() { stop_ = true; }
    std::vector<std::string> steps;

private:
    std::atomic<bool> stop_{false};
};

}  // namespace fixture
