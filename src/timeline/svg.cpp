// SPDX-License-Identifier: BSL-1.0
#include "timeline/svg.hpp"

#include "timeline/layout.hpp"
#include "timeline/marks_svg.hpp"
#include "timeline/page_parts.hpp"
#include "timeline/perfetto.hpp"
#include "timeline/words.hpp"
#include "timeline/xml_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cmath>
#include <set>
#include <tuple>

namespace holdfast::inline v1::timeline {

namespace {

constexpr double width = 1280;
constexpr double left = 196;  // where the plot begins; the lanes' names are before it
constexpr double right = width - 20;
constexpr double head = 96;
constexpr double margin = 0.01;  // before the begin and after the end
constexpr double thinnest = 2;   // a span is never narrower than can be seen

class Picture {
public:
    Picture(const Model& model, std::string_view title) : model_{model}, title_{title} {}

    std::string draw() {
        double y = head;
        bool threads = false;
        for (const Lane& lane : model_.lanes) {
            if (lane.kind == LaneKind::thread && !threads) {
                threads = true;
                headings_.push_back(y + 18);
                y += 24;
            }
            places_.push_back(placeLane(lane, y));
            y += places_.back().height;
        }
        bottom_ = y;
        stripes();
        axis();
        for (const double baseline : headings_) {
            put(R"(<rect class="paper" x="0" y="{:.1f}" width="{:.0f}" height="24"/>)", baseline - 18, width);
            text(16, baseline, "quiet", "THREADS (the same calls, by the thread that made them)");
        }
        for (std::size_t i = 0; i < places_.size(); ++i) names(i);
        sortRows();
        for (const auto& row : rows_) drawRow(row);
        marks();
        legend();
        return frame();
    }

private:
    /** What is drawn on one line, in order; only it can cover or crowd what it says. */
    struct Row {
        SpanKind kind{};
        double top{0};
        std::vector<std::size_t> spans;
    };

    [[nodiscard]] double x(Time at) const {
        const auto length = static_cast<double>(model_.end - model_.begin);
        const double part = (static_cast<double>(at - model_.begin) + margin * length) / ((1 + 2 * margin) * length);
        return std::clamp(left + part * (right - left), left, right);
    }

    template <typename... Arguments>
    void put(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
        fmt::format_to(std::back_inserter(body_), format, std::forward<Arguments>(arguments)...);
        body_ += '\n';
    }

    void text(double at, double baseline, std::string_view classes, std::string_view what, bool toLeft = false) {
        if (what.empty()) return;
        put(R"(<text x="{:.1f}" y="{:.1f}"{}{}>{}</text>)", at, baseline, toLeft ? R"( text-anchor="end")" : "",
            classes.empty() ? "" : fmt::format(R"( class="{}")", classes), xmlText(what));
    }

    void stripes() {
        for (std::size_t i = 0; i < places_.size(); ++i) {
            if (i % 2 == 0) {
                put(R"(<rect class="stripe" x="0" y="{:.1f}" width="{:.0f}" height="{:.1f}"/>)", places_[i].top, width,
                    places_[i].height);
            }
        }
    }

    void axis() {
        text(left - 10, head - 24, "quiet", "UTC", true);
        text(left - 10, head - 10, "quiet", "since begin", true);
        for (const Tick& tick : ticksOf(model_.begin, model_.end, model_.begin, right - left, 96)) {
            const double at = x(tick.at);
            put(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.0f}" y2="{2:.1f}"/>)", at, head - 38, bottom_);
            const bool isLast = at + widthOf(tick.clock) + 4 > width;
            text(isLast ? at - 4 : at + 4, head - 24, "", tick.clock, isLast);
            text(isLast ? at - 4 : at + 4, head - 10, "quiet", tick.since, isLast);
        }
        put(R"(<line class="edge" x1="0" x2="{:.0f}" y1="{:.0f}" y2="{:.0f}"/>)", width, head, head);
        put(R"(<line class="edge" x1="{0:.0f}" x2="{0:.0f}" y1="{1:.0f}" y2="{2:.1f}"/>)", left, head - 38, bottom_);
        put(R"(<line class="edge" x1="0" x2="{:.0f}" y1="{:.1f}" y2="{:.1f}"/>)", width, bottom_, bottom_);
    }

