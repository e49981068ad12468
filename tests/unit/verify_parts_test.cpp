// SPDX-License-Identifier: BSL-1.0
// The parts of `holdfast verify` that need no library: rules, what a line may say, and what is made of a scenario's output.
#include "verify/desk.hpp"
#include "verify/forbidden_calls.hpp"
#include "verify/plan.hpp"
#include "verify/process_view.hpp"
#include "verify/report.hpp"
#include "verify/rule.hpp"
#include "verify/scenario.hpp"
#include "verify/scenario_life.hpp"

#include <holdfast/os/event.hpp>

#include <boost/json.hpp>
#include <catch2/catch_test_macros.hpp>

#include <algorithm>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace holdfast;
using namespace holdfast::verify;
using abi::ResourceState;
using namespace std::chrono_literals;

namespace {

/** A line with its findings. */
struct Heard {
    ScenarioLife life;
    Reporter reporter{[this](std::string_view text) { life.take(text); }};
    Line line{reporter, "db"};

    abi::Dword say(ResourceState state, abi::Dword checkPoint) { return line.report({state, checkPoint, 0, nullptr}); }
    void pend(Line::Operation operation) {
        line.begin(operation);
        line.returned(abi::code::ioPending);
    }
    /** The rules that were broken. */
    std::set<std::string> broken() const {
        std::set<std::string> rules;
        for (const auto& judged : life.judged()) {
            if (judged.judgement == Judgement::failed) rules.insert(judged.rule);
        }
        return rules;
    }
};

using Rules = std::set<std::string>;

}  // namespace

TEST_CASE("Each rule has an id of its own, a clause and a way to mend it") {
    Rules ids;
    for (const Rule& rule : rules()) {
        INFO(rule.id);
        CHECK(ids.emplace(rule.id).second);
        CHECK(rule.clause.starts_with("W-"));
        CHECK(rule.id.find('.') != std::string_view::npos);
        CHECK_FALSE(rule.title.empty());
        CHECK_FALSE(rule.mend.empty());
        CHECK(findRule(rule.id) == &rule);
    }
    CHECK(findRule("no.rule") == nullptr);
}

TEST_CASE("Each rule is looked at by a scenario, or watched in all of them") {
    Rules covered;
    for (const Scenario& scenario : scenarios()) covered.insert(scenario.rules.begin(), scenario.rules.end());
    covered.insert(watchedRules().begin(), watchedRules().end());
    for (const Rule& rule : rules()) {
        INFO(rule.id);
        CHECK(covered.contains(std::string{rule.id}));
    }
    for (const std::string& rule : covered) {
        INFO(rule);
        CHECK(findRule(rule) != nullptr);
    }
}

TEST_CASE("A scenario needs only scenarios that come before it") {
    Rules before;
    for (const Scenario& scenario : scenarios()) {
        for (const auto need : scenario.needs) {
            INFO(scenario.name << " needs " << need);
            CHECK(before.contains(std::string{need}));
        }
        CHECK(before.emplace(scenario.name).second);
    }
}

TEST_CASE("A pattern means an id, a group, a clause or a beginning") {
    const Rule& rule = *findRule("pending.checkpoint");
    CHECK(matches("pending.checkpoint", rule));
    CHECK(matches("pending", rule));
    CHECK(matches("pending.*", rule));
    CHECK(matches("pending.ch*", rule));
    CHECK(matches("W-203", rule));
    CHECK(matches("*", rule));
    CHECK_FALSE(matches("pend", rule));
    CHECK_FALSE(matches("", rule));
    CHECK_FALSE(matches("lifecycle", rule));
}

TEST_CASE("W-201 W-203 W-207 an operation that reports as it should breaks nothing") {
    Heard heard;
    heard.line.begin(Line::Operation::online);
    CHECK(heard.say(ResourceState::onlinePending, 1) == 0);  // W-202: before the 997
    heard.line.returned(abi::code::ioPending);
    heard.say(ResourceState::onlinePending, 2);
    heard.say(ResourceState::online, 3);
    const auto final = heard.line.waitForFinal(1s, 1s);
    REQUIRE(final);
    CHECK(final->state == ResourceState::online);
    heard.pend(Line::Operation::offline);
    heard.say(ResourceState::offlinePending, 1);
    heard.say(ResourceState::offline, 1);  // W-205: a final state counts, whatever its CheckPoint
    CHECK(heard.broken().empty());
}

