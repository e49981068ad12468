// SPDX-License-Identifier: BSL-1.0
#include "cli/terminal.hpp"

#include "os/windows_handle.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace holdfast::inline v1::cli {

namespace {

std::atomic<bool> taken{false};
std::atomic<DWORD> modeBefore{0};
std::atomic<UINT> pageBefore{0};

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";
constexpr std::string_view leave = "\x1b[0m\x1b[?25h\x1b[?1049l";
constexpr DWORD sequences = 0x0004;  // ENABLE_VIRTUAL_TERMINAL_PROCESSING: since Windows 10 and Server 2016

HANDLE output() noexcept { return ::GetStdHandle(STD_OUTPUT_HANDLE); }

void writeAll(std::string_view text) noexcept {
    while (!text.empty()) {
        DWORD count = 0;
        if (::WriteFile(output(), text.data(), static_cast<DWORD>(text.size()), &count, nullptr) == 0 || count == 0)
            return;
        text.remove_prefix(count);
    }
}

bool isSet(const char* name) {
    const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): the program writes no environment
    return value != nullptr && *value != '\0';
}

}  // namespace

TerminalTraits terminalTraits() {
    TerminalTraits out;
    DWORD mode = 0;
    out.terminal = ::GetConsoleMode(output(), &mode) != 0;
    if (out.terminal && (mode & sequences) == 0) {
        // A console that does not know them shows lines.
        out.terminal = ::SetConsoleMode(output(), mode | sequences) != 0;
        if (out.terminal) ::SetConsoleMode(output(), mode);
    }
    out.style.colours = out.terminal && !isSet("NO_COLOR");
    out.style.utf8 = out.terminal;  // a Screen says so to the console
    return out;
}

ViewSize terminalSize() {
    CONSOLE_SCREEN_BUFFER_INFO info{};
    if (::GetConsoleScreenBufferInfo(output(), &info) == 0) return {};
    const int columns = info.srWindow.Right - info.srWindow.Left + 1;
    const int rows = info.srWindow.Bottom - info.srWindow.Top + 1;
    if (columns <= 0 || rows <= 0) return {};
    ViewSize size;
    size.columns = static_cast<std::size_t>(columns);
    size.lines = static_cast<std::size_t>(rows);
    return size;
}

Screen::Screen() {
    DWORD mode = 0;
    if (::GetConsoleMode(output(), &mode) != 0) {
        modeBefore = mode;
        ::SetConsoleMode(output(), mode | sequences);
    }
    pageBefore = ::GetConsoleOutputCP();
    ::SetConsoleOutputCP(CP_UTF8);
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
    if (!taken.exchange(false)) return;
    writeAll(leave);
    if (const DWORD mode = modeBefore.exchange(0); mode != 0) ::SetConsoleMode(output(), mode);
    if (const UINT page = pageBefore.exchange(0); page != 0) ::SetConsoleOutputCP(page);
}

}  // namespace holdfast::inline v1::cli
