// SPDX-License-Identifier: BSL-1.0
#include "monitor/host_process.hpp"

#include "monitor/host_protocol.hpp"

#include <holdfast/os/process.hpp>
#include <holdfast/version.hpp>

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include <algorithm>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

using Error = boost::system::error_code;

constexpr std::chrono::seconds greetingPatience{20};
constexpr std::chrono::milliseconds hungUpPatience{2'000};
constexpr std::chrono::seconds provingPatience{30};
constexpr std::size_t longestLine = 2'000;

}  // namespace

HostProcess::HostProcess(boost::asio::io_context& io, HostProcessOrder order, Events events)
    : io_{io}, order_{std::move(order)}, events_{std::move(events)}, frames_{io}, output_{io}, timer_{io} {}

void HostProcess::start() {
    const auto self = shared_from_this();  // who hears that nothing is left lets go of it
    const std::weak_ptr<HostProcess> weak = self;
    HostLife::Events events;
    events.ended = [weak](HostEnd end) {
        if (const auto process = weak.lock()) process->die(std::move(end));
    };
    events.proved = [weak] {
        if (const auto process = weak.lock()) process->prove();
    };
    events.unkillable = [weak](const std::string& text) {
        if (const auto process = weak.lock()) process->events_.unkillable(text);
    };
    life_ = HostLife::make(io_, order_, std::move(events));
    try {
        life_->start(frames_, output_);
    } catch (const std::exception& error) {
        // Later, and with us held: whoever hears that it is proved lets go of us, and may start another at once.
        boost::asio::post(io_, [self, problem = std::string{error.what()}] {
            HostEnd end;
            end.problem = problem;
            self->die(std::move(end));
            self->prove();
        });
        return;
    }
    send(
        protocol::write(protocol::Hello{protocol::lowest, protocol::highest, std::string{version()}, os::processId()}));
    readFrames();
    readLines();
    timer_.expires_after(greetingPatience);
    timer_.async_wait([self](const Error& error) {
        if (!error && !self->ready_) self->kill("it did not say hello");
    });
}

// --- frames -------------------------------------------------------------------------------------------------------------

void HostProcess::send(std::string frame) {
    if (dead_) return;
    outgoing_.push_back(std::move(frame));
    if (!writing_) writeFrames();
}

void HostProcess::writeFrames() {
    writing_ = !outgoing_.empty() && frames_.is_open();
    if (!writing_) return;
    boost::asio::async_write(frames_, boost::asio::buffer(outgoing_.front()),
                             [self = shared_from_this()](const Error& error, std::size_t) {
                                 self->writing_ = false;
                                 if (error || self->dead_) return self->outgoing_.clear();
                                 self->outgoing_.pop_front();
                                 self->writeFrames();
                             });
}

void HostProcess::readFrames() {
    frames_.async_read_some(boost::asio::buffer(buffer_),
                            [self = shared_from_this()](const Error& error, std::size_t count) {
                                if (error) {
                                    // A host that hangs up lives on for a moment at most, or it is not well.
                                    if (!self->dead_) self->armKill();
                                    return self->life_->rouse();
                                }
                                self->cutter_.add({self->buffer_.data(), count});
                                while (const auto frame = self->cutter_.next()) {
                                    if (self->dead_) break;
                                    FrameReader reader{frame->body};
                                    if (frame->kind == FrameKind::refuse) {
                                        self->kill(reader.text());
                                    } else if (!self->ready_) {
                                        const auto hello = protocol::readHello(reader);
                                        if (frame->kind != FrameKind::hello || !reader.good()) {
                                            self->kill("its first words were no hello");
                                            break;
                                        }
                                        self->ready_ = true;
                                        self->process_ = hello.process;
                                        self->timer_.cancel();
                                        if (self->left_) self->awaitLeaving();
                                        self->events_.ready();
                                    } else {
                                        self->events_.frame(*frame);
                                    }
                                }
                                if (self->cutter_.broken())
                                    return self->killSpoiled("it sent what is no frame of the host protocol");
                                self->readFrames();
                            });
}

