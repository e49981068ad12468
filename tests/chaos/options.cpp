// SPDX-License-Identifier: BSL-1.0
#include "options.hpp"

#include <fmt/format.h>

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

namespace chaos {

namespace {

constexpr const char* help =
    R"(holdfast_chaos: kills what holdfast runs, and holdfast, at random; then looks whether everything is where it belongs

Usage: holdfast_chaos [OPTION VALUE...]

  --resources N     how many are supervised (200)
  --hosts N         in how many host processes (50)
  --seconds N       how long things are killed (120)
  --pause N         milliseconds at most between one kill and the next (100)
  --patience N      seconds that may pass until everything is steady again (90)
  --seed N          what is killed when follows from it, as far as the timing of processes allows (1)
  --directory DIR   where everything of the run lies; new or empty (default: a temporary one)
  --program FILE    the program holdfast; holdfast-host and holdfast-reaper lie beside it
  --agent FILE      the example application.so
  --fleeting FILE   the agent chaos_agent.so
  --scripted FILE   the agent test_agent_scripted
  --victim FILE     the program chaos_victim
  --keep            keeps DIR, also when nothing is wrong
  --json            prints the outcome as one JSON object
  --help            this text

Exit status: 0 everything is as it should be; 1 it is not: the text says what, DIR/chaos.jsonl has all that was said and done;
2 wrong usage; 3 the run could not be done. It signals processes of its own DIR only.
)";

[[noreturn]] void refuse(const std::string& why) {
    std::fprintf(stderr, "holdfast_chaos: %s; see --help\n", why.c_str());
    std::exit(2);
}

template <typename Number>
Number number(std::string_view option, const std::string& text, Number least, Number most) {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        refuse(fmt::format("{}: '{}' is no number from {} to {}", option, text, least, most));
    return value;
}

}  // namespace

Options readOptions(int argc, char** argv) {
    Options options;
    options.program = HOLDFAST_PROGRAM;
    options.agent = APPLICATION_AGENT;
    options.fleeting = FLEETING_AGENT;
    options.scripted = SCRIPTED_AGENT;
    options.victim = VICTIM_PROGRAM;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        if (option == "--help" || option == "-h") {
            std::fputs(help, stdout);
            std::exit(0);
        }
        if (option == "--json" || option == "--keep") {
            (option == "--json" ? options.json : options.keep) = true;
            continue;
        }
        const auto value = [&]() -> std::string {
            if (i + 1 >= argc) refuse(fmt::format("{} needs a value", option));
            return argv[++i];
        };
        if (option == "--resources") {
            options.resources = number(option, value(), 1U, 1'000U);
        } else if (option == "--hosts") {
            options.hosts = number(option, value(), 1U, 1'000U);
        } else if (option == "--seconds") {
            options.seconds = number(option, value(), 0U, 86'400U);
        } else if (option == "--pause") {
            options.pause = number(option, value(), 1U, 60'000U);
        } else if (option == "--patience") {
            options.patience = number(option, value(), 1U, 3'600U);
        } else if (option == "--seed") {
            options.seed = number<std::uint64_t>(option, value(), 0, UINT64_MAX);
        } else if (option == "--directory") {
            options.directory = value();
        } else if (option == "--program") {
            options.program = std::filesystem::absolute(value());
        } else if (option == "--agent") {
            options.agent = std::filesystem::absolute(value());
        } else if (option == "--fleeting") {
            options.fleeting = std::filesystem::absolute(value());
        } else if (option == "--scripted") {
            options.scripted = std::filesystem::absolute(value());
        } else if (option == "--victim") {
            options.victim = std::filesystem::absolute(value());
        } else {
            refuse(fmt::format("unknown option '{}'", option));
        }
    }
    return options;
}

void prepareDirectory(Options& options) {
    if (options.directory.empty()) {
        std::string name = (std::filesystem::temp_directory_path() / "holdfast-chaos.XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make " + name};
        options.directory = name;
    }
    std::filesystem::create_directories(options.directory);
    options.directory = std::filesystem::canonical(options.directory);
    if (!std::filesystem::is_empty(options.directory))
        throw std::runtime_error{options.directory.string() + " is not empty"};
}

}  // namespace chaos