TEST_CASE("W-201 a report before any operation is one too many") {
    Heard heard;
    heard.say(ResourceState::onlinePending, 1);
    CHECK(heard.broken() == Rules{"pending.outside"});
}

TEST_CASE("W-201 reports of a call that does not pend are illegal") {
    Heard heard;
    heard.line.begin(Line::Operation::online);
    heard.say(ResourceState::onlinePending, 1);
    heard.line.returned(0);
    CHECK(heard.broken() == Rules{"pending.outside"});
}

TEST_CASE("W-203 W-205 an unchanged and a falling CheckPoint are no progress") {
    for (const abi::Dword second : {5U, 4U}) {
        Heard heard;
        heard.pend(Line::Operation::online);
        heard.say(ResourceState::onlinePending, 5);
        heard.say(ResourceState::onlinePending, second);
        CHECK(heard.broken() == Rules{"pending.checkpoint"});
    }
}

TEST_CASE("W-206 a report after the engine answered Terminate is one too many") {
    Heard heard;
    heard.line.refuseNext();
    heard.pend(Line::Operation::online);
    CHECK(heard.say(ResourceState::onlinePending, 1) == 1);
    CHECK(heard.line.wasRefused());
    CHECK(heard.broken().empty());
    heard.say(ResourceState::failed, 2);
    CHECK(heard.broken() == Rules{"pending.after-terminate"});
}

TEST_CASE("W-208 an operation may not end as the other one") {
    Heard heard;
    heard.pend(Line::Operation::online);
    heard.say(ResourceState::offline, 1);
    CHECK(heard.broken() == Rules{"pending.final-state"});
}

TEST_CASE("W-209 a second final report of the same worker is one too many") {
    Heard heard;
    heard.pend(Line::Operation::online);
    heard.say(ResourceState::online, 1);
    heard.say(ResourceState::online, 2);
    CHECK(heard.broken() == Rules{"pending.final"});
}

TEST_CASE("W-209 a second final report that comes when the next operation has begun is that, and no end of the next") {
    Heard heard;
    heard.pend(Line::Operation::online);
    heard.say(ResourceState::online, 1);
    heard.line.begin(Line::Operation::offline);
    heard.say(ResourceState::online, 2);
    heard.line.returned(abi::code::ioPending);
    heard.say(ResourceState::offline, 1);
    const auto final = heard.line.waitForFinal(1s, 1s);
    REQUIRE(final);
    CHECK(final->state == ResourceState::offline);
    CHECK(heard.broken() == Rules{"pending.final"});
}

TEST_CASE("W-201 another thread that announces a failure of an online resource reports outside an operation") {
    Heard heard;
    heard.pend(Line::Operation::online);
    heard.say(ResourceState::online, 1);
    std::thread{[&] { heard.say(ResourceState::failed, 2); }}.join();
    CHECK(heard.broken() == Rules{"pending.outside"});
}

TEST_CASE("W-240 a report during Terminate lost the race and is told so; one after it is a breach") {
    Heard heard;
    heard.pend(Line::Operation::online);
    heard.line.terminating();
    CHECK(heard.say(ResourceState::online, 1) == 1);
    CHECK(heard.broken().empty());
    heard.line.terminated();
    CHECK(heard.say(ResourceState::online, 2) == 1);
    CHECK(heard.broken() == Rules{"pending.late-report"});
}

TEST_CASE("W-242 an Offline over a pending Online hears the end of either") {
    Heard heard;
    heard.pend(Line::Operation::online);
    heard.line.begin(Line::Operation::offline);
    heard.say(ResourceState::failed, 1);
    heard.line.returned(abi::code::ioPending);
    heard.say(ResourceState::offline, 1);
    const auto final = heard.line.waitForFinal(1s, 1s);
    REQUIRE(final);
    CHECK(final->state == ResourceState::offline);
    CHECK(heard.broken().empty());
}

