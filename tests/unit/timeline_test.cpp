// SPDX-License-Identifier: BSL-1.0
#include "timeline/clock_fit.hpp"
#include "timeline/html.hpp"
#include "timeline/model.hpp"
#include "timeline/perfetto.hpp"
#include "timeline/svg.hpp"
#include "timeline/trace_reader.hpp"
#include "timeline/when.hpp"
#include "timeline/words.hpp"

#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <sstream>

using namespace holdfast::timeline;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

namespace {

Trace read(const std::string& text) {
    std::istringstream in{text};
    return readTrace(in);
}

std::string call(const std::string& entryPoint, std::int64_t start, std::int64_t span, std::int64_t budget,
                 std::int64_t result, std::int64_t thread = 1) {
    std::ostringstream out;
    out << R"({"time":"2026-01-02T03:04:)" << (start + span) / 1'000'000'000 + 10 << "."
        << std::to_string(1'000 + (start + span) / 1'000'000 % 1'000).substr(1)
        << R"(Z","resource":"r","record":"call","entryPoint":")" << entryPoint << R"(","thread":)" << thread
        << R"(,"start":)" << start + 5'000'000'000 << R"(,"span":)" << span << R"(,"budget":)" << budget
        << R"(,"result":)" << result << "}\n";
    return out.str();
}

std::string state(const std::string& at, const std::string& from, const std::string& to,
                  const std::string& reason = "") {
    return R"({"time":"2026-01-02T03:04:)" + at + R"(Z","resource":"r","record":"state","from":")" + from +
           R"(","to":")" + to + R"(","reason":")" + reason + "\"}\n";
}

constexpr std::int64_t ms = 1'000'000;

/** A run with everything in it: late, near, a failed check, a pending operation with checkpoints. */
std::string smallTrace() {
    return call("Open", 0, 320 * ms, 300 * ms, 0) + state("10.320", "Unloaded", "Opened") +
           state("10.400", "Opened", "OnlineCalled") + call("Online", 400 * ms, 160 * ms, 300 * ms, 997, 2) +
           state("10.560", "OnlineCalled", "OnlinePending") +
           R"({"time":"2026-01-02T03:04:10.700Z","resource":"r","record":"log","level":"info","operation":"Online","source":"agent","text":"read <the> \"schema\""})"
           "\n"
           R"({"time":"2026-01-02T03:04:10.700Z","resource":"r","record":"status","state":"OnlinePending","checkPoint":1,"answer":0})"
           "\n" +
           state("11.000", "OnlinePending", "Online") +
           R"({"time":"2026-01-02T03:04:11.001Z","resource":"r","record":"status","state":"Online","checkPoint":2,"answer":0})"
           "\n" +
           call("IsAlive", 2'000 * ms, 1'000, 50 * ms, 1) + call("IsAlive", 2'500 * ms, 1'000, 50 * ms, 0) +
           state("12.501", "Online", "Terminating") + call("Terminate", 2'501 * ms, 3'000, 300 * ms, 0) +
           state("12.502", "Terminating", "Failed", "IsAlive says it has failed");
}

const Span& find(const Model& model, SpanKind kind, const std::string& name) {
    const auto found = std::find_if(model.spans.begin(), model.spans.end(),
                                    [&](const Span& span) { return span.kind == kind && span.name == name; });
    REQUIRE(found != model.spans.end());
    return *found;
}

/** As the file that somebody looked at and approved. */
void approve(const std::string& text, const std::string& name) {
    const std::string approved = APPROVED + ("/" + name);
    std::ifstream in{approved, std::ios::binary};
    const std::string expected{std::istreambuf_iterator<char>{in}, {}};
    if (text == expected) return;
    const std::string received = RECEIVED + ("/" + name);
    std::ofstream{received, std::ios::binary} << text;
    FAIL(received << " is not as " << approved);
}

}  // namespace

