// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The program `holdfast` from outside: what it says, how it is told to stop, how it ends.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace holdfast::tests {

/** What a test tells `holdfast run`. Linux: signals. Windows, where a test has no console: the control socket, by `ctl`. */
enum class Tell { stop, interrupt, reload };

/** A running program, its output read as it comes. @par Thread safety One owner. */
class Program {
public:
    struct Options {
        std::vector<std::pair<std::string, std::string>> environment;
        std::string control;  ///< where `tell` finds it on Windows
    };

    Program(const std::string& program, std::vector<std::string> arguments, const Options& options);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    /** Kills it. */
    ~Program();

    /** Reads until `text` appears, `after` so many bytes; false after 30 s or at the end, and what it said is printed. */
    bool says(const std::string& text, std::size_t after = 0) {
        if (reads(text, after)) return true;
        std::fprintf(stderr, "not '%s' but:\n%s\n", text.c_str(), all.c_str());
        return false;
    }
    [[nodiscard]] std::int64_t process() const;
    void tell(Tell what) const;
    void kill();
    /** The exit code; -1 after 30 s, 1000 and more if something ended it. */
    int ends();

    std::string all;

    struct State;

private:
    bool reads(const std::string& text, std::size_t after);

    std::unique_ptr<State> state_;
};

}  // namespace holdfast::tests