    void names(std::size_t index) {
        const Lane& lane = model_.lanes[index];
        const LanePlace& place = places_[index];
        put(R"(<g><title>{}</title>)", xmlText(lane.name));
        text(16, place.top + lanePadding + 13, lane.kind == LaneKind::thread ? "" : "name",
             fitted(lane.name, lane.kind == LaneKind::thread ? left - 32 : 108));
        put("</g>");
        if (lane.kind == LaneKind::thread) return;
        const auto track = [&](bool there, double top, std::string_view name) {
            if (there) text(left - 10, top + 13, "quiet", name, true);
        };
        track(lane.hasMarks, place.events, "events");
        track(lane.hasStates, place.states, "state");
        track(lane.pendingRows > 0, place.pending, "pending");
        track(lane.callRows > 0, place.calls, "calls");
    }

    void sortRows() {
        firstCheckpoint_.assign(model_.spans.size(), model_.end);
        for (const Mark& mark : model_.marks) {
            if (mark.pending == none) continue;
            Time& first = firstCheckpoint_[mark.pending];
            first = std::min(first, mark.at);
        }
        std::vector<std::array<std::size_t, 3>> first(model_.lanes.size());
        for (std::size_t i = 0; i < model_.lanes.size(); ++i) {
            const Lane& lane = model_.lanes[i];
            const auto add = [&](SpanKind kind, std::size_t count, double top, double height) {
                const std::size_t at = rows_.size();
                for (std::size_t row = 0; row < count; ++row) {
                    rows_.push_back({kind, top + static_cast<double>(row) * height, {}});
                }
                return at;
            };
            first[i] = {add(SpanKind::state, lane.hasStates ? 1 : 0, places_[i].states, stateHeight),
                        add(SpanKind::pending, lane.pendingRows, places_[i].pending, pendingHeight),
                        add(SpanKind::call, lane.callRows, places_[i].calls, callHeight)};
        }
        for (std::size_t i = 0; i < model_.spans.size(); ++i) {
            const Span& span = model_.spans[i];
            const std::size_t kind = span.kind == SpanKind::state ? 0 : span.kind == SpanKind::pending ? 1 : 2;
            rows_[first[span.lane][kind] + span.row].spans.push_back(i);
            if (span.threadLane != none) rows_[first[span.threadLane][2] + span.threadRow].spans.push_back(i);
        }
    }

    void drawRow(const Row& row) {
        double drawn = -1;  // up to where
        Grade worst = Grade::normal;
        for (std::size_t i = 0; i < row.spans.size(); ++i) {
            const Span& span = model_.spans[row.spans[i]];
            double from = x(span.begin);
            const double to = std::max(x(span.end()), std::min(from + thinnest, right));
            // Thousands of calls in one pixel are one bar; what is worse than it is drawn over it.
            if (to <= drawn + 0.5 && span.grade <= worst) continue;
            if (span.grade <= worst) from = std::max(from, drawn);
            worst = to > drawn + 0.5 ? span.grade : std::max(worst, span.grade);
            drawn = std::max(drawn, to);
            const double next = i + 1 < row.spans.size() ? x(model_.spans[row.spans[i + 1]].begin) : right;
            switch (row.kind) {
                case SpanKind::state: drawState(span, row.top, from, to); break;
                case SpanKind::pending: drawPending(span, row.top, from, to); break;
                default: drawCall(span, row.top, from, to, next); break;
            }
        }
    }

    void begin(const Span& span) {
        std::string title = fmt::format("{}, {}\n{} UTC\nlength: {}", span.name, nameOf(span.kind),
                                        dateText(span.begin, 6), lengthText(span.length));
        if (span.budget > 0) title += "\nbudget: " + lengthText(span.budget);
        if (!span.facts.empty()) title += "\n" + joined(span.facts);
        put("<g><title>{}</title>", xmlText(title));
    }

    void box(std::string_view classes, double from, double to, double top, double height, double corner = 2) {
        put(R"(<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="{:.0f}"/>)", classes, from,
            top, std::max(to - from, 0.1), height, to - from < 5 ? 0 : corner);
    }

    void drawState(const Span& span, double top, double from, double to) {
        begin(span);
        box(fmt::format("state {}", nameOf(span.tone)), from, to, top + 1.5, stateHeight - 3);
        const std::string name = (span.tone == Tone::bad ? "\u2715 " : "") + span.name;
        text(from + 5, top + 14, "", fitted(name, to - from - 8));
        put("</g>");
    }

