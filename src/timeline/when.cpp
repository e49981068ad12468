// SPDX-License-Identifier: BSL-1.0
#include "timeline/when.hpp"

#include "timeline/words.hpp"

#include <cmath>
#include <cstdlib>
#include <string>

namespace holdfast::inline v1::timeline {

namespace {

std::optional<Nanoseconds> parseLength(const std::string& text) {
    if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;  // no "inf", no sign, no space
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    std::string_view unit{end};
    while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    double scale = 0;
    if (unit.empty() || unit == "s") scale = 1e9;
    if (unit == "us") scale = 1e3;
    if (unit == "ms") scale = 1e6;
    if (unit == "min") scale = 60e9;
    if (unit == "h") scale = 3600e9;
    if (scale == 0 || !(value * scale < 1e18)) return std::nullopt;
    return std::llround(value * scale);
}

}  // namespace

std::optional<Time> parseWhen(std::string_view text, Time begin) {
    if (!text.empty() && text.front() == '+') {
        const auto length = parseLength(std::string{text.substr(1)});
        return length ? std::optional{begin + *length} : std::nullopt;
    }
    std::string full{text};
    if (full.find('T') == std::string::npos && full.find(':') != std::string::npos &&
        full.find(' ') == std::string::npos) {
        full = dateText(begin, 0).substr(0, 10) + "T" + full;
    }
    if (const auto space = full.find(' '); space != std::string::npos) full[space] = 'T';
    if (!full.empty() && full.back() != 'Z') full += 'Z';
    return parseUtc(full);
}

}  // namespace holdfast::inline v1::timeline
