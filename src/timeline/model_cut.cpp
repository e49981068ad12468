// SPDX-License-Identifier: BSL-1.0
#include "timeline/lanes.hpp"
#include "timeline/model.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace holdfast::inline v1::timeline {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/** The lanes that are left get new numbers; `none` for those that went. */
std::vector<std::size_t> renumbered(const std::vector<bool>& kept) {
    std::vector<std::size_t> out(kept.size(), none);
    std::size_t next = 0;
    for (std::size_t i = 0; i < kept.size(); ++i) {
        if (kept[i]) out[i] = next++;
    }
    return out;
}

void refuseUnknown(const Model& model, const Cut& cut) {
    for (const auto& wanted : cut.resources) {
        std::string known;
        bool found = false;
        for (const Lane& lane : model.lanes) {
            if (lane.kind == LaneKind::thread) continue;
            found = found || lane.name == wanted;
            known += (known.empty() ? "" : ", ") + lane.name;
        }
        if (!found) throw TraceError{fmt::format("it has no resource \"{}\"; it has {}", wanted, known)};
    }
}

}  // namespace

Model cutModel(Model model, const Cut& cut) {
    refuseUnknown(model, cut);
    const Time from = cut.from.value_or(model.begin);
    const Time to = cut.to.value_or(model.end);
    if (from >= to) throw TraceError{"nothing is between --from and --to"};

    std::vector<bool> wanted(model.lanes.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        wanted[i] = cut.resources.empty() || model.lanes[i].kind == LaneKind::thread ||
                    contains(cut.resources, model.lanes[i].name);
    }
    std::vector<bool> used(model.lanes.size());
    std::vector<bool> keptSpan(model.spans.size());
    for (std::size_t i = 0; i < model.spans.size(); ++i) {
        const Span& span = model.spans[i];
        keptSpan[i] = wanted[span.lane] && span.begin <= to && span.end() >= from;
        if (!keptSpan[i]) continue;
        used[span.lane] = true;
        if (span.threadLane != none) used[span.threadLane] = true;
    }
    std::vector<bool> keptMark(model.marks.size());
    for (std::size_t i = 0; i < model.marks.size(); ++i) {
        const Mark& mark = model.marks[i];
        keptMark[i] = wanted[mark.lane] && mark.at >= from && mark.at <= to;
        // The stack of a thread is of interest with the calls on it; without a choice of resources always.
        if (model.lanes[mark.lane].kind == LaneKind::thread && !cut.resources.empty()) {
            keptMark[i] = keptMark[i] && used[mark.lane];
        }
        if (keptMark[i]) used[mark.lane] = true;
    }
    const auto lanePlace = renumbered(used);
    const auto spanPlace = renumbered(keptSpan);

    Model out;
    out.begin = from;
    out.end = to;
    out.notes = std::move(model.notes);
    for (std::size_t i = 0; i < model.lanes.size(); ++i) {
        if (used[i]) out.lanes.push_back(std::move(model.lanes[i]));
    }
    for (std::size_t i = 0; i < model.spans.size(); ++i) {
        if (!keptSpan[i]) continue;
        Span& span = out.spans.emplace_back(std::move(model.spans[i]));
        span.lane = lanePlace[span.lane];
        if (span.threadLane != none) span.threadLane = lanePlace[span.threadLane];
    }
    for (std::size_t i = 0; i < model.marks.size(); ++i) {
        if (!keptMark[i]) continue;
        Mark& mark = out.marks.emplace_back(std::move(model.marks[i]));
        mark.lane = lanePlace[mark.lane];
        if (mark.pending != none) mark.pending = spanPlace[mark.pending];
    }
    for (Lane& lane : out.lanes) lane.hasMarks = lane.hasStates = false;
    for (const Span& span : out.spans) {
        if (span.kind == SpanKind::state) out.lanes[span.lane].hasStates = true;
    }
    for (const Mark& mark : out.marks) {
        if (mark.pending == none) out.lanes[mark.lane].hasMarks = true;
    }
    if (out.spans.empty() && out.marks.empty()) throw TraceError{"nothing is left of it between --from and --to"};
    arrangeRows(out);
    return out;
}

}  // namespace holdfast::inline v1::timeline