    void drawPending(const Span& span, double top, double from, double to) {
        begin(span);
        box(fmt::format("pending{}", span.tone == Tone::bad    ? " bad"
                                     : span.tone == Tone::idle ? " cancelled"
                                                               : ""),
            from, to, top + 1.5, pendingHeight - 3);
        // Its checkpoints come over it: its name stands before the first of them, or not at all.
        const Time first = firstCheckpoint_[static_cast<std::size_t>(&span - model_.spans.data())];
        const double room = std::min(to, x(first) - 6);
        const std::string name = (span.tone == Tone::bad ? "\u2715 " : "") + span.name + " pending";
        text(from + 5, top + 13, "", fitted(name, room - from - 8));
        put("</g>");
    }

    void drawCall(const Span& span, double top, double from, double to, double next) {
        begin(span);
        const double y = top + 3;
        const double height = callHeight - 6;
        const double limit = x(span.begin + span.budget);
        const bool bad = span.grade == Grade::failed;
        box(bad ? "failed" : span.kind == SpanKind::work ? "work" : "call", from, to, y, height, 1);
        double busy = to;
        if (span.budget > 0 && span.grade != Grade::normal && (span.length * 2 >= span.budget)) {
            if (span.length > span.budget && to - limit > 0.5) {
                box("over", limit, to, y, height, 0);
                box("hatch", limit, to, y, height, 0);
            }
            if (span.length <= span.budget && limit - to > 1) box("room", to, limit, y + 0.5, height - 1, 0);
            put(R"(<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)", limit, top,
                top + callHeight);
            busy = std::max(busy, limit);
        }
        const char* const sign = bad ? "\u2715 " : span.grade == Grade::late ? "! " : "";
        std::string name = sign + span.name;
        if (span.grade == Grade::late || span.grade == Grade::near) {
            name += fmt::format(" {} of {}", lengthText(span.length), lengthText(span.budget));
        }
        const double inside = std::min(limit > from ? limit : to, to) - from;
        if (widthOf(name) + 8 <= inside) {
            text(from + 4, top + 13, "on", name);
        } else if (widthOf(name) + 12 <= next - busy) {
            text(busy + 4, top + 13, span.grade >= Grade::late ? "red" : "", name);
        }
        put("</g>");
    }

    void marks() {
        std::set<std::tuple<std::size_t, MarkKind, bool, long>> drawn;
        for (const Mark& mark : model_.marks) {
            const LanePlace& place = places_[mark.lane];
            const bool inPending = mark.pending != none;
            double top = place.events;
            if (inPending) {
                top = place.pending + static_cast<double>(model_.spans[mark.pending].row) * pendingHeight;
            }
            // Marks of one kind at one place are one; the page tells them apart.
            const auto spot = std::tuple{mark.lane, mark.kind, inPending, std::lround(x(mark.at) * 2)};
            if (!drawn.insert(spot).second) continue;
            std::string title = fmt::format("{}\n{} UTC", mark.name, dateText(mark.at, 3));
            if (!mark.facts.empty()) title += "\n" + joined(mark.facts);
            put("<g><title>{}</title>", xmlText(title));
            body_ += markShape(mark.kind, x(mark.at), top + 9);
            put("</g>");
        }
        labelMarks();
    }

