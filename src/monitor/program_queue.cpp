// SPDX-License-Identifier: BSL-1.0
#include "monitor/program_queue.hpp"

#include <holdfast/os/process.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::size_t longestLine = 500;

/** Cuts what a program writes into lines, and stops listening when there are too many. */
class Lines {
public:
    explicit Lines(std::function<void(std::string)> out) : out_{std::move(out)} {}

    void take(std::string_view text) {
        for (const char c : text) {
            if (c == '\n') {
                end();
            } else if (line_.size() < longestLine) {
                line_.push_back(c);
            }
        }
    }
    void finish() {
        end();
        if (count_ > ProgramQueues::linesPerRun)
            out_(fmt::format("… and {} more lines", count_ - ProgramQueues::linesPerRun));
    }

private:
    void end() {
        if (!line_.empty() && ++count_ <= ProgramQueues::linesPerRun) out_(line_);
        line_.clear();
    }

    std::function<void(std::string)> out_;
    std::string line_;
    std::size_t count_{0};
};

}  // namespace

void ProgramQueues::push(Run run) {
    const std::lock_guard lock{mutex_};
    if (closed_) return;
    // What a group waits for must not wait behind notifications.
    auto& queue = queues_[{run.what + '\0' + run.program.path.string(), run.program.arguments}];
    if (!queue) queue = std::make_unique<Queue>();
    if (queue->runs.size() >= capacity) {
        const auto oldest = std::find_if(queue->runs.begin(), queue->runs.end(), [](const Run& r) { return !r.ended; });
        if (oldest != queue->runs.end()) {
            queue->runs.erase(oldest);  // the latest news are worth more
            ++queue->dropped;
        }
    }
    queue->runs.push_back(std::move(run));
    if (queue->working) return;
    if (queue->worker.joinable()) queue->worker.join();  // it is past its work
    const os::BlockSignals blocked;
    try {
        queue->worker = std::thread{[this, &queue = *queue] { work(queue); }};
        queue->working = true;
    } catch (const std::system_error&) {
        // No thread to be had: the next run tries again.
    }
}

void ProgramQueues::work(Queue& queue) {
    std::unique_lock lock{mutex_};
    while (!queue.runs.empty()) {
        const Run run = std::move(queue.runs.front());
        queue.runs.pop_front();
        const std::size_t dropped = std::exchange(queue.dropped, 0);
        const bool skip = cancelled_;
        lock.unlock();
        if (dropped > 0) {
            said_(run, Level::warning,
                  fmt::format("{} older runs of '{}' were dropped: it cannot keep up", dropped,
                              run.program.path.string()));
        }
        if (!skip) perform(run);
        if (run.ended) run.ended();
        lock.lock();
    }
    queue.working = false;
    idle_.notify_all();
}

void ProgramQueues::perform(const Run& run) {
    os::ChildOrder order;
    order.program = run.program.path;
    order.arguments = run.program.arguments;
    order.environment = run.environment;
    order.timeout = std::chrono::milliseconds{limit_.load()};
    Lines lines{[&](std::string line) { said_(run, Level::information, std::move(line)); }};
    const auto outcome = os::runChild(
        order, [&](std::string_view text) { lines.take(text); }, [this] { return cancelled_.load(); });
    lines.finish();
    if (outcome.good()) return;
    said_(run, outcome.kind == os::ChildOutcome::Kind::notStarted ? Level::error : Level::warning,
          fmt::format("'{}' {}", run.program.path.string(), outcome.toString()));
}

void ProgramQueues::finish(std::chrono::milliseconds patience) {
    std::unique_lock lock{mutex_};
    closed_ = true;
    const auto isIdle = [this] {
        return std::none_of(queues_.begin(), queues_.end(), [](const auto& entry) { return entry.second->working; });
    };
    if (!idle_.wait_for(lock, patience, isIdle)) {
        cancelled_ = true;
        idle_.wait(lock, isIdle);  // bounded: what runs is killed, the rest is skipped
    }
    lock.unlock();
    for (auto& [program, queue] : queues_) {  // nobody pushes any more
        if (queue->worker.joinable()) queue->worker.join();
    }
}

}  // namespace holdfast::inline v1::monitor
