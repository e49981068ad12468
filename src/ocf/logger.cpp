// SPDX-License-Identifier: BSL-1.0

#include "logger.hpp"

#include "process/fd.hpp"
#include "process/proc.hpp"
#include "text.hpp"

#include <holdfast/os/process.hpp>

#include <fcntl.h>
#include <syslog.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <unistd.h>

#include <optional>
#include <utility>

namespace holdfast::inline v1::ocf {
namespace {

constexpr std::pair<const char*, int> facilities[] = {
    {"daemon", LOG_DAEMON}, {"user", LOG_USER},     {"local0", LOG_LOCAL0}, {"local1", LOG_LOCAL1},
    {"local2", LOG_LOCAL2}, {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4}, {"local5", LOG_LOCAL5},
    {"local6", LOG_LOCAL6}, {"local7", LOG_LOCAL7}};

std::pair<int, const char*> severity(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::information: return {LOG_INFO, "info"};
        case LogLevel::warning: return {LOG_WARNING, "warning"};
        case LogLevel::error: return {LOG_ERR, "error"};
        case LogLevel::severe: return {LOG_CRIT, "crit"};
    }
    return {LOG_ERR, "error"};
}

std::string timeText() {
    const time_t now = ::time(nullptr);
    tm parts{};
    ::localtime_r(&now, &parts);
    char text[32] = {};
    ::strftime(text, sizeof text, "%b %d %H:%M:%S", &parts);
    return text;
}

}  // namespace

Logger::~Logger() {
    if (syslog_) ::closelog();
}

void Logger::open(const std::string& file, const std::string& facility) {
    const std::lock_guard lock{mutex_};
    file_ = file;
    if (facility == facility_) return;
    facility_ = facility;
    if (std::exchange(syslog_, false)) ::closelog();
    for (const auto& [name, number] : facilities) {
        if (facility != name) continue;
        ::openlog(tag_.c_str(), LOG_PID | LOG_NDELAY, number);  // NOLINT: keeps the pointer, which lives as long
        syslog_ = true;
    }
}

void Logger::log(LogLevel level, std::string_view text) noexcept {
    try {
        const auto [priority, word] = severity(level);
        const std::string line = asciiLine(text, 1000);
        const std::lock_guard lock{mutex_};
        if (syslog_) ::syslog(priority, "%s: %s", word, line.c_str());
        if (file_.empty()) return;
        // Opened each time: it is rotated by others. Never made: where there is none, none is wanted.
        const process::Fd out{::open(file_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
        if (!out) return;
        process::writeAll(out.get(), timeText() + " " + os::hostName() + " " + tag_ + "[" + std::to_string(::getpid()) +
                                         "]: " + word + ": " + line + "\n");
    } catch (const std::exception&) {  // out of memory: the line is lost
    }
}

}  // namespace holdfast::inline v1::ocf