TEST_CASE("a trace that cannot be read is refused with the reason and the line") {
    CHECK_THROWS_MATCHES(read(""), TraceError, MessageMatches(ContainsSubstring("it is empty")));
    CHECK_THROWS_MATCHES(read("\n\n"), TraceError, MessageMatches(ContainsSubstring("it has no record")));
    CHECK_THROWS_MATCHES(read(state("10.000", "a", "b") + "nonsense\n"), TraceError,
                         MessageMatches(ContainsSubstring("line 2 is no JSON object")));
    CHECK_THROWS_MATCHES(read("[1]\n"), TraceError, MessageMatches(ContainsSubstring("line 1 is no JSON object")));
    CHECK_THROWS_MATCHES(read("{\"record\":\"state\"}\n"), TraceError,
                         MessageMatches(ContainsSubstring("it has no \"time\"")));
    CHECK_THROWS_MATCHES(read("{\"record\":\"state\",\"time\":\"yesterday\"}\n"), TraceError,
                         MessageMatches(ContainsSubstring("not like 2026-01-31T12:00:00.000Z")));
    CHECK_THROWS_MATCHES(read(R"({"record":"call","entryPoint":"Open","span":-1,"time":"2026-01-02T03:04:05Z"})"
                              "\n"),
                         TraceError, MessageMatches(ContainsSubstring("\"span\" is negative")));
    CHECK_THROWS_MATCHES(read(R"({"record":"call","entryPoint":7,"time":"2026-01-02T03:04:05Z"})"
                              "\n"),
                         TraceError, MessageMatches(ContainsSubstring("\"entryPoint\" is no text")));
    CHECK_THROWS_MATCHES(read("{\"record\":\"sunset\"}\n"), TraceError,
                         MessageMatches(ContainsSubstring("kinds that the timeline does not draw")));
}

