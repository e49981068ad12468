// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cli/view.hpp"

#include <string>
#include <vector>

namespace holdfast::inline v1::cli {

/** Standard output, as far as it is a terminal. */
struct TerminalTraits {
    bool terminal{false};  ///< it can show a live view
    ViewStyle style;       ///< colours unless NO_COLOR is set; UTF-8 if the locale says so
};
[[nodiscard]] TerminalTraits terminalTraits();
[[nodiscard]] ViewSize terminalSize();

/**
 * The terminal while a live view has it: alternate screen, no cursor. What was there comes back with the destructor, and
 * with `restoreTerminal` where no destructor runs: there, and when a fatal signal ends the program.
 *
 * @par Thread safety One owner; one at a time.
 */
class Screen {
public:
    Screen();
    Screen(const Screen&) = delete;
    Screen& operator=(const Screen&) = delete;
    ~Screen();

    /** Shows the lines; writes only those that differ from the last time, at one go. */
    void draw(std::vector<std::string> lines);
    /** The next `draw` writes everything: the size changed. */
    void forget();

private:
    std::vector<std::string> shown_;
    bool whole_{true};
};

/** Gives the terminal back, if a `Screen` has it. @par Thread safety Any thread, also from a signal handler. */
void restoreTerminal() noexcept;

}  // namespace holdfast::inline v1::cli
