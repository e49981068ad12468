// SPDX-License-Identifier: BSL-1.0
#include "stacks/stacks.hpp"

#include <holdfast/version.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>

using namespace holdfast;

namespace {

constexpr int usage = 2;
/** Below the patience of the monitor, which kills this program in the end. */
constexpr unsigned limitSeconds = 4;

void help() {
    std::printf(
        "holdfast-stacks: prints where the threads of a process are, as JSON, one line per thread\n\n"
        "  holdfast-stacks PID\n\n"
        "Each thread is stopped for a moment, one after the other. The Resource Monitor starts it when a call hangs;\n"
        "whoever may debug the process may start it by hand. It ends after %u seconds.\n\n"
        "  --help     this text\n  --version  the version\n",
        limitSeconds);
}

/** What is no UTF-8, in a thread's or a symbol's name, is left out: the lines are JSON. */
std::string printable(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xC2 && lead < 0xE0 ? 2
                                   : lead >= 0xE0 && lead < 0xF0 ? 3
                                   : lead >= 0xF0 && lead < 0xF5 ? 4
                                                                 : 0;
        bool whole = length != 0 && i + length <= text.size();
        for (std::size_t j = 1; whole && j < length; ++j)
            whole = (static_cast<unsigned char>(text[i + j]) & 0xC0U) == 0x80U;
        if (whole) out.append(text.substr(i, length));
        i += whole ? length : 1;
    }
    return out;
}

void print(const stacks::Stack& stack) {
    boost::json::array frames;
    for (const auto& frame : stack.frames) frames.emplace_back(printable(frame));
    boost::json::object line;
    line["record"] = "stack";
    line["thread"] = stack.thread;
    line["threadName"] = printable(stack.name);
    line["frames"] = std::move(frames);
    std::printf("%s\n", boost::json::serialize(line).c_str());
    std::fflush(stdout);  // what is known is out, whatever comes next
}

}  // namespace

int main(int argc, char** argv) {
    if (argc == 2) {
        const std::string_view argument = argv[1];
        if (argument == "--help" || argument == "-h") return help(), 0;
        if (argument == "--version") return std::printf("holdfast-stacks %s\n", std::string{version()}.c_str()), 0;
        std::int64_t process = 0;
        const auto [end, error] = std::from_chars(argument.data(), argument.data() + argument.size(), process);
        if (error == std::errc{} && end == argument.data() + argument.size() && process > 0) {
            const std::string problem = stacks::takeStacks(process, limitSeconds, print);
            if (problem.empty()) return 0;
            std::fprintf(stderr, "holdfast-stacks: %s\n", problem.c_str());
            return 1;
        }
    }
    std::fprintf(stderr, "holdfast-stacks: it takes the number of a process; see --help\n");
    return usage;
}
