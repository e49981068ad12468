// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <holdfast/context.hpp>

#include <mutex>
#include <string>
#include <string_view>

namespace holdfast::inline v1::ocf {

/** Where a resident host's lines go: syslog and the cluster's log file, as the engine said (L-114). @par Thread safety All of it. */
class Logger {
public:
    /** `tag` as "hello(db)". */
    explicit Logger(std::string tag) : tag_{std::move(tag)} {}
    Logger(const Logger&) = delete;
    Logger& operator=(const Logger&) = delete;
    ~Logger();

    /** `file` empty: none. `facility` empty or unknown: no syslog. */
    void open(const std::string& file, const std::string& facility);
    void log(LogLevel level, std::string_view text) noexcept;

private:
    const std::string tag_;
    std::mutex mutex_;  // guards all below
    std::string file_;
    std::string facility_;
    bool syslog_{false};
};

}  // namespace holdfast::inline v1::ocf
