// SPDX-License-Identifier: BSL-1.0
// A running monitor takes a new configuration: what changed changes, and nothing else notices.
#include "monitor_bench.hpp"

#include <catch2/catch_test_macros.hpp>

#include <map>
#include <thread>

using namespace holdfast;
using namespace holdfast::test;
using monitor::EntryPoint;

namespace {

/** Every call but the polls: what a resource notices. */
std::size_t noticed(const Bench& bench, const std::string& resource) {
    const auto all = bench.records();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const monitor::Record& record) {
        const auto* call = std::get_if<monitor::CallRecord>(&record.what);
        return call != nullptr && record.resource == resource && call->entryPoint != EntryPoint::isAlive &&
               call->entryPoint != EntryPoint::looksAlive;
    }));
}

/** When the first call of a kind came. */
std::chrono::steady_clock::time_point firstCall(const Bench& bench, const std::string& resource,
                                                EntryPoint entryPoint) {
    for (const auto& record : bench.records()) {
        const auto* call = std::get_if<monitor::CallRecord>(&record.what);
        if (call != nullptr && record.resource == resource && call->entryPoint == entryPoint) return call->start;
    }
    return std::chrono::steady_clock::time_point::max();
}

std::vector<std::string> names(const Bench& bench, monitor::ResourceMonitor& monitor) {
    (void)bench;
    std::vector<std::string> out;
    for (const auto& snapshot : monitor.snapshot()) out.push_back(snapshot.name);
    return out;
}

void up(Bench& bench, const std::vector<std::string>& resources) {
    const auto problems = bench->prepare();
    for (const auto& problem : problems) UNSCOPED_INFO(problem.toString());
    REQUIRE(problems.empty());
    bench->start();
    for (const auto& name : resources) REQUIRE(eventually([&] { return bench.isOnline(name); }));
}

}  // namespace

TEST_CASE("a reload of the same file is noticed by nobody") {
    const std::vector<monitor::ResourceConfiguration> resources{scripted("disk", "online-pends"),
                                                                scripted("share", "", {"disk"})};
    Bench bench{resources};
    up(bench, {"disk", "share"});
    const auto disk = noticed(bench, "disk");
    const auto share = noticed(bench, "share");
    for (int i = 0; i < 5; ++i) CHECK(bench->reload(configurationOf(resources)).empty());
    std::this_thread::sleep_for(100ms);
    CHECK(noticed(bench, "disk") == disk);
    CHECK(noticed(bench, "share") == share);
    bench.stop();
    CHECK(bench.stopped());
    CHECK(bench->outcome().stopFailed == false);
}

