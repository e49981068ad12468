// SPDX-License-Identifier: BSL-1.0

#include "session.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>

#include <cstring>
#include <utility>

namespace holdfast::inline v1::ocf {

void Session::read() {
    socket_.async_read_some(boost::asio::buffer(chunk_),
                            [self = shared_from_this()](boost::system::error_code error, std::size_t count) {
                                if (error) return self->end();
                                self->incoming_.append(self->chunk_.data(), count);
                                if (!self->takeMessages()) return self->end();
                                if (!self->ended_) self->read();
                            });
}

bool Session::takeMessages() {
    for (std::uint32_t size = 0; incoming_.size() >= sizeof size;) {
        std::memcpy(&size, incoming_.data(), sizeof size);
        if (size > mostMessage) return false;
        if (incoming_.size() < sizeof size + size) break;
        auto message = Message::parse(std::string_view{incoming_}.substr(sizeof size, size));
        incoming_.erase(0, sizeof size + size);
        if (!message) return false;
        events_.heard(shared_from_this(), std::move(*message));
    }
    return true;
}

void Session::say(const Message& message) {
    if (ended_) return;
    outgoing_.push_back(message.frame());
    if (outgoing_.size() == 1) write();
}

void Session::write() {
    boost::asio::async_write(socket_, boost::asio::buffer(outgoing_.front()),
                             [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                                 if (error) return self->end();
                                 self->outgoing_.pop_front();
                                 if (!self->outgoing_.empty()) return self->write();
                                 if (self->whenIdle_) std::exchange(self->whenIdle_, nullptr)();
                             });
}

void Session::whenIdle(std::function<void()> then) {
    if (idle() || ended_) return then();
    whenIdle_ = std::move(then);
}

void Session::end() {
    if (std::exchange(ended_, true)) return;
    outgoing_.clear();
    boost::system::error_code ignored;
    socket_.close(ignored);  // NOLINT(bugprone-unused-return-value): told by `ignored`
    if (whenIdle_) std::exchange(whenIdle_, nullptr)();
    events_.ended(shared_from_this());
}

}  // namespace holdfast::inline v1::ocf
