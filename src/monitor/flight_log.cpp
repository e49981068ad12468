// SPDX-License-Identifier: BSL-1.0
#include "monitor/flight_log.hpp"

#include <holdfast/os/child.hpp>

#include <fmt/format.h>

#include <exception>
#include <string_view>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::size_t mostTasks = 8;
constexpr std::size_t mostOutput = 4U << 20U;

}  // namespace

FlightLog::FlightLog(std::filesystem::path folder, std::filesystem::path stacksProgram)
    : folder_{std::move(folder)}, stacksProgram_{std::move(stacksProgram)} {}

FlightLog::~FlightLog() {
    ending_.store(true, std::memory_order_release);
    for (Task& task : tasks_) task.thread.join();
}

void FlightLog::leave(std::chrono::milliseconds patience) {
    ending_.store(true, std::memory_order_release);
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (const Task& task : tasks_) {
        while (!task.done.load(std::memory_order_acquire) && std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
}

void FlightLog::joinDone() {
    for (auto task = tasks_.begin(); task != tasks_.end();) {
        if (!task->done.load(std::memory_order_acquire)) {
            ++task;
            continue;
        }
        task->thread.join();
        task = tasks_.erase(task);
    }
}

bool FlightLog::write(Order order) {
    joinDone();
    if (ending_.load(std::memory_order_relaxed) || tasks_.size() >= mostTasks) return false;
    Task& task = tasks_.emplace_back();
    try {
        task.thread = std::thread{[this, &task, taken = std::move(order)] {
            try {
                perform(taken);
            } catch (...) {  // out of memory; what hangs is killed by its timer then
            }
            task.done.store(true, std::memory_order_release);
        }};
    } catch (const std::exception&) {  // no thread to be had
        tasks_.pop_back();
        return false;
    }
    return true;
}

void FlightLog::perform(const Order& order) {
    std::string stacks;
    std::string problem;
    if (order.stacks && !hasStacks()) problem = "holdfast-stacks is not installed";
    if (order.stacks && hasStacks()) {
        os::ChildOrder child;
        child.program = stacksProgram_;
        child.arguments = {std::to_string(order.incident.process)};
        child.timeout = stacksPatience;
        const auto outcome = os::runChild(
            child, [&](std::string_view text) { stacks.append(text.substr(0, mostOutput - stacks.size())); },
            [this] { return ending_.load(std::memory_order_acquire); });
        if (!outcome.good()) problem = "holdfast-stacks: " + outcome.toString();
        if (!outcome.good() && order.interrupted) order.interrupted();
    }
    if (order.taken) order.taken();
    std::string said;
    try {
        const std::string lines = stackLines(stacks, problem);
        const auto file = writeFlightFile(folder_, order.incident, flightText(order.incident, order.memory) + lines);
        said = fmt::format("{}: {}; what was recorded is in {}", order.incident.host, order.incident.reason,
                           file.string());
        if (!problem.empty()) said += fmt::format(" (no stacks, or not all: {})", problem);
    } catch (const std::exception& error) {
        said = fmt::format("{}: {}; what was recorded is lost: {}", order.incident.host, order.incident.reason,
                           error.what());
    }
    if (order.said) order.said(std::move(said));
}

}  // namespace holdfast::inline v1::monitor
