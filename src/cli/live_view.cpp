// SPDX-License-Identifier: BSL-1.0
#include "cli/live_view.hpp"

#include <holdfast/os/process.hpp>

#include <chrono>
#include <utility>

namespace holdfast::inline v1::cli {

namespace {

constexpr auto interval = std::chrono::milliseconds{250};
constexpr std::size_t keptLines = 200;
constexpr std::size_t refreshEvery = 20;  // frames: five seconds

}  // namespace

LiveView::LiveView(std::string title, std::string footer, const ViewStyle& style,
                   std::function<std::vector<ViewRow>()> rows)
    : title_{std::move(title)}, footer_{std::move(footer)}, style_{style}, rows_{std::move(rows)} {}

void LiveView::start() {
    screen_ = std::make_unique<Screen>();
    resized_ = std::make_unique<SizeSignal>(io_, [this] {
        screen_->forget();
        redraw();
    });
    redraw();
    wait();
    const os::BlockSignals blocked;
    thread_ = std::thread{[this] { io_.run(); }};
}

void LiveView::note(std::string_view line) {
    const std::lock_guard lock{mutex_};
    log_.emplace_back(line);
    if (log_.size() > keptLines) log_.pop_front();
}

void LiveView::stop() {
    if (!thread_.joinable()) return;
    io_.stop();
    thread_.join();
    screen_.reset();
}

std::vector<std::string> LiveView::lastPicture() { return picture(terminalSize(), {}); }

std::vector<std::string> LiveView::picture(const ViewSize& size, const std::string& footer) {
    ViewModel model{title_, rows_(), {}, footer};
    {
        const std::lock_guard lock{mutex_};
        model.log.assign(log_.begin(), log_.end());
    }
    return renderView(model, size, style_);
}

void LiveView::redraw() {
    if (++frames_ % refreshEvery == 0) screen_->refresh();
    screen_->draw(picture(terminalSize(), footer_));
}

void LiveView::wait() {
    timer_.expires_after(interval);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (error) return;
        redraw();
        wait();
    });
}

}  // namespace holdfast::inline v1::cli
