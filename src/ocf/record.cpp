// SPDX-License-Identifier: BSL-1.0

#include "record.hpp"

#include "message.hpp"
#include "process/proc.hpp"

#include <holdfast/version.hpp>

#include <unistd.h>

#include <limits>
#include <map>

namespace holdfast::inline v1::ocf {

Record ownRecord(std::string phase) {
    Record record;
    record.pid = ::getpid();
    if (const auto stat = process::readStat(record.pid)) record.startTime = stat->startTime;
    record.phase = std::move(phase);
    record.version = version();
    return record;
}

std::string save(const std::string& file, const Record& record) {
    const std::string text = "holdfast-ocf=1\nboot=" + process::bootId() + "\npid=" + std::to_string(record.pid) +
                             "\nstart=" + std::to_string(record.startTime) + "\nphase=" + record.phase +
                             "\nversion=" + record.version + "\nend=1\n";
    return process::replaceFile(file, text);
}

std::optional<Record> restore(const std::string& file) {
    const std::string text = process::readFile(file.c_str(), 1U << 16);
    std::map<std::string, std::string> values;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        if (const std::size_t equals = text.find('=', at); equals < end) {
            values[text.substr(at, equals - at)] = text.substr(equals + 1, end - equals - 1);
        }
        at = end + 1;
    }
    if (values["holdfast-ocf"].empty() || values["end"] != "1" || values["boot"] != process::bootId()) return {};
    const auto pid = wholeNumber(values["pid"]);
    const auto start = wholeNumber(values["start"]);
    if (!pid || *pid <= 1 || *pid > std::numeric_limits<pid_t>::max() || !start || *start <= 0) return {};
    return Record{static_cast<pid_t>(*pid), static_cast<std::uint64_t>(*start), values["phase"], values["version"]};
}

bool lives(const Record& record) {
    const auto stat = process::readStat(record.pid);
    return stat && !stat->dead() && stat->startTime == record.startTime;
}

}  // namespace holdfast::inline v1::ocf
