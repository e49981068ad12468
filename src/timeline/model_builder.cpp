// SPDX-License-Identifier: BSL-1.0
#include "timeline/clock_fit.hpp"
#include "timeline/flight_pairs.hpp"
#include "timeline/lanes.hpp"
#include "timeline/model.hpp"
#include "timeline/words.hpp"

#include <holdfast/abi/control_codes.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace holdfast::inline v1::timeline {

namespace {

template <typename... Ts>
struct Overloaded : Ts... {
    using Ts::operator()...;
};
template <typename... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

/** What is going on with one resource while its records are read. */
struct Resource {
    std::size_t state{none};        ///< the span of the present state
    std::size_t pending{none};      ///< the span of the operation that is pending
    std::size_t lastPending{none};  ///< the one that ended last: the final report comes a moment later
    Time called{0};                 ///< when its last call returned
    bool terminated{false};         ///< by Terminate, which has not returned
    std::string lastStep;           ///< what the agent logged of the pending operation since its last checkpoint
};

/** "OnlinePending" -> "Online"; empty if it is no pending state. */
std::string_view pendingOperation(std::string_view state) {
    if (state == "OnlinePending") return "Online";
    if (state == "OfflinePending") return "Offline";
    return {};
}

void say(std::vector<Fact>& facts, std::string_view key, std::string value) {
    if (!value.empty()) facts.push_back({std::string{key}, std::move(value)});
}

class Builder {
public:
    explicit Builder(const Trace& trace) : fit_{samplesOf(trace)}, lanes_{model_.lanes} {
        model_.notes = trace.notes;
        model_.begin = std::numeric_limits<Time>::max();
        model_.end = std::numeric_limits<Time>::min();
        if (fit_.jumps() > 0) {
            model_.notes.push_back(fmt::format("the wall clock was set, or is of another machine, {} during the trace",
                                               fit_.jumps() == 1 ? "once" : fmt::format("{} times", fit_.jumps())));
        }
    }

    Model build(const Trace& trace) {
        for (std::size_t i = 0; i < trace.entries.size(); ++i) take(trace.entries[i], i);
        finish();
        return std::move(model_);
    }

private:
    static std::vector<ClockFit::Sample> samplesOf(const Trace& trace) {
        std::vector<ClockFit::Sample> samples;
        for (std::size_t i = 0; i < trace.entries.size(); ++i) {
            const Entry& entry = trace.entries[i];
            if (const auto* const call = std::get_if<CallEntry>(&entry.what)) {
                if (call->start > 0) samples.push_back({i, entry.time, call->start + call->span});
            } else if (const auto* const event = std::get_if<FlightEventEntry>(&entry.what)) {
                if (event->start > 0) samples.push_back({i, entry.time, event->start});
            }
        }
        return samples;
    }

    void take(const Entry& entry, std::size_t number) {
        seen(entry.time);
        std::visit(Overloaded{
                       [&](const CallEntry& call) { takeCall(entry, call, number); },
                       [&](const StatusEntry& status) { takeStatus(entry, status); },
                       [&](const StateEntry& state) { takeState(entry, state); },
                       [&](const LogEntry& log) { takeLog(entry, log); },
                       [&](const SignalEntry&) { mark(entry, MarkKind::signal, "the agent signalled its event", {}); },
                       [&](const FlightEntry& flight) { takeFlight(entry, flight); },
                       [&](const FlightEventEntry& event) { takeEvent(entry, event, number); },
                       [&](const StackEntry& stack) { takeStack(entry, stack); },
                   },
                   entry.what);
    }

    // --- the monitor's trace ---------------------------------------------------------------------------------------

    void takeCall(const Entry& entry, const CallEntry& call, std::size_t number) {
        Span span;
        span.kind = SpanKind::call;
        span.begin = call.start > 0 ? fit_.wall(number, call.start) : entry.time - call.span;
        span.length = call.span;
        span.name = call.entryPoint;
        span.budget = call.budget > 0 ? call.budget : budgetOf(call.entryPoint);
        span.grade = call.threw || isFailure(call.entryPoint, call.result) ? Grade::failed : gradeOf(span);
        say(span.facts, "result", call.threw ? "it threw" : resultText(call.entryPoint, call.result));
        if (call.control != 0) {
            const std::string_view name = abi::controlName(call.control);
            say(span.facts, "control code", fmt::format("{}{}0x{:08X}", name, name.empty() ? "" : " ", call.control));
        }
        span.threadLane = lanes_.thread(call.host, call.thread);
        say(span.facts, "thread", model_.lanes[span.threadLane].name);
        addCall(entry, std::move(span), call.result);
    }

