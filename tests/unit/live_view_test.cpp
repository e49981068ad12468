// SPDX-License-Identifier: BSL-1.0
// The live view as lines: what is shown, in how many cells, and what never reaches a terminal.
#include "cli/text.hpp"
#include "cli/view.hpp"

#include <boost/json.hpp>

#include <catch2/catch_test_macros.hpp>

#include <algorithm>

using namespace holdfast::cli;
using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string joined(const std::vector<std::string>& lines) {
    std::string out;
    for (const auto& line : lines) out += line + "\n";
    return out;
}

ViewRow online(const std::string& name) {
    ViewRow row;
    row.name = name;
    row.state = "Online";
    row.mood = ViewRow::Mood::good;
    row.age = 12s;
    row.checkAge = 400ms;
    row.onlines = 1;
    row.worstCall = "Online";
    row.worstSpan = 73us;
    row.worstBudget = 300ms;
    row.host = 4'194'304;
    return row;
}

ViewRow pending() {
    ViewRow row = online("shop");
    row.state = "OnlinePending";
    row.mood = ViewRow::Mood::pending;
    row.step = "checked table orders";
    row.stepAge = 2'300ms;
    row.checkAge.reset();
    return row;
}

ViewRow failed() {
    ViewRow row = online("flaky");
    row.state = "Failed";
    row.mood = ViewRow::Mood::bad;
    row.reason = "IsAlive says it has failed";
    row.restartIn = 4s;
    row.failures = 12'345;
    return row;
}

ViewModel model() {
    ViewModel out;
    out.title = "shop.toml";
    out.rows = {online("greeting"), pending(), failed()};
    for (int i = 0; i < 40; ++i)
        out.log.push_back("12:00:00.000  shop             info     Online   line " + std::to_string(i));
    out.footer = "Ctrl-C leaves";
    return out;
}

}  // namespace

TEST_CASE("the view at 80 columns says all that matters") {
    const auto lines = renderView(model(), {80, 24}, {});
    REQUIRE(lines.size() == 24);
    CHECK(lines[0] == "shop.toml  1 online, 1 pending, 1 failed");
    CHECK(lines[1] == "RESOURCE      STATE           FOR CHECK  ON RST  FL WORST CALL              HOST");
    CHECK(lines[2] == "greeting      Online          12s  0.4s   1   0   0 Online 73us of 300ms 4194304");
    CHECK(lines[3] == "shop          OnlinePending   12s     -   1   0   0 Online 73us of 300ms 4194304");
    CHECK(lines[4] == "  checked table orders, 2.3s ago");
    CHECK(lines[5] == "flaky         Failed          12s  0.4s   1   0 12k Online 73us of 300ms 4194304");
    CHECK(lines[6] == "  restart in 4.0s: IsAlive says it has failed");
    CHECK(lines[22] == "12:00:00.000 shop info Online line 39");
    CHECK(lines[23] == "Ctrl-C leaves");
}

TEST_CASE("no line is wider or lower than the terminal, whatever its size") {
    auto odd = model();
    odd.rows.push_back(online("日本語の名前がとても長いのです"));
    odd.rows.push_back(online(std::string(200, 'n')));
    odd.rows.back().worstCall = std::string(50, 'w');
    odd.log.push_back(std::string(500, 'x') + "ü");
    for (const bool utf8 : {true, false}) {
        for (std::size_t columns = 1; columns <= 130; ++columns) {
            for (const std::size_t height : {1U, 2U, 3U, 5U, 8U, 12U, 24U, 60U}) {
                const auto lines = renderView(odd, {columns, height}, {false, utf8});
                INFO(columns << "x" << height);
                REQUIRE(lines.size() <= height);
                for (const auto& line : lines) {
                    INFO(line);
                    REQUIRE(cells(line) <= columns);
                }
            }
        }
    }
    CHECK(renderView(odd, {0, 0}, {}).empty());
}

TEST_CASE("at 120 columns names are whole; at 40 name, state and last check remain") {
    auto named = model();
    named.rows[0].name = "a name of thirty characters ok";
    CHECK(contains(renderView(named, {120, 24}, {})[2], named.rows[0].name));
    const auto narrow = renderView(model(), {40, 24}, {});
    CHECK(narrow[1] == "RESOURCE      STATE           FOR CHECK");
    CHECK(narrow[4] == "  checked table orders, 2.3s ago");
    CHECK(narrow[6] == "  restart in 4.0s: IsAlive says it has …");
}