TEST_CASE("W-220 a silence longer than PendingTimeout is a breach although the operation ends well") {
    Heard heard;
    heard.pend(Line::Operation::online);
    std::thread worker{[&] {
        std::this_thread::sleep_for(200ms);
        heard.say(ResourceState::online, 1);
    }};
    CHECK(heard.line.waitForFinal(20s, 50ms).has_value());
    worker.join();
    CHECK(heard.broken() == Rules{"pending.heartbeat"});
}

TEST_CASE("W-905 W-906 a format of printf, and data as a format, are breaches") {
    for (const char* const format : {"failed: %s", "%d files", "100 %ls"}) {
        Heard heard;
        heard.line.log(0, format, format);
        CHECK(heard.broken() == Rules{"conduct.log-format"});
    }
    for (const char* const format : {"failed: %1!ws!", "%1!u! files%n", "100 %% of %2", "plain"}) {
        Heard heard;
        heard.line.log(0, format, format);
        CHECK(heard.broken().empty());
    }
    Heard heard;
    heard.line.log(0, "db is online", "db is online");
    CHECK(heard.broken() == Rules{"conduct.log-format"});
}

TEST_CASE("W-106 W-117 a forged handle and one that is closed are told apart") {
    Heard heard;
    Desk desk{heard.reporter};
    const auto line = std::make_shared<Line>(heard.reporter, "db");
    const auto handle = desk.add(line);
    CHECK(desk.take("LogEvent", handle) == line);
    CHECK(desk.take("LogEvent", 0x1234) == nullptr);
    CHECK(heard.broken() == Rules{"conduct.callback-handle"});
    desk.close(handle);
    CHECK(desk.take("LogEvent", handle) == nullptr);
    CHECK(heard.broken() == Rules{"conduct.callback-handle", "conduct.after-close"});
}