    /** Texts beside marks, the most important first, where nothing else is. */
    void labelMarks() {
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < model_.marks.size(); ++i) {
            if (model_.marks[i].pending == none) order.push_back(i);
        }
        const auto weight = [&](std::size_t i) {
            switch (model_.marks[i].kind) {
                case MarkKind::failure: return 0;
                case MarkKind::error: return 1;
                case MarkKind::warning: return 2;
                case MarkKind::signal: return 3;
                case MarkKind::report: return 4;
                default: return 5;
            }
        };
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return weight(a) < weight(b); });
        using Pixels = std::bitset<static_cast<std::size_t>(width)>;
        std::vector<Pixels> taken(model_.lanes.size());
        const auto take = [](Pixels& pixels, double from, double to) {
            const double first = std::max(from, 0.0);
            const double last = std::min(to, width - 1);
            for (std::size_t i = 0; first + static_cast<double>(i) <= last; ++i)
                pixels.set(static_cast<std::size_t>(first + static_cast<double>(i)));
        };
        for (const std::size_t i : order) {
            const double at = x(model_.marks[i].at);
            take(taken[model_.marks[i].lane], at - 6, at + 6);
        }
        for (const std::size_t i : order) {
            const Mark& mark = model_.marks[i];
            const double from = x(mark.at) + 8;
            Pixels& lane = taken[mark.lane];
            double room = from;
            while (room < right && !lane.test(static_cast<std::size_t>(room))) ++room;
            const std::string line = mark.name.substr(0, mark.name.find('\n'));
            const std::string cut = fitted(line, room - from - 4);
            if (cut.empty() || (cut != line && widthOf(cut) < 60)) continue;
            text(from, places_[mark.lane].events + 13, weight(i) <= 1 ? "red" : "quiet", cut);
            take(lane, from, from + widthOf(cut));
        }
    }

    void legend() {
        double at = 16;
        double y = bottom_ + 22;
        const auto item = [&](std::string_view name, double room, const auto& shape) {
            if (at + room + widthOf(name) + 16 > width) {
                at = 16;
                y += 20;
            }
            shape(at, y);
            text(at + room + 5, y + 4, "quiet", name);
            at += room + widthOf(name) + 26;
        };
        const auto boxOf = [&](const char* classes) {
            return [this, classes](double begin, double middle) { box(classes, begin, begin + 18, middle - 6, 12); };
        };
        const auto markOf = [&](MarkKind kind) {
            return [this, kind](double begin, double middle) { body_ += markShape(kind, begin + 6, middle); };
        };
        item("online", 18, boxOf("state good"));
        item("changing", 18, boxOf("state working"));
        item("failed", 18, boxOf("state bad"));
        item("other state", 18, boxOf("state idle"));
        item("pending operation", 18, boxOf("pending"));
        item("checkpoint", 12, markOf(MarkKind::checkpoint));
        item("final report", 12, markOf(MarkKind::report));
        item("call", 18, boxOf("call"));
        item("failed call", 18, boxOf("failed"));
        item("budget (300 ms, IsAlive 50 ms), and what is over it", 40, [this](double begin, double middle) {
            box("call", begin, begin + 20, middle - 6, 12, 0);
            box("over", begin + 20, begin + 40, middle - 6, 12, 0);
            box("hatch", begin + 20, begin + 40, middle - 6, 12, 0);
            put(R"(<line class="limit" x1="{0:.1f}" x2="{0:.1f}" y1="{1:.1f}" y2="{2:.1f}"/>)", begin + 20, middle - 9,
                middle + 9);
        });
        item("failure", 12, markOf(MarkKind::failure));
        item("error", 12, markOf(MarkKind::error));
        item("warning", 12, markOf(MarkKind::warning));
        item("signal", 12, markOf(MarkKind::signal));
        item("note", 12, markOf(MarkKind::note));
        end_ = y + 18;
    }

    std::string frame() {
        const std::string summary = fmt::format("{} UTC; {}", dateText(model_.begin), summaryOf(model_));
        std::string notes;
        for (const auto& note : model_.notes) notes += "; " + note;
        std::string out = fmt::format(
            R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0:.0f} {1:.0f}" width="{0:.0f}" height="{1:.0f}" role="img">)",
            width, end_);
        out += fmt::format("\n<!-- {} -->\n<title>{}</title>\n<desc>{}</desc>\n<style>{}</style>\n", generator,
                           xmlText(title_), xmlText(summary + notes), pictureStyle.text);
        out +=
            R"x(<defs><pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">)x"
            R"(<line class="hatchline" x1="0" x2="0" y1="0" y2="5"/></pattern></defs>)"
            "\n";
        out += fmt::format("<rect class=\"paper\" width=\"{:.0f}\" height=\"{:.0f}\"/>\n", width, end_);
        out += fmt::format("<text x=\"16\" y=\"24\" class=\"title\">{}</text>\n", xmlText(fitted(title_, 860)));
        out += fmt::format("<text x=\"16\" y=\"43\" class=\"quiet\">{}</text>\n",
                           xmlText(fitted(summary + notes, width - 32)));
        return out + body_ + "</svg>\n";
    }

    const Model& model_;
    std::string title_;
    std::vector<LanePlace> places_;
    std::vector<double> headings_;
    std::vector<Row> rows_;
    std::vector<Time> firstCheckpoint_;  ///< of each pending operation
    std::string body_;
    double bottom_{0};
    double end_{0};
};

}  // namespace

std::string toSvg(const Model& model, std::string_view title) { return Picture{model, title}.draw(); }

}  // namespace holdfast::inline v1::timeline
