// SPDX-License-Identifier: BSL-1.0
#include "timeline/words.hpp"

#include "monitor/reason_text.hpp"

#include <holdfast/abi/resapi.hpp>

#include <fmt/format.h>

#include <chrono>
#include <limits>

namespace holdfast::inline v1::timeline {

namespace {

constexpr Nanoseconds second = 1'000'000'000;

/** At most `decimals` of them, none that says nothing. */
std::string trimmed(double value, int decimals) {
    std::string text = fmt::format("{:.{}f}", value, decimals);
    if (text.find('.') != std::string::npos) {
        while (text.back() == '0') text.pop_back();
        if (text.back() == '.') text.pop_back();
    }
    return text;
}

std::string scaled(Nanoseconds length, Nanoseconds unit, std::string_view name) {
    const double value = static_cast<double>(length) / static_cast<double>(unit);
    return fmt::format("{} {}", trimmed(value, value < 10 ? 2 : value < 100 ? 1 : 0), name);
}

}  // namespace

std::string lengthText(Nanoseconds length) {
    if (length < 1'000) return fmt::format("{} ns", length);
    if (length < 1'000'000) return scaled(length, 1'000, "us");
    if (length < second) return scaled(length, 1'000'000, "ms");
    if (length < 120 * second) return scaled(length, second, "s");
    const auto whole = length / second;
    const auto both = [](Nanoseconds large, const char* unit, Nanoseconds small, const char* rest) {
        return small == 0 ? fmt::format("{} {}", large, unit) : fmt::format("{} {} {} {}", large, unit, small, rest);
    };
    return whole < 7'200 ? both(whole / 60, "min", whole % 60, "s") : both(whole / 3'600, "h", whole / 60 % 60, "min");
}

std::string clockText(Time time, int decimals) {
    auto inDay = time % (86'400 * second);
    if (inDay < 0) inDay += 86'400 * second;
    const auto whole = inDay / second;
    std::string text = fmt::format("{:02}:{:02}:{:02}", whole / 3'600, whole / 60 % 60, whole % 60);
    if (decimals > 0) text += fmt::format(".{:09}", inDay % second).substr(0, static_cast<std::size_t>(decimals) + 1);
    return text;
}

std::string dateText(Time time, int decimals) {
    using namespace std::chrono;
    const auto days_ = floor<days>(sys_time<nanoseconds>{nanoseconds{time}});
    const year_month_day day{days_};
    return fmt::format("{:04}-{:02}-{:02} {}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                       static_cast<unsigned>(day.day()), clockText(time, decimals));
}

bool isCheck(std::string_view entryPoint) noexcept { return entryPoint == "IsAlive" || entryPoint == "LooksAlive"; }

std::string resultText(std::string_view entryPoint, std::int64_t result) {
    if (isCheck(entryPoint)) return result == 0 ? "0 (failed)" : fmt::format("{} (alive)", result);
    if (result == 0) return "0 (success)";
    if (result == abi::code::ioPending) return "997 (pending)";
    if (result == abi::code::moreData) return "234 (more data)";
    if (result == abi::code::resourcePropertiesStored) return "5024 (stored, used from the next Online on)";
    if (result < 0 || result > std::numeric_limits<abi::Dword>::max()) return std::to_string(result);
    std::string text = monitor::codeText(static_cast<abi::Dword>(result));
    return text.substr(text.find(' ') + 1);  // "error 5038 (resource failed)"
}

bool isFailure(std::string_view entryPoint, std::int64_t result) noexcept {
    if (isCheck(entryPoint)) return result == 0;
    // Whoever sends a control code expects "invalid function" and "more data" (W-602): no failure of the resource.
    if (entryPoint == "ResourceControl" || entryPoint == "ResourceTypeControl") return false;
    return result != 0 && result != abi::code::ioPending;
}

Nanoseconds budgetOf(std::string_view entryPoint) noexcept {
    return 1'000'000LL * (entryPoint == "IsAlive" ? abi::isAliveBudgetMs : abi::entryPointBudgetMs);
}

Tone toneOf(std::string_view state) noexcept {
    if (state == "Online" || state == "Verifying") return Tone::good;
    if (state.substr(0, 6) == "Failed" || state == "Dead" || state.substr(0, 16) == "CannotComeOnline")
        return Tone::bad;
    if (state == "Terminating" || state == "Initializing" || state == "Pending" || state.substr(0, 7) == "Offline") {
        return state == "Offline" ? Tone::idle : Tone::working;
    }
    return state.substr(0, 6) == "Online" ? Tone::working : Tone::idle;
}

std::string_view nameOf(SpanKind kind) noexcept {
    switch (kind) {
        case SpanKind::state: return "state";
        case SpanKind::pending: return "pending";
        case SpanKind::call: return "call";
        case SpanKind::work: return "work";
    }
    return "?";
}

std::string_view nameOf(MarkKind kind) noexcept {
    switch (kind) {
        case MarkKind::checkpoint: return "checkpoint";
        case MarkKind::report: return "report";
        case MarkKind::failure: return "failure";
        case MarkKind::signal: return "signal";
        case MarkKind::error: return "error";
        case MarkKind::warning: return "warning";
        case MarkKind::note: return "note";
        case MarkKind::stack: return "stack";
    }
    return "?";
}

std::string_view nameOf(Grade grade) noexcept {
    switch (grade) {
        case Grade::normal: return "normal";
        case Grade::near: return "near";
        case Grade::late: return "late";
        case Grade::failed: return "failed";
    }
    return "?";
}

std::string_view nameOf(Tone tone) noexcept {
    switch (tone) {
        case Tone::idle: return "idle";
        case Tone::working: return "working";
        case Tone::good: return "good";
        case Tone::bad: return "bad";
    }
    return "?";
}

std::string summaryOf(const Model& model) {
    const Counts counts = countsOf(model);
    const auto some = [](std::size_t n, const char* one, const char* many) {
        return fmt::format("{} {}", n, n == 1 ? one : many);
    };
    return fmt::format("{}, {}, {} late, {} failed, {}, {}", some(counts.calls, "call", "calls"),
                       some(counts.pending, "pending operation", "pending operations"), counts.late, counts.failed,
                       some(counts.failures, "resource failure", "resource failures"),
                       lengthText(model.end - model.begin));
}

std::string joined(const std::vector<Fact>& facts) {
    std::string text;
    for (const Fact& fact : facts) text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", fact.key, fact.value);
    return text;
}

}  // namespace holdfast::inline v1::timeline