TEST_CASE("where not every resource fits, those in trouble do, and the rest is counted") {
    ViewModel many;
    for (int i = 0; i < 100; ++i) many.rows.push_back(online("fine " + std::to_string(i)));
    many.rows.push_back(pending());
    many.rows.push_back(failed());
    const auto text = joined(renderView(many, {80, 12}, {}));
    CHECK(contains(text, "shop "));
    CHECK(contains(text, "flaky "));
    CHECK(contains(text, "fine 0 "));
    CHECK(contains(text, "that do not fit here"));
    CHECK(contains(text, "100 online, 1 pending, 1 failed"));
}

TEST_CASE("nothing that agents say commands the terminal") {
    const std::string evil =
        "\x1b[2J\x1b]0;title\x07\r\n\t\x9b"
        "31m\xc2\x9b"
        "31m\xe2\x80\xae"
        "abc\x7f\xff\xc0\xaf\xf0\x9f";
    ViewModel hostile;
    hostile.title = evil;
    hostile.footer = evil;
    hostile.log = {evil};
    for (auto row : {online("x"), pending(), failed()}) {
        row.name = row.state = row.step = row.reason = row.worstCall = evil;
        hostile.rows.push_back(row);
    }
    for (const auto& line : renderView(hostile, {80, 24}, {})) {
        INFO(line);
        CHECK(std::none_of(line.begin(), line.end(),
                           [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }));
        CHECK_FALSE(contains(line, "\x9b"));
        CHECK_FALSE(contains(line, "\xe2\x80\xae"));
        CHECK(sanitised(line) == line);
    }
    CHECK(sanitised("plain ü 日本 ok") == "plain ü 日本 ok");
    CHECK(sanitised("a\x1b[31mb") == "a?[31mb");
    CHECK(sanitised("\xed\xa0\x80") == "???");  // half of a surrogate pair
    CHECK(sanitised("\xf4\x90\x80\x80") == "????");
}

TEST_CASE("colours only if asked for, and then every line ends without one") {
    CHECK_FALSE(contains(joined(renderView(model(), {80, 24}, {false, true})), "\x1b"));
    for (const auto& line : renderView(model(), {80, 24}, {true, true})) {
        const auto last = line.rfind("\x1b[");
        if (last != std::string::npos) CHECK(line.compare(last, 4, "\x1b[0m") == 0);
    }
}

TEST_CASE("text is cut between characters and filled in cells") {
    CHECK(fitted("hello", 5) == "hello");
    CHECK(fitted("hello!", 5) == "hell…");
    CHECK(fitted("hello!", 5, false) == "hell~");
    CHECK(fitted("日本語", 4) == "日…");
    CHECK(fitted("日本語", 5) == "日本…");
    CHECK(fitted("abc", 0).empty());
    CHECK(padded("日本", 6) == "日本  ");
    CHECK(paddedLeft("7", 3) == "  7");
    CHECK(cells("e\xcc\x81") == 1);  // a combining accent
    CHECK(shortAge(-5ms) == "0.0s");
    CHECK(shortAge(99'999ms) == "99s");
    CHECK(shortAge(100s) == "1m");
    CHECK(shortAge(47h) == "47h");
    CHECK(shortAge(1'000h) == "41d");
    CHECK(shortSpan(999ns) == "999ns");
    CHECK(shortSpan(1'250us) == "1.2ms");
    CHECK(shortSpan(300ms) == "300ms");
    CHECK(shortSpan(61s) == "61s");
}

TEST_CASE("a row is what the control socket says, and what it does not say is missing") {
    const auto row = rowOf(boost::json::parse(R"({"name":"r","external":"OnlinePending","age":1500,"step":"s",
        "stepAge":20,"onlines":2,"restarts":1,"failures":3,"reason":"why","hostProcess":99,
        "lastCheck":{"entryPoint":"IsAlive","alive":false,"age":7},
        "worst":{"entryPoint":"Open","span":5,"budget":300000000}})")
                               .as_object());
    CHECK(row.mood == ViewRow::Mood::pending);
    CHECK(row.age == 1500ms);
    CHECK(row.stepAge == 20ms);
    CHECK(row.checkAge == 7ms);
    CHECK_FALSE(row.checkAlive);
    CHECK(row.failures == 3);
    CHECK(row.worstBudget == 300ms);
    CHECK(row.host == 99);
    const auto empty = rowOf({{"name", 7}, {"lastCheck", "no object"}, {"worst", nullptr}, {"age", "x"}});
    CHECK(empty.name.empty());
    CHECK_FALSE(empty.age);
    CHECK_FALSE(empty.checkAge);
}
