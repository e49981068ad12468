// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "monitor/control_stream.hpp"

#include <boost/asio/io_context.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace holdfast::inline v1::monitor {

/**
 * Where people reach one monitor: a UNIX socket, or on Windows a named pipe whose name a file at the path gives.
 *
 * A lock says whether a monitor lives, whatever a crash left behind: what it left is replaced, a live one is not. One
 * implementation per system.
 *
 * @par Thread safety One owner; the handler runs on the io_context's thread.
 */
class ControlListener {
public:
    /** An error, or a connection. */
    using Handler = std::function<void(const boost::system::error_code& error, ControlStream stream)>;

    explicit ControlListener(boost::asio::io_context& io);
    ControlListener(const ControlListener&) = delete;
    ControlListener& operator=(const ControlListener&) = delete;
    /** Removes what it made: the socket or file, its lock, and the folder if it made that and it is empty. */
    ~ControlListener();

    /** Listens at `path`, creating its folder if that is missing. Empty, or why it cannot. */
    [[nodiscard]] std::string open(const std::filesystem::path& path);
    /** Waits for the next connection; one at a time. */
    void accept(Handler handler);
    /** No connection comes any more; what was made stays until `remove`. On the io_context's thread. */
    void close();
    [[nodiscard]] bool isOpen() const noexcept;
    void remove() noexcept;

    struct State;

private:
    std::shared_ptr<State> state_;  // shared with what waits
};

/** Empty, or why this peer is not heard. */
[[nodiscard]] std::string strangerAt(ControlStream& stream);
/** Writes one line without waiting, if it can. */
void sayWithoutWaiting(ControlStream& stream, const std::string& line);

}  // namespace holdfast::inline v1::monitor
