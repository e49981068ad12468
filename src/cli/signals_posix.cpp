// SPDX-License-Identifier: BSL-1.0
#include "cli/signals.hpp"

#include <boost/asio/signal_set.hpp>

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <unistd.h>

#include <utility>

namespace holdfast::inline v1::cli {

void askToStop() noexcept { ::kill(::getpid(), SIGTERM); }

/** They wait in the mask until they are asked for. */
struct EndSignals::State {
    sigset_t set{};
};

EndSignals::EndSignals() : state_{std::make_unique<State>()} {
    ::sigemptyset(&state_->set);
    ::sigaddset(&state_->set, SIGINT);
    ::sigaddset(&state_->set, SIGTERM);
    ::sigaddset(&state_->set, SIGHUP);
    ::pthread_sigmask(SIG_BLOCK, &state_->set, nullptr);
}

EndSignals::~EndSignals() = default;

bool EndSignals::came(std::chrono::milliseconds patience) const {
    const timespec time{patience.count() / 1'000, patience.count() % 1'000 * 1'000'000};
    return ::sigtimedwait(&state_->set, nullptr, &time) > 0;
}

struct SizeSignal::State {
    State(boost::asio::io_context& io, std::function<void()> callback)
        : signals{io, SIGWINCH}, changed{std::move(callback)} {}
    void wait() {
        signals.async_wait([this](const boost::system::error_code& error, int) {
            if (error) return;
            changed();
            wait();
        });
    }
    boost::asio::signal_set signals;
    std::function<void()> changed;
};

SizeSignal::SizeSignal(boost::asio::io_context& io, std::function<void()> changed)
    : state_{std::make_unique<State>(io, std::move(changed))} {
    state_->wait();
}

SizeSignal::~SizeSignal() = default;

}  // namespace holdfast::inline v1::cli