/** What the host and its agents print. */
void HostProcess::readLines() {
    output_.async_read_some(boost::asio::buffer(lines_), [self = shared_from_this()](const Error& error,
                                                                                     std::size_t count) {
        std::string& pending = self->pendingLine_;
        pending.append(self->lines_.data(), count);
        for (std::size_t end = 0; (end = pending.find('\n')) != std::string::npos || pending.size() > longestLine;) {
            const std::size_t length = std::min(end, longestLine);
            std::string line = pending.substr(0, length);
            pending.erase(0, length + (end == length ? 1 : 0));
            if (!line.empty() && line.back() == '\r') line.pop_back();
            self->events_.said(std::move(line));
        }
        if (!error) return self->readLines();
        if (!pending.empty()) self->events_.said(std::exchange(pending, {}));
    });
}

// --- its end ------------------------------------------------------------------------------------------------------------

void HostProcess::kill(std::string why) {
    if (dead_) return;
    if (why_.empty()) why_ = std::move(why);
    life_->kill();
    if (std::exchange(killed_, true)) return;  // its patience runs already
    armKill();
}

void HostProcess::killSpoiled(std::string why) {
    spoiled_ = spoiled_ || (ready_ && !killed_ && !left_);
    kill(std::move(why));
}

/** What was told to die, or has hung up, gets a moment; then it is killed by every means there is. */
void HostProcess::armKill() {
    timer_.expires_after(killed_ ? order_.killPatience : hungUpPatience);
    timer_.async_wait([self = shared_from_this()](const Error& error) {
        if (error || self->dead_) return;
        if (!self->killed_) return self->killSpoiled("it hung up");
        self->events_.unkillable(fmt::format("host {} was killed and does not die{}", self->process_,
                                             self->why_.empty() ? "" : ": " + self->why_));
        self->life_->killHard();
    });
}

void HostProcess::leave() {
    FrameWriter frame{FrameKind::leave};
    send(frame.take());
    left_ = true;
    if (ready_ && !killed_ && !dead_) awaitLeaving();
}

/** Who comes next in its place waits for its end; a host that is stopped, say, would never take its leave. */
void HostProcess::awaitLeaving() {
    timer_.expires_after(order_.killPatience);
    timer_.async_wait([self = shared_from_this()](const Error& error) {
        if (!error) self->kill("it was told to leave and did not");
    });
}

void HostProcess::die(HostEnd end) {
    if (dead_) return;
    dead_ = true;
    if (!writing_) outgoing_.clear();  // a write under way still holds the first
    timer_.expires_after(provingPatience);
    timer_.async_wait([self = shared_from_this()](const Error& error) {
        if (!error && !self->proved_) self->events_.unkillable("what a dead host left behind does not die");
    });
    Error ignored;
    frames_.close(ignored);
    if (const CallBoard* const board = life_->board(); board != nullptr) {
        end.noted = board->ending.load(std::memory_order_acquire);
        end.notedNumber = board->number;
        end.blamed = board->lastAtWork();
        end.atWork = board->atWork();
        settle(end, ready_);
    }
    if (!why_.empty()) end.problem = why_;
    // Its farewell is for a monitor that is gone; this one is not, so somebody in it closed the connection.
    const bool parted = ready_ && !left_ && end.noted == CallBoard::Ending::farewell;
    if (parted && end.problem.empty()) end.problem = "having lost its connection";
    end.unasked = parted || (spoiled_ && isKill(end));  // by us; its own end says more
    events_.died(std::move(end));
}

void HostProcess::prove() {
    if (!dead_ || std::exchange(proved_, true)) return;
    timer_.cancel();
    events_.proved();
}

}  // namespace holdfast::inline v1::monitor
