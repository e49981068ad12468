// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <memory>

namespace holdfast::inline v1::cli {

// What the system tells a program, and a program itself. One implementation per system.

/** As if somebody had pressed Ctrl-C or sent SIGTERM: whoever waits for that hears of it. */
void askToStop() noexcept;

/** Ctrl-C and its like, from now on kept until they are asked for. @par Thread safety One owner, before other threads run. */
class EndSignals {
public:
    EndSignals();
    EndSignals(const EndSignals&) = delete;
    EndSignals& operator=(const EndSignals&) = delete;
    ~EndSignals();
    /** Waits so long at most. */
    [[nodiscard]] bool came(std::chrono::milliseconds patience) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/** Calls `changed` on the io_context's thread whenever the terminal's size does, as far as the system says so. */
class SizeSignal {
public:
    SizeSignal(boost::asio::io_context& io, std::function<void()> changed);
    SizeSignal(const SizeSignal&) = delete;
    SizeSignal& operator=(const SizeSignal&) = delete;
    ~SizeSignal();

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace holdfast::inline v1::cli
