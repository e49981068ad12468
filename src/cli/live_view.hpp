// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/signals.hpp"
#include "cli/terminal.hpp"
#include "cli/view.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace holdfast::inline v1::cli {

/**
 * Redraws a live view four times a second, and when the terminal's size changes, on a thread of its own.
 *
 * Lines that would scroll by are its last lines instead, so nobody who says something waits for the terminal.
 *
 * @par Thread safety `note` from any thread; the rest from one.
 */
class LiveView {
public:
    /** `rows` is asked on the view's thread. */
    LiveView(std::string title, std::string footer, const ViewStyle& style, std::function<std::vector<ViewRow>()> rows);
    LiveView(const LiveView&) = delete;
    LiveView& operator=(const LiveView&) = delete;
    /** Gives the terminal back. */
    ~LiveView() { stop(); }

    void note(std::string_view line);
    /** Takes the terminal. Who writes to it otherwise must use `note` by now. */
    void start();
    /** Gives it back. */
    void stop();
    /** What there is to see now, for those who scroll back. */
    [[nodiscard]] std::vector<std::string> lastPicture();

private:
    void redraw();
    void wait();
    [[nodiscard]] std::vector<std::string> picture(const ViewSize& size, const std::string& footer);

    const std::string title_;
    const std::string footer_;
    const ViewStyle style_;
    const std::function<std::vector<ViewRow>()> rows_;
    std::mutex mutex_;  // guards log_
    std::deque<std::string> log_;
    std::unique_ptr<Screen> screen_;
    std::size_t frames_{0};
    boost::asio::io_context io_{1};
    boost::asio::steady_timer timer_{io_};
    std::unique_ptr<SizeSignal> resized_;
    std::thread thread_;
};

}  // namespace holdfast::inline v1::cli
