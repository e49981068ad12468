// SPDX-License-Identifier: BSL-1.0
#include "timeline/lanes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

namespace holdfast::inline v1::timeline {

namespace {

/** The first row that is free from `begin` on; it is taken until `end`. */
std::size_t placed(std::vector<Time>& rows, const Span& span) {
    for (std::size_t row = 0; row < rows.size(); ++row) {
        if (rows[row] <= span.begin) {
            rows[row] = span.end();
            return row;
        }
    }
    rows.push_back(span.end());
    return rows.size() - 1;
}

}  // namespace

std::size_t Lanes::resource(const std::string& name) {
    const auto [found, isNew] = resources_.try_emplace(name, lanes_.size());
    if (isNew) {
        Lane lane;
        lane.kind = name.empty() ? LaneKind::monitor : LaneKind::resource;
        lane.name = name.empty() ? "monitor" : name;
        lanes_.push_back(std::move(lane));
    }
    return found->second;
}

std::size_t Lanes::thread(const std::string& host, std::uint64_t number) {
    const auto [found, isNew] = threads_.try_emplace({host, number}, lanes_.size());
    if (isNew) {
        Lane lane;
        lane.kind = LaneKind::thread;
        lane.name = host.empty() ? fmt::format("thread {}", number) : fmt::format("thread {} of {}", number, host);
        lane.thread = number;
        lanes_.push_back(std::move(lane));
    }
    return found->second;
}

void Lanes::nameThread(std::size_t lane, const std::string& name) {
    if (!name.empty() && lanes_[lane].name.find('(') == std::string::npos) lanes_[lane].name += " (" + name + ")";
}

void finishModel(Model& model) {
    // Resources as they came, the monitor's own after them, then threads by host and number.
    std::vector<std::size_t> order(model.lanes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto host = [](const Lane& lane) {
        const auto at = lane.name.find(" of ");
        return lane.kind != LaneKind::thread || at == std::string::npos ? std::string{} : lane.name.substr(at);
    };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const Lane& left = model.lanes[a];
        const Lane& right = model.lanes[b];
        return std::tuple{left.kind, host(left), left.thread} < std::tuple{right.kind, host(right), right.thread};
    });
    std::vector<std::size_t> place(order.size());
    std::vector<Lane> lanes;
    for (std::size_t i = 0; i < order.size(); ++i) {
        place[order[i]] = i;
        lanes.push_back(std::move(model.lanes[order[i]]));
    }
    model.lanes = std::move(lanes);

    std::vector<std::size_t> byBegin(model.spans.size());
    std::iota(byBegin.begin(), byBegin.end(), std::size_t{0});
    std::stable_sort(byBegin.begin(), byBegin.end(),
                     [&](std::size_t a, std::size_t b) { return model.spans[a].begin < model.spans[b].begin; });
    std::vector<std::size_t> spanPlace(byBegin.size());
    std::vector<Span> spans;
    spans.reserve(byBegin.size());
    for (std::size_t i = 0; i < byBegin.size(); ++i) {
        spanPlace[byBegin[i]] = i;
        Span& span = spans.emplace_back(std::move(model.spans[byBegin[i]]));
        span.lane = place[span.lane];
        if (span.threadLane != none) span.threadLane = place[span.threadLane];
    }
    model.spans = std::move(spans);

    for (Mark& mark : model.marks) {
        mark.lane = place[mark.lane];
        if (mark.pending != none) mark.pending = spanPlace[mark.pending];
    }
    std::stable_sort(model.marks.begin(), model.marks.end(), [](const Mark& a, const Mark& b) { return a.at < b.at; });
    arrangeRows(model);
}

void arrangeRows(Model& model) {
    struct Rows {
        std::vector<Time> pending;
        std::vector<Time> calls;
    };
    std::vector<Rows> rows(model.lanes.size());
    for (Span& span : model.spans) {
        Rows& own = rows[span.lane];
        if (span.kind == SpanKind::state) continue;
        span.row = placed(span.kind == SpanKind::pending ? own.pending : own.calls, span);
        if (span.threadLane != none) span.threadRow = placed(rows[span.threadLane].calls, span);
    }
    for (std::size_t i = 0; i < rows.size(); ++i) {
        model.lanes[i].pendingRows = rows[i].pending.size();
        model.lanes[i].callRows = rows[i].calls.size();
    }
}

Counts countsOf(const Model& model) {
    Counts counts;
    for (const Span& span : model.spans) {
        if (span.kind == SpanKind::state) {
            counts.failures += span.tone == Tone::bad ? 1 : 0;
            continue;
        }
        counts.calls += span.kind == SpanKind::call ? 1 : 0;
        counts.pending += span.kind == SpanKind::pending ? 1 : 0;
        counts.late += span.grade == Grade::late ? 1 : 0;
        counts.near += span.grade == Grade::near ? 1 : 0;
        counts.failed += span.grade == Grade::failed ? 1 : 0;
    }
    return counts;
}

}  // namespace holdfast::inline v1::timeline
