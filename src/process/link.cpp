// SPDX-License-Identifier: BSL-1.0

#include "link.hpp"

#include "proc.hpp"

#include <holdfast/error.hpp>

#include <chrono>
#include <utility>

namespace holdfast::inline v1::process {
namespace {

constexpr int messagesAtATime = 64;       // so that one talkative program does not keep the others waiting
constexpr std::size_t mostLines = 1'000;  // until somebody takes them

}  // namespace

ProcessExit toExit(const ExitReport& report) {
    const auto kind = report.kind == ExitKind::status   ? ProcessExit::Kind::status
                      : report.kind == ExitKind::signal ? ProcessExit::Kind::signal
                                                        : ProcessExit::Kind::unknown;
    return ProcessExit{kind, report.value, report.coreDumped, report.note};
}

Link::Link(Place place, Context& context, Opened opened)
    : place_{std::move(place)},
      context_{context},
      connection_{std::move(opened.connection)},
      status_{std::move(opened.status)} {
    if (status_.phase == Phase::exited) exit_ = toExit(status_.exit);
}

Status Link::status() const {
    const std::lock_guard lock{mutex_};
    return status_;
}

std::optional<ProcessExit> Link::exit() const {
    const std::lock_guard lock{mutex_};
    return exit_;
}

void Link::awaitExit() const {
    std::unique_lock lock{mutex_};
    heard_.wait_for(lock, std::chrono::milliseconds{200}, [this] { return exit_.has_value(); });
}

void Link::expectEnd() {
    const std::lock_guard lock{mutex_};
    expected_ = true;
}

void Link::onExit(std::function<void(const ProcessExit&)> ended) {
    const std::lock_guard lock{mutex_};
    ended_ = std::move(ended);
}

void Link::onOutput(std::function<void(std::string_view)> take) {
    const std::lock_guard lock{mutex_};
    take_ = std::move(take);
}

void Link::receive() {
    for (int i = 0; i < messagesAtATime && connection_; ++i) {
        const std::string message = connection_->receive(0, nullptr);
        if (message.empty() && !connection_->closed()) return;
        if (!message.empty()) {
            handle(message);
        } else {
            lost();
        }
    }
}

void Link::handle(const std::string& message) {
    Reader in{message};
    switch (static_cast<Message>(in.u8())) {
        case Message::exited: ended(toExit(getExit(in))); return;
        case Message::output: {
            static_cast<void>(in.u8());
            std::string line = in.text();
            const std::lock_guard lock{mutex_};
            if (lines_.size() < mostLines) lines_.push_back(std::move(line));
            return;
        }
        case Message::dropped: context_.warning("{} lines of output left out", in.u32()); return;
        case Message::note: context_.warning("{}", in.text()); return;
        case Message::refused:
            replaced_ = true;
            if (const std::string why = in.text(); !exit()) context_.warning("the reaper: {}", why);
            return;
        default: return;  // of a newer reaper, or an answer nobody waits for any more
    }
}

void Link::ended(ProcessExit exit) {
    const std::lock_guard lock{mutex_};
    if (exit_) return;
    status_.phase = Phase::exited;
    exit_ = std::move(exit);
    heard_.notify_all();
}

/** The reaper is gone. If the program is not, a new one takes it over; the death of a helper is not the death of the resource. */
void Link::lost() {
    connection_.reset();
    Status before;
    {
        const std::lock_guard lock{mutex_};
        if (exit_) return;
        before = status_;
    }
    if (replaced_) return ended({ProcessExit::Kind::unknown, 0, false, "another host took it over"});
    try {
        auto opened = open(place_, Role::owner, true, nullptr);
        const Status& now = opened->status;
        if (now.phase == Phase::running && now.pid == before.pid && now.startTime == before.startTime) {
            context_.warning("the reaper of pid {} died; a new one took it over", now.pid);
            connection_ = std::move(opened->connection);
            return;
        }
        ended({ProcessExit::Kind::unknown, 0, false, "it ended together with its reaper"});
        connection_ = std::move(opened->connection);
    } catch (const std::exception& error) {
        ended({ProcessExit::Kind::unknown, 0, false,
               std::string{"its reaper died, and no other could be started: "} + error.what()});
    } catch (const VersionMismatch&) {
        ended({ProcessExit::Kind::unknown, 0, false, "a reaper of another version took it over"});
    }
}

void Link::deliver() {
    std::unique_lock lock{mutex_};
    const auto take = take_;
    const auto lines = std::exchange(lines_, {});
    lock.unlock();
    for (const auto& line : lines) {
        if (take) {
            take(line);
        } else {
            context_.info("{}", line);
        }
    }
    lock.lock();
    if (!exit_ || told_ || expected_ || !ended_) return;
    told_ = true;
    const auto call = ended_;
    const ProcessExit exit = *exit_;
    lock.unlock();
    call(exit);
}

}  // namespace holdfast::inline v1::process