TEST_CASE("a torn last line is left out and said; unknown records and fields are left out") {
    const Trace torn = read(state("10.000", "a", "b") + R"({"time":"2026-01-)");
    CHECK(torn.entries.size() == 1);
    REQUIRE(torn.notes.size() == 1);
    CHECK_THAT(torn.notes[0], ContainsSubstring("line 2, the last one, is torn"));
    const Trace whole = read(R"({"record":"signal","time":"2026-01-02T03:04:05.123456789Z","moon":{"full":[1]}})");
    CHECK(whole.notes.empty());
    CHECK(whole.entries.at(0).time % 1'000'000'000 == 123'456'789);
    const Trace other = read("{\"record\":\"sunset\"}\n" + state("10.000", "a", "b"));
    CHECK(other.notes.at(0) == "1 record was of other kinds left out");
}

TEST_CASE("what agents wrote cannot act: control characters and direction marks are replaced") {
    const Trace trace =
        read(R"({"record":"log","time":"2026-01-02T03:04:05Z","text":"a\u001b[2J\u202eb\u0000\u0085"})");
    CHECK(std::get<LogEntry>(trace.entries.at(0).what).text == "a?[2J?b??");
}

TEST_CASE("times that are none are no times") {
    CHECK(parseUtc("1970-01-01T00:00:01Z") == 1'000'000'000);
    CHECK(parseUtc("2026-11-28T07:51:28.956Z").value() % 1'000'000'000 == 956'000'000);
    for (const char* const bad : {"", "Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00",
                                  "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:0xZ"}) {
        CHECK_FALSE(parseUtc(bad));
    }
    const Time begin = parseUtc("2026-01-02T03:04:05Z").value();
    CHECK(parseWhen("+1.5s", begin) == begin + 1'500'000'000);
    CHECK(parseWhen("+300ms", begin) == begin + 300'000'000);
    CHECK(parseWhen("03:04:06", begin) == begin + 1'000'000'000);
    CHECK(parseWhen("2026-01-02T03:04:06.5Z", begin) == begin + 1'500'000'000);
    for (const char* const bad : {"", "+", "+x", "+1 parsec", "+-1s", "+inf", "25:00:00", "noon"}) {
        CHECK_FALSE(parseWhen(bad, begin));
    }
}

TEST_CASE("W-100 a call over its budget is late, one that takes half of it is near, a failed check is failed") {
    const Model model = buildModel(read(smallTrace()));
    CHECK(find(model, SpanKind::call, "Open").grade == Grade::late);
    CHECK(find(model, SpanKind::call, "Online").grade == Grade::near);
    CHECK(find(model, SpanKind::call, "IsAlive").grade == Grade::normal);
    CHECK(find(model, SpanKind::call, "Terminate").grade == Grade::normal);
    const Counts counts = countsOf(model);
    CHECK(counts.calls == 5);
    CHECK(counts.late == 1);
    CHECK(counts.near == 1);
    CHECK(counts.failed == 1);
    CHECK(counts.failures == 1);
    CHECK(counts.pending == 1);
    CHECK(std::count_if(model.marks.begin(), model.marks.end(),
                        [](const Mark& mark) { return mark.kind == MarkKind::failure; }) == 2);
}

TEST_CASE("a pending operation lasts from 997 to its end, with its checkpoints and its report on it") {
    const Model model = buildModel(read(smallTrace()));
    const Span& online = find(model, SpanKind::pending, "Online");
    CHECK(online.begin == find(model, SpanKind::call, "Online").end());
    CHECK_FALSE(online.open);
    CHECK(online.tone == Tone::good);
    std::vector<std::string> on;
    for (const Mark& mark : model.marks) {
        if (mark.pending == none) continue;
        CHECK(&model.spans[mark.pending] == &online);
        CHECK(mark.at <= online.end());
        on.push_back(mark.name);
    }
    CHECK(on == std::vector<std::string>{"checkpoint 1", "report Online"});
    const Model torn = buildModel(read(state("10.000", "OnlineCalled", "OnlinePending") + state("11.000", "", "")));
    CHECK(torn.spans.size() >= 1);
}

TEST_CASE("W-440 a call that never returned is drawn though it has no record") {
    const Model model =
        buildModel(read(state("10.000", "Online", "Verifying") +
                        state("11.000", "Verifying", "Dead", "IsAlive did not return within DeadlockTimeout")));
    const Span& lost = find(model, SpanKind::call, "IsAlive");
    CHECK(lost.length == 1'000'000'000);
    CHECK(lost.grade == Grade::failed);
}

TEST_CASE("what overlaps is in different rows of its lane, also in that of its thread") {
    const Model model =
        buildModel(read(call("Open", 0, 100 * ms, 300 * ms, 0) + call("Close", 50 * ms, 100 * ms, 300 * ms, 0)));
    REQUIRE(model.lanes.size() == 2);
    CHECK(model.lanes[0].name == "r");
    CHECK(model.lanes[0].callRows == 2);
    CHECK(model.lanes[1].name == "thread 1");
    CHECK(model.lanes[1].callRows == 2);
}

TEST_CASE(
    "a flight recorder's file: ends belong to their beginnings, what had not come back is open, stacks have lanes") {
    const std::string head =
        R"({"record":"flight","version":1,"pid":42,"reason":"wedged","time":"2026-01-02T03:04:12Z"})"
        "\n";
    const auto event = [](std::int64_t at, const std::string& rest) {
        return R"({"record":"flightEvent","time":"2026-01-02T03:04:)" + std::to_string(10 + at) + R"(Z","start":)" +
               std::to_string(at * 1'000'000'000 + 1) + R"(,"resource":"r","thread":7,)" + rest + "}\n";
    };
    const Model model =
        buildModel(read(head + event(0, R"("event":"call","what":"Online","value":0)") +
                        event(1, R"("event":"call","what":"Online","value":1000000000)") +
                        event(1, R"("event":"job","what":"online","value":0)") +
                        event(1, R"("event":"checkpoint","what":"","text":"reading")") +
                        event(2, R"("event":"budget","what":"Online","value":700000000)") +
                        R"({"record":"stack","thread":7,"threadName":"worker","frames":["main","poll"]})"));
    const Span& online = find(model, SpanKind::call, "Online");
    CHECK(online.length == 1'000'000'000);
    CHECK(online.grade == Grade::late);
    CHECK(find(model, SpanKind::work, "online").open);
    const auto thread = std::find_if(model.lanes.begin(), model.lanes.end(),
                                     [](const Lane& lane) { return lane.kind == LaneKind::thread; });
    REQUIRE(thread != model.lanes.end());
    CHECK(thread->name == "thread 7 of 42 (worker)");
    CHECK(std::any_of(model.marks.begin(), model.marks.end(),
                      [](const Mark& mark) { return mark.kind == MarkKind::stack && mark.facts.size() == 2; }));
}

TEST_CASE(
    "a call that its host and its library both recorded is drawn once, in the lane of the resource that its end "
    "names") {
    const auto event = [](int at, const char* by, const char* phase, const char* resource, int value) {
        return R"({"record":"flightEvent","time":"2026-01-02T03:04:)" + std::to_string(10 + at) + R"(Z","start":)" +
               std::to_string(at) + R"(000000001,"by":")" + by + R"(","resource":")" + resource +
               R"(","thread":7,"event":"call","what":"Open","phase":")" + phase + R"(","value":)" +
               std::to_string(value) + "}\n";
    };
    const std::string library = event(1, "library", "begin", "", 0) + event(2, "library", "end", "r", 900);
    const Model both =
        buildModel(read(event(1, "host", "begin", "r", 0) + library + event(3, "host", "end", "r", 1'000)));
    REQUIRE(both.spans.size() == 1);
    CHECK_FALSE(both.spans.front().open);
    CHECK(both.spans.front().length == 1'000);
    const Model alone = buildModel(read(library));
    REQUIRE(alone.spans.size() == 1);
    CHECK_FALSE(alone.spans.front().open);
    CHECK(alone.lanes[alone.spans.front().lane].name == "r");
}

TEST_CASE("the steady clock is laid on the wall clock once, and again when the wall clock was set") {
    const ClockFit steady{{{0, 1'000, 100}, {1, 2'500, 1'200}, {2, 3'000, 2'100}}};
    CHECK(steady.wall(1, 1'200) == 2'100);
    CHECK(steady.jumps() == 0);
    constexpr Time hour = 3'600'000'000'000;
    const ClockFit set{{{0, hour, 0}, {1, hour + 10, 10}, {2, 20, 20}, {3, 30, 30}}};
    CHECK(set.jumps() == 1);
    CHECK(set.wall(1, 10) == hour + 10);
    CHECK(set.wall(3, 30) == 30);
}

TEST_CASE("a cut keeps what reaches into it, and refuses what leaves nothing") {
    const Model model = buildModel(read(smallTrace()));
    Cut cut;
    cut.from = model.begin + 2'000'000'000;
    cut.to = model.begin + 2'100'000'000;
    const Model part = cutModel(model, cut);
    CHECK(countsOf(part).calls == 1);
    CHECK(countsOf(part).pending == 0);
    CHECK(part.lanes.at(0).pendingRows == 0);
    CHECK(part.lanes.at(0).hasStates);
    CHECK(part.begin == *cut.from);
    cut.resources = {"s"};
    CHECK_THROWS_MATCHES(cutModel(model, cut), TraceError,
                         MessageMatches(ContainsSubstring("no resource \"s\"; it has r")));
    cut.resources = {};
    cut.to = *cut.from - 1;
    CHECK_THROWS_AS(cutModel(model, cut), TraceError);
}

TEST_CASE("trace events for Perfetto: valid, complete, as approved") {
    const Model model = buildModel(read(smallTrace()));
    const std::string text = toPerfetto(model);
    const auto value = boost::json::parse(text);
    std::size_t complete = 0;
    for (const auto& event : value.at("traceEvents").as_array())
        complete += event.at("ph").as_string() == "X" ? 1U : 0U;
    const auto onThreads = static_cast<std::size_t>(std::count_if(
        model.spans.begin(), model.spans.end(), [](const Span& span) { return span.threadLane != none; }));
    CHECK(complete == model.spans.size() + onThreads);
    approve(text, "timeline.json");
}

TEST_CASE("the picture is as approved") {
    approve(toSvg(buildModel(read(smallTrace())), "a small trace"), "timeline.svg");
}

TEST_CASE("the page says which script it is, forbids the network, and no text ends its data") {
    const Model model = buildModel(read(state("10.000", "a", "</script><script>alert(1)", "{{data}}")));
    const std::string page = toHtml(model, "{{data}} </title><b>");
    CHECK_THAT(page, ContainsSubstring("default-src 'none'; script-src 'sha256-"));
    CHECK_THAT(page, !ContainsSubstring("<script>alert"));
    CHECK_THAT(page, !ContainsSubstring("</title><b>"));
    CHECK_THAT(page, !ContainsSubstring("http://") && !ContainsSubstring("https://"));
    CHECK(page.find(generator) < 1024);
}
