// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/configuration.hpp>
#include <holdfast/monitor/record.hpp>

#include <mutex>
#include <string_view>
#include <vector>

namespace holdfast::inline v1::cli {

/**
 * Writes records for people, or one JSON object per line for programs.
 *
 * @par Thread safety Every member from any thread; lines never mix.
 */
class Console {
public:
    explicit Console(bool json) : json_{json} {}

    void record(const monitor::Record& record);
    void problem(const monitor::Problem& problem, bool isNote);
    void say(std::string_view text);
    void calls(const std::vector<monitor::CallSummary>& calls);
    void ended(int exitCode);

private:
    void line(std::string_view text);
    std::mutex mutex_;
    bool json_;
};

}  // namespace holdfast::inline v1::cli