    void addCall(const Entry& entry, Span span, std::int64_t result) {
        span.lane = lanes_.resource(entry.resource);
        const Time end = span.end();
        const bool failedCheck = isCheck(span.name) && span.grade == Grade::failed;
        const bool pending = result == abi::code::ioPending && (span.name == "Online" || span.name == "Offline");
        if (span.grade == Grade::failed) {
            mark(entry, MarkKind::failure, failedCheck ? span.name + " says it has failed" : span.name + " failed",
                 span.facts, end);
        }
        const std::string name = span.name;
        Time& called = resources_[entry.resource].called;
        called = std::max(called, end);
        addSpan(std::move(span));
        if (pending) startPending(entry.resource, name, end);
    }

    void takeState(const Entry& entry, const StateEntry& change) {
        Resource& resource = resources_[entry.resource];
        const std::size_t lane = lanes_.resource(entry.resource);
        model_.lanes[lane].hasStates = true;
        if (resource.state == none && !change.from.empty() && toneOf(change.from) != Tone::idle) {
            beginState(resource, lane, change.from, firstTime_);  // the trace began in the middle of it
        }
        const bool wasPending = resource.pending != none;
        if (change.to == "Dead" && resource.state != none) addUnreturned(entry, change, resource);
        close(resource.state, entry.time);
        resource.state = none;
        if (change.to != "Closed") beginState(resource, lane, change.to, entry.time);

        if (const auto operation = pendingOperation(change.to); !operation.empty()) {
            startPending(entry.resource, std::string{operation}, entry.time);
        } else {
            endPending(entry.resource, entry.time, change.to, change.reason);
        }
        if (toneOf(change.to) == Tone::bad) {
            if (change.from == "Terminating" && resource.terminated) gradeEnded(resource, change.reason);
            mark(entry, MarkKind::failure, change.to + (change.reason.empty() ? "" : ": " + change.reason), {});
        }
        if (change.from == "Terminating") resource.terminated = false;
        if (change.to == "Terminating") resource.terminated = wasPending;
    }

    /** A call that never came back has no record; that its host was killed for it says which it was (W-440). */
    void addUnreturned(const Entry& entry, const StateEntry& change, const Resource& resource) {
        const auto at = change.reason.find(" did not return");
        if (at == std::string::npos) return;
        Span span;
        span.kind = SpanKind::call;
        span.grade = Grade::failed;
        // A check that hangs is not the first one: it began after the last that did not.
        span.begin = std::max(model_.spans[resource.state].begin, resource.called);
        span.length = std::max<Nanoseconds>(0, entry.time - span.begin);
        span.name = change.reason.substr(0, at);
        span.budget = budgetOf(span.name);
        span.lane = lanes_.resource(entry.resource);
        say(span.facts, "result", "none: it did not return, and its host was ended");
        say(span.facts, "begin", "not recorded; after the call before it");
        addSpan(std::move(span));
    }

    void beginState(Resource& resource, std::size_t lane, const std::string& name, Time at) {
        Span span;
        span.kind = SpanKind::state;
        span.tone = toneOf(name);
        span.grade = span.tone == Tone::bad ? Grade::failed : Grade::normal;
        span.open = true;
        span.begin = at;
        span.name = name;
        span.lane = lane;
        resource.state = addSpan(std::move(span));
    }

    void takeStatus(const Entry& entry, const StatusEntry& status) {
        Resource& resource = resources_[entry.resource];
        const auto operation = pendingOperation(status.state);
        if (!operation.empty() && resource.pending == none && resource.state == none) {
            startPending(entry.resource, std::string{operation}, entry.time);
        }
        std::vector<Fact> facts;
        const bool isCheckpoint = !operation.empty();
        std::string name = "report " + status.state;
        if (isCheckpoint) {
            name = fmt::format("checkpoint {}", status.checkPoint);
            say(facts, "step", std::exchange(resource.lastStep, {}));
        } else {
            say(facts, "checkpoint", std::to_string(status.checkPoint));
        }
        if (status.askedToStop) say(facts, "answer", "terminate");
        // The report of an end is recorded a moment after the state that it caused.
        const bool isRecent =
            resource.lastPending != none && entry.time - model_.spans[resource.lastPending].end() < 100'000'000;
        const std::size_t pending = resource.pending != none ? resource.pending
                                    : isRecent               ? resource.lastPending
                                                             : none;
        if (!isCheckpoint && resource.pending != none && resource.state == none) {
            endPending(entry.resource, entry.time, status.state, {});  // a trace without states, as verify writes
        }
        Mark made{isCheckpoint ? MarkKind::checkpoint : MarkKind::report,
                  entry.time,
                  std::move(name),
                  std::move(facts),
                  lanes_.resource(entry.resource),
                  pending};
        if (pending != none) {
            const Span& span = model_.spans[pending];
            made.at = std::max(made.at, span.begin);
            if (!span.open) made.at = std::min(made.at, span.end());
        } else if (toneOf(status.state) == Tone::bad) {
            made.kind = MarkKind::failure;
        }
        addMark(std::move(made));
    }

