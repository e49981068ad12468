// SPDX-License-Identifier: BSL-1.0
// The small pure parts of the monitor: log lines, private properties, the calls table.
#include "monitor/call_statistics.hpp"
#include "monitor/log_format.hpp"
#include "monitor/private_properties.hpp"

#include <catch2/catch_test_macros.hpp>

#include <cstdarg>
#include <string>

using namespace holdfast;
using namespace holdfast::monitor;
using namespace std::chrono_literals;

namespace {

// The wide literals of resapi.hpp's WideChar.
#if defined(_WIN32)
#define WIDE(literal) L##literal
#else
#define WIDE(literal) u##literal
#endif

std::string format(const abi::WideChar* text, ...) {
    std::va_list arguments;
    va_start(arguments, text);
    std::string line = formatLogLine(text, arguments);
    va_end(arguments);
    return line;
}

}  // namespace

TEST_CASE("W-905 LogEvent's inserts") {
    CHECK(format(WIDE("plain")) == "plain");
    CHECK(format(WIDE("%1!u! of %2!ws!"), 7U, WIDE("nine")) == "7 of nine");
    CHECK(format(WIDE("%2 before %1"), WIDE("b"), WIDE("a")) == "a before b");
    CHECK(format(WIDE("%1!d! 0x%2!08x! %3!X!"), -5, 0xBEEFU, 0xABU) == "-5 0x0000beef AB");
    CHECK(format(WIDE("%1!I64u! %2!I64d!"), std::uint64_t{1} << 40U, std::int64_t{-3}) == "1099511627776 -3");
    CHECK(format(WIDE("%1!S! %2!c!"), "narrow", 'c') == "narrow c");
    CHECK(format(WIDE("100%% %1"), WIDE("x")) == "100% x");
    CHECK(format(WIDE("line%n")) == "line");
    CHECK(format(WIDE("ends%0 here")) == "ends");
    CHECK(format(WIDE("trailing %")) == "trailing");
    CHECK(format(WIDE("%1"), static_cast<const abi::WideChar*>(nullptr)) == "(null)");
    CHECK(format(nullptr).empty());
}

TEST_CASE("W-906 what an insert brings is never a format") {
    CHECK(format(WIDE("%1!ws!"), WIDE("50% of %1!s! and %2!u!")) == "50% of %1!s! and %2!u!");
}

TEST_CASE("W-905 a line longer than 500 is cut between characters, never overrun") {
    const std::basic_string<abi::WideChar> lengthy(2'000, WIDE('x'));
    CHECK(format(WIDE("%1!ws!"), lengthy.c_str()).size() == logLineLimit);
    const std::basic_string<abi::WideChar> accents(2'000, WIDE('\u00e9'));  // two bytes each
    CHECK(format(WIDE("%1!ws!"), accents.c_str()).size() == logLineLimit);
    const std::basic_string<abi::WideChar> three(400, WIDE('\u20ac'));
    CHECK(format(WIDE("%1!ws!"), three.c_str()).size() % 3 == 0);
}

TEST_CASE("W-538 private properties take the agent's formats") {
    const PropertyFormats formats{{"Port", PropertyFormat::dword},        {"Dir", PropertyFormat::expandSz},
                                  {"Names", PropertyFormat::multiSz},     {"Key", PropertyFormat::binary},
                                  {"Big", PropertyFormat::ulargeInteger}, {"Low", PropertyFormat::longInteger}};
    const std::vector<PropertySetting> good{{"port", std::string{"5 s"}, {}},
                                            {"Dir", std::string{"%TEMP%"}, {}},
                                            {"Names", std::vector<std::string>{"a", "b"}, {}},
                                            {"Key", std::string{"00 ff"}, {}},
                                            {"Big", std::int64_t{1} << 40, {}},
                                            {"Low", std::int64_t{-1}, {}}};
    const auto encoded = encodeProperties(good, formats);
    REQUIRE(encoded.problems.empty());
    CHECK(*encoded.bag.find("Port") == PropertyValue::dword(5'000));
    CHECK(*encoded.bag.find("Dir") == PropertyValue::expandSz("%TEMP%"));
    CHECK(*encoded.bag.find("Names") == PropertyValue::multiSz({"a", "b"}));
    CHECK(*encoded.bag.find("Key") == PropertyValue::binary({std::byte{0}, std::byte{255}}));
    CHECK(*encoded.bag.find("Big") == PropertyValue::ulargeInteger(std::uint64_t{1} << 40U));
    CHECK(*encoded.bag.find("Low") == PropertyValue::longInteger(-1));

    const std::vector<PropertySetting> bad{{"Port", std::int64_t{-1}, {"f", 1}},
                                           {"Port", 1.5, {"f", 2}},
                                           {"Dir", true, {"f", 3}},
                                           {"Key", std::string{"0"}, {"f", 4}},
                                           {"Dirr", std::string{"x"}, {"f", 5}}};
    const auto refused = encodeProperties(bad, formats);
    REQUIRE(refused.problems.size() == 5);
    CHECK(refused.problems[0].toString() == "f:1: property 'Port' is out of range: 0 to 4294967295");
    CHECK(refused.problems[1].toString() ==
          "f:2: property 'Port' must be an integer, a boolean or a time, not a number with a fraction");
    CHECK(refused.problems[2].toString() == "f:3: property 'Dir' must be a string, not a boolean");
    CHECK(refused.problems[3].toString() ==
          "f:4: property 'Key' must be a string of hexadecimal digits, two for each byte");
    CHECK(refused.problems[4].toString() == "f:5: the agent has no property 'Dirr'; did you mean 'Dir'?");
}

TEST_CASE("W-622 without formats the file's own types decide") {
    const auto encoded = encodeProperties(
        {{"A", true, {}}, {"B", std::string{"5 s"}, {}}, {"C", std::vector<std::string>{"x"}, {}}}, std::nullopt);
    REQUIRE(encoded.problems.empty());
    CHECK(*encoded.bag.find("A") == PropertyValue::dword(1));
    CHECK(*encoded.bag.find("B") == PropertyValue::sz("5 s"));
    CHECK(*encoded.bag.find("C") == PropertyValue::multiSz({"x"}));
}

TEST_CASE("W-100 the calls table: count, median, 99 %, worst, budget") {
    CallStatistics statistics;
    for (int i = 1; i <= 1'000; ++i) {
        CallRecord call;
        call.entryPoint = EntryPoint::isAlive;
        call.span = std::chrono::milliseconds{i};
        call.budget = budgetOf(call.entryPoint);
        statistics.add(i == 1'000 ? "slow" : "quick", call);
    }
    const auto rows = statistics.summary();
    REQUIRE(rows.size() == 1);
    CHECK(rows[0].count == 1'000);
    CHECK(rows[0].median > 480ms);
    CHECK(rows[0].median <= 500ms);
    CHECK(rows[0].percentile99 > 955ms);
    CHECK(rows[0].worst == 1s);
    CHECK(rows[0].worstResource == "slow");
    CHECK(rows[0].budget == 50ms);
    CHECK(rows[0].overBudget == 950);
    CHECK(toTable(rows).find("IsAlive") != std::string::npos);
}