TEST_CASE("new resources come online in order, removed ones go offline before what they stand on and are closed") {
    Bench bench{{scripted("disk", ""), scripted("old", "offline-pends", {"disk"}), scripted("older", "", {"old"})}};
    up(bench, {"disk", "old", "older"});
    const auto disk = noticed(bench, "disk");
    REQUIRE(bench
                ->reload(configurationOf({scripted("disk", ""), scripted("web", "online-pends", {"share"}),
                                          scripted("share", "online-pends", {"disk"})}))
                .empty());
    CHECK(names(bench, *bench) == std::vector<std::string>{"disk", "web", "share"});
    REQUIRE(eventually([&] { return bench.isOnline("web"); }));
    REQUIRE(eventually([&] {
        return bench.logged("removed") && bench.calls("old", EntryPoint::close) == 1 &&
               bench.calls("older", EntryPoint::close) == 1;
    }));
    CHECK(firstCall(bench, "share", EntryPoint::online) < firstCall(bench, "web", EntryPoint::online));
    CHECK(firstCall(bench, "older", EntryPoint::offline) < firstCall(bench, "old", EntryPoint::offline));
    CHECK(noticed(bench, "disk") == disk);
    CHECK_FALSE(bench->online("old"));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("nothing changes if anything is wrong with the new configuration") {
    Bench bench{{scripted("a", "")}};
    up(bench, {"a"});
    const auto calls = noticed(bench, "a");
    const auto refused = [&](std::vector<monitor::ResourceConfiguration> resources, const std::string& why) {
        const auto problems = bench->reload(configurationOf(std::move(resources)));
        INFO(why);
        REQUIRE(problems.size() == 1);
        INFO(problems[0].toString());
        CHECK(problems[0].text.find(why) != std::string::npos);
        CHECK(names(bench, *bench) == std::vector<std::string>{"a"});
    };
    refused({scripted("a", "", {"b"}), scripted("b", "", {"a"})}, "cycle");
    refused({scripted("a", ""), scripted("a", "")}, "two resources named 'a'");
    refused({scripted("a", "", {"nobody"})}, "does not exist");
    refused({scripted("a", ""), scripted("b", "open-null")}, "Open failed");
    refused({scripted("a", ""), scripted("b", "refuses")}, "is not a word it likes");
    auto wrong = scripted("a", "");
    wrong.properties = {{"Prt", std::int64_t{5}, {"f", 3}}};
    refused({wrong, scripted("fine", "")}, "has no property 'Prt'");
    auto grouped = scripted("a", "");
    grouped.group = "nobody";
    refused({grouped}, "there is no group 'nobody'");
    CHECK(bench.calls("fine", EntryPoint::online) == 0);
    REQUIRE(eventually([&] { return bench.calls("fine", EntryPoint::close) == 1; }));
    CHECK(noticed(bench, "a") == calls);
    CHECK(bench.isOnline("a"));
    CHECK(bench->reload(configurationOf({scripted("a", ""), scripted("b", "")})).empty());  // it still can
    REQUIRE(eventually([&] { return bench.isOnline("b"); }));
    bench.stop();
    CHECK(bench.stopped());
    CHECK(bench->reload(configurationOf({scripted("a", "")})).size() == 1);  // not any more
}

TEST_CASE("W-313 changed times and restart settings hold at once, without a call") {
    auto resource = scripted("r", "");
    resource.times.isAlivePollInterval = 1h;
    resource.times.looksAlivePollInterval = 1h;
    Bench bench{{resource}};
    up(bench, {"r"});
    const auto calls = noticed(bench, "r");
    resource.times.isAlivePollInterval = 10ms;
    resource.restart.threshold = 5;
    CHECK(bench->reload(configurationOf({resource})).empty());
    REQUIRE(eventually([&] { return bench.calls("r", EntryPoint::isAlive) > 2; }));
    CHECK(noticed(bench, "r") == calls);
    bench->fail("r", "a test");  // with the old threshold of 0 it would stay failed
    REQUIRE(eventually([&] { return bench.snapshot("r").onlines == 2; }));
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("W-640 changed properties are validated now and used at the next Online") {
    Bench bench{{scripted("r", "")}};
    up(bench, {"r"});
    auto changed = scripted("r", "isalive-false");
    CHECK(bench->reload(configurationOf({changed})).empty());
    CHECK(bench.logged("new properties are used from the next Online on: Script"));
    CHECK(bench.calls("r", EntryPoint::online) == 1);
    REQUIRE(bench->properties("r").find("Script") != nullptr);
    CHECK(*bench->properties("r").find("Script") == PropertyValue::sz("isalive-false"));
    std::this_thread::sleep_for(100ms);
    CHECK(bench.isOnline("r"));
    bench->offline("r");
    REQUIRE(eventually([&] { return bench.state("r") == MonitorState::opened; }));
    bench->online("r");
    REQUIRE(eventually([&] { return bench.snapshot("r").failures == 1; }));  // now it does what it says
    changed.properties.clear();
    CHECK(bench->reload(configurationOf({changed})).empty());
    CHECK(bench->properties("r").find("Script") == nullptr);
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("another agent under the same name is another resource: the old one is closed before the new one starts") {
    Bench bench{{scripted("r", "offline-pends"), scripted("d", "", {"r"})}};
    up(bench, {"r", "d"});
    auto other = scripted("r", "online-pends");
    other.host = "another";
    REQUIRE(bench->reload(configurationOf({other, scripted("d", "", {"r"})})).empty());
    REQUIRE(eventually([&] { return bench.calls("r", EntryPoint::online) == 2 && bench.isOnline("d"); }));
    std::chrono::steady_clock::time_point closed;
    std::vector<std::chrono::steady_clock::time_point> onlines;
    for (const auto& record : bench.records()) {
        const auto* call = std::get_if<monitor::CallRecord>(&record.what);
        if (call == nullptr || record.resource != "r") continue;
        if (call->entryPoint == EntryPoint::close) closed = call->start + call->span;
        if (call->entryPoint == EntryPoint::online) onlines.push_back(call->start);
    }
    REQUIRE(onlines.size() == 2);
    CHECK(closed < onlines[1]);
    CHECK(bench.calls("r", EntryPoint::close) == 1);
    CHECK(*bench->properties("r").find("Script") == PropertyValue::sz("online-pends"));
    bench.stop();
    CHECK(bench.stopped());
    CHECK(bench.calls("r", EntryPoint::close) == 2);
}

TEST_CASE("removed and added again at once: never two of them work") {
    Bench bench{{scripted("r", "offline-pends"), scripted("x", "")}};
    up(bench, {"r", "x"});
    for (int i = 0; i < 5; ++i) {
        CHECK(bench->reload(configurationOf({scripted("x", "")})).empty());
        CHECK(bench->reload(configurationOf({scripted("r", "offline-pends"), scripted("x", "")})).empty());
        if (i % 2 == 0) REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    }
    REQUIRE(eventually([&] { return bench.isOnline("r"); }));
    int working = 0;
    for (const auto& record : bench.records()) {
        const auto* state = std::get_if<monitor::StateRecord>(&record.what);
        if (state == nullptr || record.resource != "r") continue;
        const auto works = [](MonitorState s) {
            return s != MonitorState::opened && s != MonitorState::unloaded && s != MonitorState::closed;
        };
        working += (works(state->to) ? 1 : 0) - (works(state->from) ? 1 : 0);
        REQUIRE(working <= 1);
    }
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("dependencies change: who stands on something new waits for it") {
    Bench bench{{scripted("a", ""), scripted("b", "")}};
    up(bench, {"a", "b"});
    CHECK(bench->reload(configurationOf({scripted("a", "", {"c"}), scripted("b", ""), scripted("c", "online-pends")}))
              .empty());
    REQUIRE(eventually([&] { return bench.isOnline("c") && bench.isOnline("a") && bench.snapshot("a").onlines == 2; }));
    CHECK(bench.calls("b", EntryPoint::offline) == 0);
    CHECK(bench.snapshot("a").dependsOn == std::vector<std::string>{"c"});
    bench.stop();
    CHECK(bench.stopped());
}

TEST_CASE("reloads, wishes and failures at once leave every resource online once and the rest closed") {
    const auto one = [](int i, bool more) {
        std::vector<monitor::ResourceConfiguration> all{scripted("base", "online-pends")};
        for (int n = 0; n < 4 + (more ? 3 : 0); ++n) {
            auto resource = scripted("r" + std::to_string(n), n % 2 == 0 ? "" : "online-pends offline-pends", {"base"});
            resource.restart.threshold = 1'000'000;
            resource.host = n == 1 ? "h" + std::to_string(i % 2) : "";
            all.push_back(resource);
        }
        all[0].restart.threshold = 1'000'000;
        return all;
    };
    Bench bench{one(0, false)};
    up(bench, {"base", "r0"});
    std::atomic<bool> done{false};
    std::thread people{[&] {
        for (int i = 0; !done; ++i) {
            const std::string name = i % 5 == 4 ? "base" : "r" + std::to_string(i % 5);
            if (i % 3 == 0) bench->fail(name, "chaos");
            if (i % 3 == 1) bench->offline(name);
            if (i % 3 == 2) bench->online(name);
            std::this_thread::sleep_for(3ms);
        }
    }};
    for (int i = 1; i <= 20; ++i) {
        const auto problems = bench->reload(configurationOf(one(i, i % 3 == 0)));
        for (const auto& problem : problems) UNSCOPED_INFO(problem.toString());
        CHECK(problems.empty());
        std::this_thread::sleep_for(15ms);
    }
    done = true;
    people.join();
    CHECK(bench->reload(configurationOf(one(0, false))).empty());
    for (const char* name : {"base", "r0", "r1", "r2", "r3"}) bench->online(name);
    REQUIRE(eventually([&] {
        const auto all = bench->snapshot();
        return all.size() == 5 && std::all_of(all.begin(), all.end(), [](const auto& snapshot) {
                   return snapshot.external == abi::ResourceState::online;
               });
    }));
    bench.stop();
    CHECK(bench.stopped());
    CHECK_FALSE(bench->outcome().stopFailed);
    for (const char* name : {"base", "r0", "r1", "r2", "r3", "r4", "r5", "r6"}) {
        INFO(name);  // as many were closed as were opened
        CHECK(bench.calls(name, EntryPoint::open) == bench.calls(name, EntryPoint::close));
    }
}
