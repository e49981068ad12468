// SPDX-License-Identifier: BSL-1.0
#include "monitor/control_session.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>

#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t calm = 64U * 1'024U;  // with more than this unread a peer's next request waits

}  // namespace

ControlSession::ControlSession(Socket socket, const ControlLimits& limits, std::shared_ptr<const Owner> owner)
    : socket_{std::move(socket)}, limits_{limits}, owner_{std::move(owner)}, lastRequest_{Clock::now()} {}

void ControlSession::start(std::string greeting) {
    send(std::move(greeting));
    work();
}

void ControlSession::refuse(std::string_view code, std::string text) {
    if (leaving_ || !open()) return;
    ControlRefusal refusal;
    refusal.code = code;
    refusal.text = std::move(text);
    leaving_ = true;
    send(refusalLine(refusal));
    finishIfDone();
}

void ControlSession::answer(std::string line) {
    busy_ = false;
    lastRequest_ = Clock::now();
    if (!open()) return owner_->ended(shared_from_this());  // it left meanwhile
    send(std::move(line));
    work();
}

void ControlSession::show(const std::string& line) {
    if (leaving_ || !open()) return;
    // One that is behind misses events and is told how many; one that reads nothing at all is left to `tick`.
    if (lost_ > 0 && queued_ <= limits_.queue / 2) confess();
    if (lost_ > 0 || queued_ + line.size() > limits_.queue) {
        ++lost_;
        return;
    }
    send(line);
}

void ControlSession::confess() {
    send(eventLine(fmt::format(R"({{"record":"lost","count":{}}})", std::exchange(lost_, 0))));
}

void ControlSession::tick(Time now) {
    if (!open()) return;
    if (writing_ && now - writeBegan_ > limits_.unread) {
        if (!leaving_) {
            owner_->blame(filter_.following ? "a follower does not read: it was dropped"
                                            : "a peer does not read what it asked for: it was dropped");
        }
        return close();
    }
    if (leaving_ || busy_) return;
    if (!buffer_.empty() && now - lineBegan_ > limits_.unfinished) {
        owner_->blame("a peer did not finish its line: it was dropped");
        return refuse("unfinished", fmt::format("the line had no end for {} ms", limits_.unfinished.count()));
    }
    if (!filter_.following && now - lastRequest_ > limits_.idle)
        refuse("idle", fmt::format("nothing was asked for {} ms", limits_.idle.count()));
}

void ControlSession::close() {
    if (!open()) return;
    boost::system::error_code ignored;
    socket_.close(ignored);
    leaving_ = true;
    if (!busy_) owner_->ended(shared_from_this());
}

void ControlSession::read() {
    if (reading_) return;
    reading_ = true;
    socket_.async_read_some(boost::asio::buffer(chunk_),
                            [self = shared_from_this()](const boost::system::error_code& error, std::size_t size) {
                                self->reading_ = false;
                                if (error == boost::asio::error::eof) {
                                    self->heardAll_ = true;  // it may still wait for what it asked
                                    return self->work();
                                }
                                if (error) return self->close();
                                if (self->leaving_) return;
                                if (self->buffer_.empty()) self->lineBegan_ = Clock::now();
                                self->buffer_.append(self->chunk_.data(), size);
                                self->work();
                            });
}

/** Handles what is there, until something must be waited for. */
void ControlSession::work() {
    if (working_) return;  // a request that was answered at once
    working_ = true;
    std::size_t used = 0;
    while (!busy_ && !leaving_ && open() && queued_ <= calm) {
        const auto end = buffer_.find('\n', used);
        if (end == std::string::npos) break;
        const std::string line =
            buffer_.substr(used, end - used);  // a request may end the session and with it the buffer
        used = end + 1;
        handle(line);
    }
    working_ = false;
    if (used > 0) {
        buffer_.erase(0, used);
        lineBegan_ = Clock::now();
    }
    if (leaving_ || !open()) return;
    if (buffer_.find('\n') == std::string::npos && buffer_.size() > controlLineLimit) {
        owner_->blame("a peer sent a line without an end: it was dropped");
        return refuse("tooLong", fmt::format("a line may have {} bytes", controlLineLimit));
    }
    if (heardAll_) {
        if (busy_ || queued_ > calm) return;
        leaving_ = true;
        return finishIfDone();
    }
    // While a request waits we still listen for the peer's end, but for no more than one further line.
    if (buffer_.size() <= controlLineLimit && queued_ <= calm) read();
}

void ControlSession::handle(std::string_view line) {
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty()) return;
    lastRequest_ = Clock::now();
    auto parsed = parseRequest(line);
    if (const auto* refusal = std::get_if<ControlRefusal>(&parsed)) return send(refusalLine(*refusal));
    busy_ = true;
    owner_->perform(shared_from_this(), std::get<ControlRequest>(parsed));
}

void ControlSession::send(std::string line) {
    queued_ += line.size();
    out_.push_back(std::move(line));
    write();
}

void ControlSession::write() {
    if (writing_ || out_.empty() || !open()) return;
    writing_ = true;
    writeBegan_ = Clock::now();
    boost::asio::async_write(socket_, boost::asio::buffer(out_.front()),
                             [self = shared_from_this()](const boost::system::error_code& error, std::size_t) {
                                 self->writing_ = false;
                                 if (error) return self->close();
                                 if (self->out_.empty()) return;
                                 self->queued_ -= self->out_.front().size();
                                 self->out_.pop_front();
                                 if (self->out_.empty() && self->lost_ > 0 && !self->leaving_) self->confess();
                                 self->write();
                                 self->finishIfDone();
                                 if (!self->busy_ && !self->leaving_) self->work();
                             });
}

void ControlSession::finishIfDone() {
    if (leaving_ && out_.empty()) close();
}

}  // namespace holdfast::inline v1::monitor
