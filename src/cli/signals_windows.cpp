// SPDX-License-Identifier: BSL-1.0
#include "cli/signals.hpp"

#include "cli/terminal.hpp"
#include "os/windows_handle.hpp"

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <csignal>
#include <utility>

namespace holdfast::inline v1::cli {

/** The runtime library's handler of SIGTERM runs on this thread; nobody else can send one. */
void askToStop() noexcept { std::raise(SIGTERM); }

namespace {

std::atomic<HANDLE> ended{nullptr};

BOOL WINAPI onControl(DWORD /*kind*/) {
    HANDLE const event = ended.load();
    return event != nullptr && ::SetEvent(event) != 0 ? TRUE : FALSE;
}

}  // namespace

/** Ctrl-C, Ctrl-Break, the console's close button, the end of the session. */
struct EndSignals::State {
    os::WindowsHandle event{::CreateEventW(nullptr, TRUE, FALSE, nullptr)};
};

EndSignals::EndSignals() : state_{std::make_unique<State>()} {
    ended = state_->event.get();
    ::SetConsoleCtrlHandler(&onControl, TRUE);
}

EndSignals::~EndSignals() {
    ::SetConsoleCtrlHandler(&onControl, FALSE);
    ended = nullptr;
}

bool EndSignals::came(std::chrono::milliseconds patience) const {
    return ::WaitForSingleObject(state_->event.get(), static_cast<DWORD>(patience.count())) == WAIT_OBJECT_0;
}

/** Nobody tells; so it is looked at now and then. */
struct SizeSignal::State {
    State(boost::asio::io_context& io, std::function<void()> callback) : timer{io}, changed{std::move(callback)} {}
    void wait() {
        timer.expires_after(std::chrono::milliseconds{250});
        timer.async_wait([this](const boost::system::error_code& error) {
            if (error) return;
            const ViewSize now = terminalSize();
            if (now.columns != size.columns || now.lines != size.lines) {
                size = now;
                changed();
            }
            wait();
        });
    }
    boost::asio::steady_timer timer;
    std::function<void()> changed;
    ViewSize size{terminalSize()};
};

SizeSignal::SizeSignal(boost::asio::io_context& io, std::function<void()> changed)
    : state_{std::make_unique<State>(io, std::move(changed))} {
    state_->wait();
}

SizeSignal::~SizeSignal() = default;

}  // namespace holdfast::inline v1::cli
