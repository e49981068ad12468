// SPDX-License-Identifier: BSL-1.0
// `holdfast verify` as a user runs it, on the examples. What it finds in bad libraries is tests/bad_agents.
#include "support/temporary_folder.hpp"

#include <holdfast/os/child.hpp>

#include <SQLiteCpp/SQLiteCpp.h>
#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace holdfast;
namespace json = boost::json;

namespace {

struct Ran {
    int code{-1};
    std::string text;
};

Ran holdfastProgram(std::vector<std::string> arguments) {
    os::ChildOrder order;
    order.program = std::filesystem::absolute(HOLDFAST_PROGRAM);
    order.arguments = std::move(arguments);
    order.timeout = std::chrono::seconds{280};
    Ran ran;
    const auto outcome = os::runChild(order, [&](std::string_view text) { ran.text += text; }, {});
    if (outcome.kind == os::ChildOutcome::Kind::exited) ran.code = outcome.code;
    return ran;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string contentOf(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/** Verifies, and says which rules are not as they should be. */
struct Verified {
    int code{-1};
    std::string wrong;
    std::size_t passed{0};
    std::string text;
};

Verified verified(const std::string& library, const std::string& property, std::vector<std::string> more = {}) {
    const tests::TemporaryFolder folder;
    const auto file = folder.file("result.json");
    std::vector<std::string> arguments{"verify", library,       "--property",    property, "--seed",          "7",
                                       "--json", file.string(), "--open-cycles", "60",     "--online-cycles", "12"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = holdfastProgram(std::move(arguments));
    Verified result;
    result.code = ran.code;
    result.text = ran.text;
    boost::system::error_code error;
    const json::value parsed = json::parse(contentOf(file), error);
    if (error || !parsed.is_object()) {
        result.wrong = "no result was written";
        return result;
    }
    for (const json::value& rule : parsed.as_object().at("rules").as_array()) {
        const auto& object = rule.as_object();
        const auto judgement = json::value_to<std::string>(object.at("judgement"));
        if (judgement == "pass") ++result.passed;
        // A machine under load may make one call of many late: that is a warning, and no error of the example.
        if (judgement == "fail" || judgement == "not checked") {
            result.wrong += json::value_to<std::string>(object.at("id")) + ": " + judgement + " " +
                            json::serialize(object.at("evidence")) + "\n";
        }
    }
    return result;
}

}  // namespace

TEST_CASE("The smallest agent keeps every rule") {
    const tests::TemporaryFolder folder;
    const auto file = folder.file("hello.txt").string();
#if defined(_WIN32)
    const std::string breaks = "del \"" + file + "\"";
#else
    const std::string breaks = "rm -f '" + file + "'";
#endif
    const Verified result = verified(HELLO_AGENT, "File=" + file, {"--break", breaks});
    INFO(result.text);
    CHECK(result.wrong.empty());
    CHECK(result.code == 0);
    CHECK(result.passed >= 80);
}

TEST_CASE("The SQLite example keeps every rule, also with faults in the author's place") {
    const tests::TemporaryFolder folder;
    const auto file = folder.file("shop.db");
    SQLite::Database{file.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE}.exec(
        "CREATE TABLE goods (name TEXT)");
    const Verified result = verified(SQLITE_AGENT, "DatabasePath=" + file.string(),
                                     {"--inject", "throw@online,hang@online,throw@isAlive,hang@offline,crash@isAlive"});
    INFO(result.text);
    CHECK(result.wrong.empty());
    CHECK(result.code == 0);
    CHECK(result.passed >= 85);
}

TEST_CASE("A resource that cannot come online is one failure, and what builds on it is not checked") {
    const Ran ran = holdfastProgram({"verify", HELLO_AGENT, "--seed", "1"});  // File is required
    CHECK(ran.code == 1);
    CHECK(has(ran.text, "FAIL     lifecycle.online"));
    CHECK(has(ran.text, "property \"File\": is required and not set"));
    CHECK(has(ran.text, "the scenario 'cycle' went wrong before"));
    CHECK(has(ran.text, " 1 failed"));
}

TEST_CASE("Rules are chosen by --only and --skip, and a pattern that means none is refused") {
    const Ran ran =
        holdfastProgram({"verify", HELLO_AGENT, "--only", "load", "--skip", "load.library,W-031", "--seed", "1"});
    CHECK(ran.code == 0);
    CHECK(has(ran.text, "load.exports"));
    CHECK_FALSE(has(ran.text, "load.library"));
    CHECK_FALSE(has(ran.text, "load.callbacks-size"));
    CHECK_FALSE(has(ran.text, "lifecycle.open"));
    const Ran refused = holdfastProgram({"verify", HELLO_AGENT, "--only", "lode"});
    CHECK(refused.code == 2);
    CHECK(has(refused.text, "no rule is meant by 'lode'"));
}

TEST_CASE("verify says what is wrong with its arguments, and changes nothing") {
    CHECK(holdfastProgram({"verify"}).code == 2);
    CHECK(holdfastProgram({"verify", "no-such-file.so"}).code == 3);
    const Ran property = holdfastProgram({"verify", HELLO_AGENT, "--property", "File"});
    CHECK(property.code == 2);
    CHECK(has(property.text, "NAME=VALUE"));
    const Ran fault = holdfastProgram({"verify", HELLO_AGENT, "--inject", "burn@online"});
    CHECK(fault.code == 2);
    CHECK(has(fault.text, "burn@online"));
    const Ran value = holdfastProgram({"verify", SQLITE_AGENT, "--property", "BusyTimeout=soon", "--seed", "1"});
    CHECK(value.code == 3);
    CHECK(has(value.text, "BusyTimeout"));
    const Ran type = holdfastProgram({"verify", HELLO_AGENT, "--type", "Goodbye", "--seed", "1"});
    CHECK(type.code == 1);
    CHECK(has(type.text, "load.type-name"));
    CHECK(holdfastProgram({"verify", "--list"}).code == 0);
}

TEST_CASE("A result is also written as JUnit XML and as a trace") {
    const tests::TemporaryFolder folder;
    const Ran ran = holdfastProgram({"verify", HELLO_AGENT, "--only", "lifecycle.online", "--seed", "1", "--property",
                                     "File=" + folder.file("f").string(), "--junit", folder.file("r.xml").string(),
                                     "--trace", folder.file("t.jsonl").string()});
    CHECK(ran.code == 0);
    const std::string junit = contentOf(folder.file("r.xml"));
    CHECK(has(junit, "<testsuite name=\"holdfast verify: Hello\" tests=\"1\" failures=\"0\""));
    CHECK(has(junit, "lifecycle.online W-122"));
    const std::string trace = contentOf(folder.file("t.jsonl"));
    CHECK(has(trace, "\"entryPoint\":\"Online\""));
    CHECK(has(trace, "\"state\":\"Online\""));
    const Ran refused =
        holdfastProgram({"verify", HELLO_AGENT, "--only", "load", "--trace", folder.file("no/such/place").string()});
    CHECK(refused.code == 5);
    CHECK(has(refused.text, "cannot write"));
}

TEST_CASE("With --json - the output is JSON alone") {
    const Ran ran = holdfastProgram({"verify", HELLO_AGENT, "--only", "load.exports", "--json", "-", "--seed", "5"});
    CHECK(ran.code == 0);
    boost::system::error_code error;
    const json::value parsed = json::parse(ran.text, error);
    REQUIRE_FALSE(error);
    CHECK(parsed.as_object().at("seed").to_number<int>() == 5);
    CHECK(parsed.as_object().at("rules").as_array().size() == 1);
}
