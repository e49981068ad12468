// SPDX-License-Identifier: BSL-1.0
#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace holdfast::inline v1::cli {

namespace {

std::atomic<bool> taken{false};
static_assert(std::atomic<bool>::is_always_lock_free);

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave = "\x1b[0m\x1b[?25h\x1b[?1049l";
constexpr int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT};

void writeAll(std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
        if (count > 0) {
            text.remove_prefix(static_cast<std::size_t>(count));
        } else if (errno == EAGAIN) {
            pollfd ready{STDOUT_FILENO, POLLOUT, 0};
            if (::poll(&ready, 1, 1'000) <= 0) return;  // stopped: the next frame says it again
        } else if (errno != EINTR) {
            return;
        }
    }
}

std::string_view environment(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): the program writes no environment
    return value == nullptr ? std::string_view{} : std::string_view{value};
}

bool isUtf8() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const auto value = environment(name);
        if (value.empty()) continue;
        return value.find("UTF-8") != std::string_view::npos || value.find("utf8") != std::string_view::npos ||
               value.find("UTF8") != std::string_view::npos || value.find("utf-8") != std::string_view::npos;
    }
    return false;
}

extern "C" void onFatal(int number) {
    restoreTerminal();
    static_cast<void>(::raise(number));  // SA_RESETHAND: this time as if we had not been there
}

}  // namespace

TerminalTraits terminalTraits() {
    TerminalTraits out;
    const auto kind = environment("TERM");
    out.terminal = ::isatty(STDOUT_FILENO) != 0 && !kind.empty() && kind != "dumb";
    out.style.colours = out.terminal && environment("NO_COLOR").empty();
    out.style.utf8 = isUtf8();
    return out;
}

ViewSize terminalSize() {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
    return {size.ws_col, size.ws_row};
}

Screen::Screen() {
    for (const int number : fatal) {
        struct sigaction before {};
        ::sigaction(number, nullptr, &before);
        if (before.sa_handler != SIG_DFL) continue;  // somebody else's
        struct sigaction action {};
        action.sa_handler = &onFatal;
        action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
        ::sigaction(number, &action, nullptr);
    }
    taken = true;
    writeAll(enter);
}

Screen::~Screen() { restoreTerminal(); }

void Screen::forget() { whole_ = true; }

void Screen::refresh() {
    for (auto& line : shown_) line.assign(1, '\n');  // no line is this
}

void Screen::draw(std::vector<std::string> lines) {
    // Cleared first: behind a line that fills the screen's width, clearing would take its last character.
    std::string out = whole_ ? "\x1b[2J" : "";
    for (std::size_t i = 0; i < lines.size(); ++i) {
        if (!whole_ && i < shown_.size() && shown_[i] == lines[i]) continue;
        out += fmt::format("\x1b[{};1H\x1b[K{}", i + 1, lines[i]);
    }
    for (std::size_t i = lines.size(); i < shown_.size() && !whole_; ++i) out += fmt::format("\x1b[{};1H\x1b[K", i + 1);
    whole_ = false;
    shown_ = std::move(lines);
    if (!out.empty() && taken) writeAll(out);
}

void restoreTerminal() noexcept {
    if (taken.exchange(false)) writeAll(leave);
}

}  // namespace holdfast::inline v1::cli
