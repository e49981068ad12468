// SPDX-License-Identifier: BSL-1.0
#include "options.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

namespace bench {
namespace {

std::vector<std::size_t> listOf(const std::string& text) {
    std::vector<std::size_t> all;
    std::istringstream in{text};
    for (std::string one; std::getline(in, one, ',');) all.push_back(std::stoul(one));
    return all;
}

void makeQuick(Options& options) {
    options.counts = {10, 100};
    options.rounds = 50;
    options.repeats = 1;
    options.turns = 1;
    options.blocked = 100;
    options.wedged = 3;
    options.kills = 5;
    options.settle = std::chrono::milliseconds{500};
    options.idle = std::chrono::milliseconds{1'000};
}

}  // namespace

Options parse(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name == "--quick") {
            makeQuick(options);
            continue;
        }
        if (i + 1 == argc) throw std::invalid_argument{name + " needs a value"};
        const std::string value = argv[++i];
        if (name == "--counts")
            options.counts = listOf(value);
        else if (name == "--rounds")
            options.rounds = std::stoul(value);
        else if (name == "--repeats")
            options.repeats = std::stoul(value);
        else if (name == "--turns")
            options.turns = std::max<std::size_t>(1, std::stoul(value));
        else if (name == "--blocked")
            options.blocked = std::stoul(value);
        else if (name == "--wedged")
            options.wedged = std::stoul(value);
        else if (name == "--kills")
            options.kills = std::stoul(value);
        else if (name == "--settle")
            options.settle = std::chrono::milliseconds{std::stol(value)};
        else if (name == "--idle")
            options.idle = std::chrono::milliseconds{std::stol(value)};
        else if (name == "--json")
            options.json = value;
        else if (name == "--scenario")
            options.scenario = value;
        else if (name == "--library")
            options.library = value;
        else if (name == "--subject")
            options.subject = value;
        else if (name == "--count")
            options.count = std::stoul(value);
        else
            throw std::invalid_argument{"unknown option " + name};
    }
    return options;
}

std::vector<std::string> argumentsOf(const Options& options) {
    return {"--rounds",   std::to_string(options.rounds),
            "--blocked",  std::to_string(options.blocked),
            "--wedged",   std::to_string(options.wedged),
            "--kills",    std::to_string(options.kills),
            "--settle",   std::to_string(options.settle.count()),
            "--idle",     std::to_string(options.idle.count()),
            "--scenario", options.scenario,
            "--library",  options.library,
            "--subject",  options.subject,
            "--count",    std::to_string(options.count),
            "--json",     options.json};
}

}  // namespace bench
