// SPDX-License-Identifier: BSL-1.0

#include <holdfast/exec/flight_event.hpp>

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace holdfast::inline v1::exec {
namespace {

constexpr std::array<std::string_view, 14> kinds{"none",    "call",   "polls",      "job",    "checkpoint",
                                                 "verdict", "report", "transition", "budget", "wedged",
                                                 "stall",   "opened", "log",        "alarm"};

constexpr std::array<std::string_view, 25> subjects{"",
                                                    "Startup",
                                                    "Open",
                                                    "Close",
                                                    "Online",
                                                    "Offline",
                                                    "Terminate",
                                                    "Cancel",
                                                    "LooksAlive",
                                                    "IsAlive",
                                                    "ResourceControl",
                                                    "ResourceTypeControl",
                                                    "online",
                                                    "offline",
                                                    "looksAlive",
                                                    "isAlive",
                                                    "repair",
                                                    "terminate",
                                                    "OnlinePending",
                                                    "OfflinePending",
                                                    "Online",
                                                    "Offline",
                                                    "Failed",
                                                    "Closed",
                                                    "failure"};

std::string milliseconds(std::int64_t nanoseconds) {
    const double ms = static_cast<double>(nanoseconds) / 1e6;
    return std::abs(ms) < 10 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

}  // namespace

std::string_view nameOf(FlightKind kind) noexcept {
    const auto index = static_cast<std::size_t>(kind);
    return index < kinds.size() ? kinds[index] : "unknown";  // of a newer library
}

std::string_view nameOf(FlightSubject subject) noexcept {
    const auto index = static_cast<std::size_t>(subject);
    return index < subjects.size() ? subjects[index] : "unknown";
}

std::string describe(const FlightEvent& event) {
    const std::string_view subject = nameOf(event.subject);
    const std::string text = event.text.empty() ? std::string{} : ": " + event.text;
    switch (event.kind) {
        case FlightKind::call:
            if (event.phase == FlightPhase::begin) return fmt::format("{} called", subject);
            return fmt::format("{} answered {} in {}{}", subject, event.code, milliseconds(event.value), text);
        case FlightKind::polls: return fmt::format("{} x{}: {}", subject, event.value, event.code);
        case FlightKind::job:
            if (event.phase == FlightPhase::begin) return fmt::format("{}() began", subject);
            return fmt::format("{}() {} after {}{}", subject, event.code == 0 ? "ended" : "failed",
                               milliseconds(event.value), text);
        case FlightKind::checkpoint: return "checkpoint" + text;
        case FlightKind::verdict: return fmt::format("verdict {}{}", event.code == 1 ? "alive" : "failed", text);
        case FlightKind::report:
            if (event.phase == FlightPhase::begin) return fmt::format("reporting {} #{}", subject, event.value);
            return fmt::format("reported {} #{}{}", subject, event.value, event.code == 0 ? "" : ": told to terminate");
        case FlightKind::transition: return fmt::format("now {}", subject);
        case FlightKind::budget: return fmt::format("{} late: {}", subject, milliseconds(event.value));
        case FlightKind::wedged: return fmt::format("wedged{}", text);
        case FlightKind::stall: return fmt::format("process stood still for {}", milliseconds(event.value));
        case FlightKind::opened: return "opened" + text;
        case FlightKind::log: return "log" + text;
        case FlightKind::alarm: return "alarm" + text;
        case FlightKind::none: break;
    }
    return fmt::format("event {}", static_cast<unsigned>(event.kind));
}

}  // namespace holdfast::inline v1::exec
