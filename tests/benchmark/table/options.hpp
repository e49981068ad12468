// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace bench {

/** How much is measured; what is here is a whole run. */
struct Options {
    std::vector<std::size_t> counts{10, 100, 1'000, 10'000};
    std::size_t rounds{200};                  ///< of each entry point at each count, in each process
    std::size_t repeats{2};                   ///< processes of each library at each count, in turn
    std::size_t turns{3};                     ///< processes of each library for what hangs, blocks or dies, in turn
    std::size_t blocked{1'000};               ///< resources whose online() blocks
    std::size_t wedged{30};                   ///< Terminates of a wedged online(), in all turns together
    std::size_t kills{100};                   ///< programs killed, in all turns together
    std::chrono::milliseconds settle{7'000};  ///< until what was only needed to start is gone
    std::chrono::milliseconds idle{4'000};    ///< for how long nothing but checks is watched
    std::string json;

    // Of a child.
    std::string scenario, library, subject;
    std::size_t count{0};
};

/** Throws std::invalid_argument. */
Options parse(int argc, char** argv);
/** The arguments that make a child measure `scenario` with the same amounts. */
std::vector<std::string> argumentsOf(const Options& options);

}  // namespace bench
