// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/monitor/configuration.hpp>
#include <holdfast/monitor/record.hpp>

#include <functional>
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

    /** Lines go there from now on; empty: to standard output again. It is called with the console's lock held. */
    void redirect(std::function<void(std::string_view)> sink);

private:
    void line(std::string_view text);
    std::mutex mutex_;
    std::function<void(std::string_view)> sink_;  ///< guarded by the mutex
    bool json_;
};

}  // namespace holdfast::inline v1::cli
