// SPDX-License-Identifier: BSL-1.0
#include "timeline/perfetto.hpp"

#include "timeline/words.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>

#include <set>

namespace holdfast::inline v1::timeline {

namespace {

namespace json = boost::json;

// The tracks of a resource's process; what must nest on a track of this format is on one of its own.
constexpr std::uint64_t eventsTrack = 1;
constexpr std::uint64_t statesTrack = 2;
constexpr std::uint64_t pendingTrack = 10;
constexpr std::uint64_t callsTrack = 100;

std::string quoted(std::string_view text) { return json::serialize(json::string{text.data(), text.size()}); }

/** Microseconds with their nanoseconds, exactly. */
std::string microseconds(Nanoseconds ns) {
    const char* const sign = ns < 0 ? "-" : "";
    const auto size = ns < 0 ? -ns : ns;
    return fmt::format("{}{}.{:03}", sign, size / 1'000, size % 1'000);
}

class Writer {
public:
    explicit Writer(const Model& model) : model_{model} {
        const std::string notes = [&] {
            std::string all;
            for (const auto& note : model.notes) all += (all.empty() ? "" : "; ") + note;
            return all;
        }();
        out_ = fmt::format("{{\"otherData\":{{\"generator\":\"{}\",\"begin\":{},\"notes\":{}}},\n", generator,
                           quoted(dateText(model.begin, 9) + " UTC"), quoted(notes));
        out_ += "\"displayTimeUnit\":\"ms\",\n\"traceEvents\":[\n";
    }

    std::string write() {
        threads_ = model_.lanes.size() + 1;  // the process of all threads comes last
        bool anyThread = false;
        for (std::size_t i = 0; i < model_.lanes.size(); ++i) {
            const Lane& lane = model_.lanes[i];
            if (lane.kind == LaneKind::thread) {
                if (!anyThread) nameProcess(threads_, "threads");
                anyThread = true;
                nameTrack(threads_, i + 1, lane.name);
                continue;
            }
            nameProcess(i + 1, lane.name);
            if (lane.hasMarks) nameTrack(i + 1, eventsTrack, "events");
            if (lane.hasStates) nameTrack(i + 1, statesTrack, "state");
            for (std::size_t row = 0; row < lane.pendingRows; ++row) {
                nameTrack(i + 1, pendingTrack + row, "pending operation");
            }
        }
        for (const Span& span : model_.spans) write(span);
        for (const Mark& mark : model_.marks) write(mark);
        return std::move(out_) + "\n]}\n";
    }

private:
    void event(const std::string& text) {
        out_ += first_ ? text : ",\n" + text;
        first_ = false;
    }

    void nameProcess(std::uint64_t process, std::string_view name) {
        event(
            fmt::format(R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":{}}}}})", process, quoted(name)));
        event(fmt::format(R"({{"ph":"M","name":"process_sort_index","pid":{},"args":{{"sort_index":{}}}}})", process,
                          process));
    }

    void nameTrack(std::uint64_t process, std::uint64_t track, std::string_view name) {
        event(fmt::format(R"({{"ph":"M","name":"thread_name","pid":{},"tid":{},"args":{{"name":{}}}}})", process, track,
                          quoted(name)));
        event(fmt::format(R"({{"ph":"M","name":"thread_sort_index","pid":{},"tid":{},"args":{{"sort_index":{}}}}})",
                          process, track, track));
    }

    static std::string arguments(const std::vector<Fact>& facts, Nanoseconds budget = 0) {
        std::string text;
        const auto add = [&](std::string_view key, std::string_view value) {
            text += fmt::format("{}{}:{}", text.empty() ? "" : ",", quoted(key), quoted(value));
        };
        for (const Fact& fact : facts) add(fact.key, fact.value);
        if (budget > 0) add("budget", lengthText(budget));
        return text;
    }

    void complete(const Span& span, std::uint64_t process, std::uint64_t track) {
        // The name decides the colour there, so that what is late or failed has another one.
        const bool bad = span.kind != SpanKind::state && span.grade != Grade::normal && span.grade != Grade::near;
        const std::string name = bad ? fmt::format("{} ({})", span.name, nameOf(span.grade)) : span.name;
        event(fmt::format(R"({{"ph":"X","name":{},"cat":"{}{}{}","pid":{},"tid":{},"ts":{},"dur":{}{},"args":{{{}}}}})",
                          quoted(name), nameOf(span.kind), span.grade == Grade::normal ? "" : ",",
                          span.grade == Grade::normal ? "" : nameOf(span.grade), process, track,
                          microseconds(span.begin - model_.begin), microseconds(span.length),
                          span.grade == Grade::failed ? R"(,"cname":"terrible")"
                          : span.grade == Grade::late ? R"(,"cname":"bad")"
                                                      : "",
                          arguments(span.facts, span.budget)));
    }

    void write(const Span& span) {
        const std::uint64_t process = span.lane + 1;
        if (span.kind == SpanKind::state) return complete(span, process, statesTrack);
        if (span.kind == SpanKind::pending) return complete(span, process, pendingTrack + span.row);
        const std::uint64_t track = callsTrack + (span.threadLane == none ? span.row : span.threadLane);
        if (named_.insert({process, track}).second) {
            nameTrack(process, track,
                      span.threadLane == none ? "calls" : "calls on " + model_.lanes[span.threadLane].name);
        }
        complete(span, process, track);
        if (span.grade == Grade::late || span.grade == Grade::near) {
            instant(fmt::format("budget of {}: {}", span.name, lengthText(span.budget)), "budget",
                    span.begin + span.budget, process, track, {});
        }
        if (span.threadLane == none) return;
        complete(span, threads_, span.threadLane + 1);
    }

    void instant(std::string_view name, std::string_view category, Time at, std::uint64_t process, std::uint64_t track,
                 const std::vector<Fact>& facts) {
        event(fmt::format(R"({{"ph":"i","name":{},"cat":"{}","pid":{},"tid":{},"ts":{},"s":"t","args":{{{}}}}})",
                          quoted(name), category, process, track, microseconds(at - model_.begin), arguments(facts)));
    }

    void write(const Mark& mark) {
        const Lane& lane = model_.lanes[mark.lane];
        const bool onThread = lane.kind == LaneKind::thread;
        const std::uint64_t track = onThread               ? mark.lane + 1
                                    : mark.pending != none ? pendingTrack + model_.spans[mark.pending].row
                                                           : eventsTrack;
        instant(mark.name, nameOf(mark.kind), mark.at, onThread ? threads_ : mark.lane + 1, track, mark.facts);
    }

    const Model& model_;
    std::string out_;
    std::set<std::pair<std::uint64_t, std::uint64_t>> named_;
    std::uint64_t threads_{0};
    bool first_{true};
};

}  // namespace

std::string toPerfetto(const Model& model) { return Writer{model}.write(); }

}  // namespace holdfast::inline v1::timeline
