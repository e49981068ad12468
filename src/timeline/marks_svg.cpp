// SPDX-License-Identifier: BSL-1.0
#include "timeline/marks_svg.hpp"

#include "timeline/words.hpp"

#include <fmt/format.h>

#include <iterator>

namespace holdfast::inline v1::timeline {

std::string markShape(MarkKind kind, double x, double y) {
    std::string out = fmt::format("<g transform=\"translate({:.1f} {:.1f})\">", x, y);
    const auto path = [&](const char* classes, const char* points) {
        fmt::format_to(std::back_inserter(out), R"(<path class="{}" d="{}"/>)", classes, points);
    };
    switch (kind) {
        case MarkKind::checkpoint: path("checkpoint", "M0-7.5V7.5M0-4 3.5 0 0 4-3.5 0Z"); break;
        case MarkKind::report: path("mark-report", "M-4-4H4V4H-4Z"); break;
        case MarkKind::failure: path("mark-failure", "M-4.5-4.5 4.5 4.5M4.5-4.5-4.5 4.5"); break;
        case MarkKind::signal: path("mark-signal", "M0-5.5 5.5 0 0 5.5-5.5 0Z"); break;
        case MarkKind::error: path("mark-error", "M0-5.5 5.5 4.5H-5.5Z"); break;
        case MarkKind::warning: path("mark-warning", "M0-5.5 5.5 4.5H-5.5Z"); break;
        case MarkKind::note: out += R"(<circle class="mark-note" r="2.5"/>)"; break;
        case MarkKind::stack: path("mark-stack", "M-4-4H4M-4 0H4M-4 4H4"); break;
    }
    return out + "</g>\n";
}

}  // namespace holdfast::inline v1::timeline
