// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "connection.hpp"

#include <holdfast/context.hpp>
#include <holdfast/process.hpp>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace holdfast::inline v1::process {

/**
 * What this host knows of one tree, kept up to date by the watch thread.
 *
 * @par Thread safety Each part says whose it is.
 */
class Link {
public:
    Link(Place place, Context& context, Opened opened);

    // ---- the watch thread ----
    [[nodiscard]] int fd() const noexcept { return connection_ ? connection_->fd() : -1; }
    void receive();
    /** Calls the author's callbacks for what came; no lock is held meanwhile. */
    void deliver();

    // ---- its owner, once it is detached ----
    void close() noexcept { connection_.reset(); }

    // ---- any thread ----
    [[nodiscard]] const Place& place() const noexcept { return place_; }
    [[nodiscard]] Context& context() const noexcept { return context_; }
    [[nodiscard]] Status status() const;
    [[nodiscard]] std::optional<ProcessExit> exit() const;
    /** Waits, for moments only, until the watch thread has heard what is true already; in vain on that thread. */
    void awaitExit() const;
    /** From now on an end of the program is what was asked for. */
    void expectEnd();
    void onExit(std::function<void(const ProcessExit&)> ended);
    void onOutput(std::function<void(std::string_view)> take);

private:
    void handle(const std::string& message);
    void lost();
    void ended(ProcessExit exit);

    const Place place_;
    Context& context_;
    std::optional<Connection> connection_;  // the watch thread's
    bool replaced_{false};                  // the watch thread's

    mutable std::mutex mutex_;  // guards all below; held for moments only
    mutable std::condition_variable heard_;
    Status status_;
    std::optional<ProcessExit> exit_;
    bool expected_{false};
    bool told_{false};
    std::function<void(const ProcessExit&)> ended_;
    std::function<void(std::string_view)> take_;
    std::deque<std::string> lines_;
};

[[nodiscard]] ProcessExit toExit(const ExitReport& report);

}  // namespace holdfast::inline v1::process