TEST_CASE("W-151 a control call ends once") {
    Heard heard;
    Desk desk{heard.reporter};
    const auto first = desk.addContext();
    CHECK(desk.end(first, 0) == 0);
    CHECK(desk.waitForEnd(first, 0ms) == 0U);
    CHECK(heard.broken().empty());
    CHECK(desk.end(first, 0) != 0);
    CHECK(heard.broken() == Rules{"control.async-once"});
    Heard other;
    Desk second{other.reporter};
    CHECK_FALSE(second.waitForEnd(second.addContext(), 0ms).has_value());
    second.end(12'345, 0);
    CHECK(other.broken() == Rules{"control.async-once"});
}

TEST_CASE("What a library prints into the records is kept apart, and a crash shows what ran") {
    ScenarioLife life;
    Reporter reporter{[&](std::string_view text) {
        life.take("a library's line without end");
        life.take(text.substr(0, 10));  // a pipe gives what it has
        life.take(text.substr(10));
    }};
    const auto number = reporter.entered("Online", "db");
    reporter.left({number, 5ms, {}, 997, "budget.online", {}});
    reporter.entered("Terminate", "db");
    reporter.judge("load.exports", Judgement::warned, "odd \x01 text \"quoted\"");
    REQUIRE(life.calls().size() == 1);
    CHECK(life.calls().front().code == 997);
    CHECK(life.calls().front().span == 5ms);
    CHECK(life.sawPending());
    CHECK(life.running().starts_with("Terminate of db"));
    CHECK_FALSE(life.ended());
    CHECK(life.otherOutput().find("a library's line") != std::string::npos);
    REQUIRE(life.judged().size() == 1);
    CHECK(life.judged().front().evidence == "odd ? text \"quoted\"");
    reporter.done(true);
    CHECK(life.ended());
    CHECK(life.broken());
    std::ostringstream trace;
    life.writeTrace(trace, "cycle");
    CHECK(trace.str().find("\"entryPoint\":\"Online\"") != std::string::npos);
}

TEST_CASE("A record that a library wrote into is not believed") {
    ScenarioLife life;
    life.take("\x1E{\"k\":\"done\", oops\n\x1E[1]\n\x1E{\"k\":5}\nfree text\n");
    CHECK_FALSE(life.ended());
    CHECK(life.judged().empty());
}

TEST_CASE("A plan arrives as it was sent") {
    Plan plan;
    plan.library = "/srv/a b.so";
    plan.type = "Type \"x\"";
    plan.properties = {{"Path", "a=b\nc"}};
    plan.seed = 18'446'744'073'709'551'615U;
    plan.breakCommand = "touch 'x'";
    plan.injections = {{Injection::Fault::crash, "isAlive"}};
    const Plan read = Plan::fromJson(plan.toJson());
    CHECK(read.library == plan.library);
    CHECK(read.type == plan.type);
    CHECK(read.properties == plan.properties);
    CHECK(read.seed == plan.seed);
    CHECK(read.breakCommand == plan.breakCommand);
    REQUIRE(read.injections.size() == 1);
    CHECK(read.injections.front().text() == "crash@isAlive");
    CHECK(read.pendingTimeout == plan.pendingTimeout);
}

TEST_CASE("A report is text, JSON and JUnit XML, with evidence and how to mend it") {
    Report report;
    report.agent = "/srv/<a>.so";
    report.type = "A & B";
    report.seed = 7;
    report.findings = {
        {findRule("load.exports"), Judgement::passed, {}, {"loading"}, 1s},
        {findRule("budget.is-alive"), Judgement::failed, {"[all] IsAlive took 400 ms <late>"}, {"all"}, 2s},
        {findRule("leak.open-close"), Judgement::notChecked, {"[x] not looked at"}, {"x"}, 0s}};
    report.timings = {{"IsAlive", "budget.is-alive", 3, 1, 1, {0, 0, 0, 0, 2, 0, 1}, 30ms, 400ms, "polling"}};
    CHECK(report.worst() == Judgement::failed);
    const std::string text = toText(report, false);
    CHECK(text.find("FAIL     budget.is-alive") != std::string::npos);
    CHECK(text.find("to mend it: answer from the result of a polling thread") != std::string::npos);
    CHECK(text.find("3 rules: 1 passed, 1 failed, 0 warnings, 0 not applicable, 1 not checked") != std::string::npos);
    CHECK(toText(report, true).find("load.exports") == std::string::npos);
    const auto json = boost::json::parse(toJson(report)).as_object();
    CHECK(json.at("worst").as_string() == "fail");
    CHECK(json.at("seed").to_number<int>() == 7);
    CHECK(json.at("rules").as_array().at(1).as_object().at("id").as_string() == "budget.is-alive");
    CHECK(json.at("rules").as_array().at(1).as_object().at("judgement").as_string() == "fail");
    const std::string junit = toJunit(report);
    CHECK(junit.find("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\"") != std::string::npos);
    CHECK(junit.find("IsAlive took 400 ms &lt;late&gt;") != std::string::npos);
    CHECK(junit.find("A &amp; B") != std::string::npos);
}

TEST_CASE("W-800 W-803 which functions of the cluster may be called where") {
    CHECK(isForbidden("OnlineClusterResource", ""));
    CHECK(isForbidden("GetClusterResourceState", "IsAlive"));
    CHECK_FALSE(isForbidden("GetClusterResourceState", ""));
    CHECK(isForbidden("ClusterRegSetValue", "Online"));
    CHECK_FALSE(isForbidden("ClusterRegSetValue", "ResourceControl"));
    CHECK_FALSE(isForbidden("ClusterRegQueryValue", "Open"));
}

TEST_CASE("W-102 a Terminate that overtakes a call which had not entered the library yet makes no report of it late") {
    Heard heard;
    heard.line.begin(Line::Operation::online);
    heard.line.terminating();
    heard.line.terminated();
    heard.line.returned(abi::code::ioPending);
    heard.say(ResourceState::onlinePending, 1);
    CHECK(heard.broken().empty());
}

// ---- what a handle names -------------------------------------------------------------------------------------------------

TEST_CASE("W-323 a handle that was closed is not taken for the one that has its number now") {
    auto event = std::make_unique<os::Event>();
    void* const number = event->handle();
    const HandleIdentity identity{number};
    CHECK(identity.holds());
    event->signal();
    CHECK(identity.holds());
    event.reset();
    CHECK_FALSE(identity.holds());
    std::vector<std::unique_ptr<os::Event>> others;
    const auto hasNumber = [&] { return !others.empty() && others.back()->handle() == number; };
    while (!hasNumber() && others.size() < 1'000) others.push_back(std::make_unique<os::Event>());
    REQUIRE(hasNumber());
    CHECK(waitFor(number, 0ms) == HandleState::waiting);
    CHECK_FALSE(identity.holds());
}