    void takeLog(const Entry& entry, const LogEntry& log) {
        Resource& resource = resources_[entry.resource];
        if (log.fromAgent && log.operation == "Online") resource.lastStep = log.text;
        if (log.fromAgent && log.operation == "Offline") resource.lastStep = log.text;
        MarkKind kind = MarkKind::note;
        if (log.level == "warning") kind = MarkKind::warning;
        if (log.level == "error" || log.level == "severe") kind = MarkKind::error;
        std::vector<Fact> facts;
        say(facts, "logged by", log.fromAgent ? "the agent" : "the monitor");
        say(facts, "operation", log.operation);
        mark(entry, kind, log.text, std::move(facts));
    }

    // --- pending operations ----------------------------------------------------------------------------------------

    void startPending(const std::string& name, const std::string& operation, Time at) {
        Resource& resource = resources_[name];
        if (resource.pending != none) return;
        Span span;
        span.kind = SpanKind::pending;
        span.tone = Tone::working;
        span.open = true;
        span.begin = at;
        span.name = operation;
        span.lane = lanes_.resource(name);
        resource.pending = addSpan(std::move(span));
        resource.lastPending = none;
        resource.lastStep.clear();
    }

    void endPending(const std::string& name, Time at, const std::string& to, const std::string& reason) {
        Resource& resource = resources_[name];
        if (resource.pending == none) return;
        close(resource.pending, at);
        Span& span = model_.spans[resource.pending];
        span.tone = toneOf(to) == Tone::bad ? Tone::bad : toneOf(to) == Tone::working ? Tone::idle : Tone::good;
        span.grade = span.tone == Tone::bad ? Grade::failed : Grade::normal;
        say(span.facts, "ended as", to);
        say(span.facts, "reason", reason);
        resource.lastPending = std::exchange(resource.pending, none);
    }

    /** Terminate ended it, and now it is known that it was for a failure. */
    void gradeEnded(Resource& resource, const std::string& reason) {
        Span& span = model_.spans[resource.lastPending];
        span.tone = Tone::bad;
        span.grade = Grade::failed;
        say(span.facts, "reason", reason);
    }

    // --- a flight recorder's file ----------------------------------------------------------------------------------

    void takeFlight(const Entry& entry, const FlightEntry& flight) {
        process_ = flight.process == 0 ? std::string{} : std::to_string(flight.process);
        std::vector<Fact> facts;
        say(facts, "process", process_);
        mark(entry, MarkKind::failure, "written out: " + (flight.reason.empty() ? "no reason given" : flight.reason),
             std::move(facts));
    }

    void takeEvent(const Entry& entry, const FlightEventEntry& event, std::size_t number) {
        const Time at = event.start > 0 ? fit_.wall(number, event.start) : entry.time;
        seen(at);
        std::vector<Fact> facts;
        say(facts, "text", event.text);
        if (event.generation > 0) say(facts, "generation", std::to_string(event.generation));
        if (event.event == "call" || event.event == "job") return takeFlightSpan(entry, event, at, std::move(facts));
        if (event.event == "transition") {
            const StateEntry change{{}, event.what, event.text};
            return takeState({at, entry.resource, change}, change);
        }
        MarkKind kind = MarkKind::note;
        if (event.event == "checkpoint") kind = MarkKind::checkpoint;
        if (event.event == "report") kind = MarkKind::report;
        if (event.event == "budget" || event.event == "wedged" || event.event == "stall" || event.event == "alarm") {
            kind = MarkKind::failure;
        }
        if (event.event == "verdict" && (toneOf(event.what) == Tone::bad || event.what == "failed")) {
            kind = MarkKind::failure;
        }
        if (event.event == "budget" || event.event == "stall") say(facts, "length", lengthText(event.value));
        std::string name = event.event + (event.what.empty() ? "" : " " + event.what);
        if (kind == MarkKind::checkpoint && !event.text.empty()) name = event.text;
        Mark made{kind, at, std::move(name), std::move(facts), lanes_.resource(entry.resource), none};
        if (kind == MarkKind::checkpoint || kind == MarkKind::report) {
            made.pending = resources_[entry.resource].pending;
        }
        addMark(std::move(made));
    }

