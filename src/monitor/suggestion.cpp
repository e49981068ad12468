// SPDX-License-Identifier: BSL-1.0
#include <cmath>
#include <holdfast/monitor/configuration.hpp>

#include <algorithm>
#include <charconv>
#include <numeric>

namespace holdfast::inline v1::monitor {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/** Edit distance without case. */
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            const std::size_t change = lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1;
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + change});
            diagonal = above;
        }
    }
    return row[b.size()];
}

}  // namespace

std::string_view suggestion(std::string_view word, const std::vector<std::string_view>& candidates) {
    std::string_view best;
    std::size_t nearest =
        std::min(std::max<std::size_t>(2, word.size() / 3) + 1, word.size());  // something must be left of it
    for (const auto candidate : candidates) {
        const std::size_t d = distance(word, candidate);
        if (d < nearest) {
            nearest = d;
            best = candidate;
        }
    }
    return best;
}

std::int64_t parseDuration(std::string_view text) noexcept {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || !(value >= 0)) return -1;
    std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
    double factor = 0;
    if (unit == "ms")
        factor = 1;
    else if (unit == "s")
        factor = 1'000;
    else if (unit == "min" || unit == "m")
        factor = 60'000;
    else if (unit == "h")
        factor = 3'600'000;
    else if (unit == "d")
        factor = 86'400'000;
    else
        return -1;
    const double milliseconds = value * factor;
    if (!(milliseconds <= 9e15)) return -1;
    return std::llround(milliseconds);
}

}  // namespace holdfast::inline v1::monitor
