// SPDX-License-Identifier: BSL-1.0
#include <holdfast/abi/expand.hpp>
#include <holdfast/abi/wide.hpp>

#include <catch2/catch_test_macros.hpp>

#include <cstdlib>

using namespace holdfast::abi;

namespace {

WideString units(std::initializer_list<unsigned> values) {
    WideString out;
    for (const auto value : values) out.push_back(static_cast<WideChar>(value));
    return out;
}

}  // namespace

TEST_CASE("UTF-8 and UTF-16 convert both ways") {
    for (const auto* text :
         {"", "plain", "\xC3\xA4\xC3\xB6\xC3\xBC", "\xE2\x82\xAC", "\xF0\x9F\x90\x98 elephant", "\xEF\xBF\xBF"}) {
        CHECK(toUtf8(toWide(text)) == text);
    }
    CHECK(toWide("\xF0\x9F\x90\x98") == units({0xD83D, 0xDC18}));
    CHECK(toUtf8(static_cast<const WideChar*>(nullptr)).empty());
}

TEST_CASE("every code point survives the round trip") {
    for (char32_t c = 1; c <= 0x10FFFF; ++c) {
        if (c >= 0xD800 && c <= 0xDFFF) continue;
        WideString wide;
        if (c < 0x10000) {
            wide = units({static_cast<unsigned>(c)});
        } else {
            wide = units({0xD800u + ((c - 0x10000u) >> 10), 0xDC00u + ((c - 0x10000u) & 0x3FFu)});
        }
        if (toWide(toUtf8(wide)) != wide) FAIL("U+" << std::hex << static_cast<unsigned>(c));
    }
}

TEST_CASE("a surrogate without its partner becomes U+FFFD") {
    const std::string mark{"\xEF\xBF\xBD"};
    CHECK(toUtf8(units({0xD800})) == mark);
    CHECK(toUtf8(units({'a', 0xDC00, 'b'})) == "a" + mark + "b");
    CHECK(toUtf8(units({0xD83D, 'x'})) == mark + "x");
    CHECK(toUtf8(units({0xDC18, 0xD83D})) == mark + mark);
}

TEST_CASE("bytes that are no UTF-8 become U+FFFD one by one") {
    CHECK(toWide("\xFF") == units({0xFFFD}));
    CHECK(toWide("a\xC3") == units({'a', 0xFFFD}));
    CHECK(toWide("\xC0\xAF") == units({0xFFFD, 0xFFFD}));              // overlong
    CHECK(toWide("\xED\xA0\x80") == units({0xFFFD, 0xFFFD, 0xFFFD}));  // a surrogate in disguise
    CHECK(toWide("\xF4\x90\x80\x80").size() == 4);                     // beyond U+10FFFF
    CHECK(toWide("\x80z") == units({0xFFFD, 'z'}));
}

TEST_CASE("W-014 names compare over the full string, without case") {
    CHECK(equalsIgnoringCase("SQLite Database", "sqlite DATABASE"));
    CHECK_FALSE(equalsIgnoringCase("SQLite Database", "SQLite Databas"));
    CHECK_FALSE(equalsIgnoringCase("SQLite", "SQLite Database"));
    CHECK_FALSE(equalsIgnoringCase("", "X"));
    CHECK(equalsIgnoringCase("", ""));
    CHECK(equalsIgnoringCase("\xC3\x84rger \xD0\xB6 \xCE\xA9", "\xC3\xA4RGER \xD0\x96 \xCF\x89"));
    CHECK(equalsIgnoringCase(units({'A', 0xE9}), units({'a', 0xC9})));
}

TEST_CASE("W-014 no name outside ASCII equals one inside it") {
    for (char32_t c = 0x80; c <= 0x10FFFF; ++c) {
        if (upperCase(c) < 0x80) FAIL("U+" << std::hex << static_cast<unsigned>(c));
    }
}

TEST_CASE("W-014 upper case of upper case is itself") {
    for (char32_t c = 0; c <= 0x10FFFF; ++c) {
        if (upperCase(upperCase(c)) != upperCase(c)) FAIL("U+" << std::hex << static_cast<unsigned>(c));
    }
}

TEST_CASE("W-511 %NAME% is expanded where the environment knows it") {
#if defined(_WIN32)
    _putenv_s("HOLDFAST_T", "C:\\T");
#else
    ::setenv("HOLDFAST_T", "C:\\T", 1);
#endif
    CHECK(expandEnvironment("%HOLDFAST_T%\\x") == "C:\\T\\x");
    CHECK(expandEnvironment("a%HOLDFAST_T%b%HOLDFAST_T%") == "aC:\\TbC:\\T");
    CHECK(expandEnvironment("%HOLDFAST_NONE%\\x") == "%HOLDFAST_NONE%\\x");
    CHECK(expandEnvironment("100%") == "100%");
    CHECK(expandEnvironment("%%") == "%%");
    CHECK(expandEnvironment("50%HOLDFAST_NONE%HOLDFAST_T%") == "50%HOLDFAST_NONEC:\\T");
    CHECK(expandEnvironment("").empty());
}