    void takeFlightSpan(const Entry& entry, const FlightEventEntry& event, Time at, std::vector<Fact> facts) {
        const bool isCall = event.event == "call";
        const FlightPairs::Begun begun = pairs_.take(event);
        if (begun.known && begun.span == none) return;
        if (!event.ends) {
            // The host's side of a call says all that the library's does, and whose resource it is.
            if (isCall && pairs_.hostBegan(event)) return pairs_.begin(event, none);
            Span span;
            span.kind = isCall ? SpanKind::call : SpanKind::work;
            span.open = true;
            span.begin = at;
            span.name = event.what;
            if (isCall) span.budget = budgetOf(event.what);
            span.facts = std::move(facts);
            span.threadLane = lanes_.thread(process_, event.thread);
            say(span.facts, "thread", model_.lanes[span.threadLane].name);
            span.lane = lanes_.resource(entry.resource);
            pairs_.begin(event, addSpan(std::move(span)));
            return;
        }
        if (begun.known) {
            Span& span = model_.spans[begun.span];
            if (!entry.resource.empty()) span.lane = lanes_.resource(entry.resource);
            close(begun.span, span.begin + event.value);
            if (span.budget > 0) span.grade = gradeOf(span);
            return;
        }
        Span span;  // its beginning was overwritten in the ring
        span.kind = isCall ? SpanKind::call : SpanKind::work;
        span.begin = at - event.value;
        span.length = event.value;
        span.name = event.what;
        if (isCall) span.budget = budgetOf(event.what);
        span.grade = gradeOf(span);
        span.facts = std::move(facts);
        span.threadLane = lanes_.thread(process_, event.thread);
        say(span.facts, "thread", model_.lanes[span.threadLane].name);
        span.lane = lanes_.resource(entry.resource);
        addSpan(std::move(span));
    }

    void takeStack(const Entry& entry, const StackEntry& stack) {
        const std::size_t lane = lanes_.thread(process_, stack.thread);
        lanes_.nameThread(lane, stack.threadName);
        std::vector<Fact> facts;
        for (std::size_t i = 0; i < stack.frames.size(); ++i) {
            facts.push_back({fmt::format("#{}", i), stack.frames[i]});
        }
        model_.lanes[lane].hasMarks = true;
        const Time at = entry.time > 0 ? entry.time : firstTime_;
        addMark({MarkKind::stack, at, "stack of " + model_.lanes[lane].name, std::move(facts), lane, none});
    }

    // --- what all of them use --------------------------------------------------------------------------------------

    static Grade gradeOf(const Span& span) {
        if (span.budget <= 0) return Grade::normal;
        if (span.length > span.budget) return Grade::late;
        return span.length * 2 >= span.budget ? Grade::near : Grade::normal;
    }

    void seen(Time at) {
        if (firstTime_ == 0) firstTime_ = at;
        model_.begin = std::min(model_.begin, at);
        model_.end = std::max(model_.end, at);
    }

    std::size_t addSpan(Span span) {
        seen(span.begin);
        seen(span.end());
        model_.spans.push_back(std::move(span));
        return model_.spans.size() - 1;
    }

    void close(std::size_t index, Time at) {
        if (index == none) return;
        Span& span = model_.spans[index];
        span.open = false;
        span.length = std::max<Nanoseconds>(0, at - span.begin);
        seen(span.end());
    }

    void mark(const Entry& entry, MarkKind kind, std::string name, std::vector<Fact> facts,
              std::optional<Time> at = std::nullopt) {
        addMark(
            {kind, at.value_or(entry.time), std::move(name), std::move(facts), lanes_.resource(entry.resource), none});
    }

    void addMark(Mark made) {
        seen(made.at);
        if (made.pending == none) model_.lanes[made.lane].hasMarks = true;
        model_.marks.push_back(std::move(made));
    }

    void finish() {
        if (model_.end <= model_.begin) model_.end = model_.begin + 1'000'000;
        for (Span& span : model_.spans) {
            if (!span.open) continue;
            span.length = std::max<Nanoseconds>(0, model_.end - span.begin);
            say(span.facts, "end", span.kind == SpanKind::state ? "not seen" : "it had not come back");
            if (span.kind == SpanKind::call) span.grade = std::max(span.grade, gradeOf(span));
        }
        finishModel(model_);
    }

    Model model_;
    ClockFit fit_;
    Lanes lanes_;
    FlightPairs pairs_;
    std::map<std::string, Resource> resources_;
    std::string process_;  ///< whose flight recorder it is
    Time firstTime_{0};
};

}  // namespace

Model buildModel(const Trace& trace) { return Builder{trace}.build(trace); }

}  // namespace holdfast::inline v1::timeline
