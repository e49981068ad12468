// SPDX-License-Identifier: BSL-1.0
// What survives a monitor: the file, and who may have it.
#include "state_place.hpp"

#include <catch2/catch_test_macros.hpp>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace holdfast;
using namespace holdfast::monitor;
using namespace std::chrono_literals;
using test::Place;

namespace {

core::RestartPolicy::Time at(std::int64_t ms) { return core::RestartPolicy::Time{std::chrono::milliseconds{ms}}; }

StateClock clockAt(std::int64_t steady, std::int64_t wall, std::string boot) {
    return {at(steady), std::chrono::sys_time<std::chrono::milliseconds>{std::chrono::milliseconds{wall}},
            std::move(boot)};
}

StoredState example() {
    StoredState state;
    auto& disk = state.resources["disk \"one\""];
    disk.wanted = false;
    disk.separate = true;
    disk.failed = true;
    disk.reason = "it broke\nbadly";
    disk.restarts = {{at(1'000), at(1'500), 2}, {at(2'000), at(2'000), 1}};
    disk.properties["Port"] = {std::int64_t{8080}, std::int64_t{80}};
    disk.properties["Path"] = {std::string{"/srv"}, std::nullopt};
    disk.properties["Names"] = {std::vector<std::string>{"a", "b"}, std::vector<std::string>{}};
    disk.properties["On"] = {true, 1.5};
    state.resources["plain"].wanted = true;
    state.groups["web"].failovers = {{at(3'000), at(3'000), 1}};
    state.groups["web"].held = true;
    return state;
}

}  // namespace

TEST_CASE("the stored state reads back as it was written") {
    const auto clock = clockAt(10'000, 1'000'000, "boot");
    const auto text = writeState(example(), clock);
    const auto read = readState(text, clockAt(12'000, 5, "boot"));  // in the same boot the wall clock does not matter
    REQUIRE(read);
    CHECK(*read == example());
}

TEST_CASE("after another start of the system times go by the wall clock, and never into the future") {
    const auto text = writeState(example(), clockAt(10'000, 1'000'000, "old"));
    const auto read = readState(text, clockAt(500, 1'060'000, "new"));
    REQUIRE(read);
    const auto& slices = read->resources.at("disk \"one\"").restarts;
    REQUIRE(slices.size() == 2);
    CHECK(slices[0].first == at(500 - 69'000));
    CHECK(slices[1].last == at(500 - 68'000));
    const auto back = readState(text, clockAt(500, 900'000, "new"));  // the clock was set back
    REQUIRE(back);
    CHECK(back->resources.at("disk \"one\"").restarts[1].last == at(500));
}

TEST_CASE("a state that is cut short at any byte is refused as a whole, never misread") {
    const auto clock = clockAt(10'000, 1'000'000, "boot");
    const auto text = writeState(example(), clock);
    for (std::size_t length = 0; length + 1 < text.size(); ++length) {  // the last one is the line end
        INFO(length);
        REQUIRE_FALSE(readState(text.substr(0, length), clock));
    }
    for (std::size_t i = 0; i < text.size(); ++i) {  // and a flipped byte is a valid state or none: it throws nothing
        auto damaged = text;
        damaged[i] = static_cast<char>(damaged[i] ^ 0x04);
        static_cast<void>(readState(damaged, clock));
    }
    for (const char* other : {"{}", "[]", "null", "{\"format\":2,\"boot\":\"\",\"resources\":{},\"groups\":{}}",
                              "{\"format\":1,\"boot\":\"\",\"resources\":{\"a\":5},\"groups\":{}}",
                              "{\"format\":1,\"boot\":\"\",\"resources\":{\"a\":{\"wanted\":1}},\"groups\":{}}"}) {
        CHECK_FALSE(readState(other, clock));
    }
}

TEST_CASE("a restart policy keeps its memory over its process") {
    core::RestartSettings settings;
    settings.threshold = 3;
    settings.period = 10s;
    core::RestartPolicy before{settings};
    for (const int ms : {0, 1'000, 2'000}) CHECK(before.failed(at(ms)).kind == core::RestartDecision::Kind::restart);
    core::RestartPolicy after{settings};
    for (std::size_t i = 0; i < before.slices(); ++i) after.restore(before.slice(i));
    CHECK(after.restarts(at(3'000)) == 3);
    CHECK(after.failed(at(3'000)).kind != core::RestartDecision::Kind::restart);       // W-460
    CHECK(after.failed(at(10'500)).kind == core::RestartDecision::Kind::restart);      // the first one is forgotten
    for (int i = 0; i < 200; ++i) after.restore({at(20'000 + i), at(20'000 + i), 1});  // more than it has room for
    CHECK(after.restarts(at(20'200)) == 201);                                          // none is lost
}

TEST_CASE("what is stored is there for the next monitor") {
    Place place;
    {
        auto opened = place.open();
        REQUIRE(opened.store);
        opened.store->change("a", [](StoredResource& stored) { stored.wanted = false; });
        opened.store->separate("b");
        opened.store->changeGroup("g", [](StoredGroup& stored) { stored.held = true; });
        opened.store->change("gone", [](StoredResource& stored) { stored.wanted = true; });
        opened.store->forget("gone");
        CHECK(opened.store->flush(30s));
    }
    auto opened = place.open();
    REQUIRE(opened.store);
    CHECK(opened.store->resource("a").wanted == false);
    CHECK(opened.store->isSeparate("b"));
    CHECK(opened.store->group("g").held);
    CHECK(opened.store->resource("gone") == StoredResource{});
    CHECK(place.said.empty());
}

TEST_CASE("a damaged state is kept aside, said, and nothing else happens") {
    Place place;
    std::ofstream{place.path / "state.json"} << "{\"format\":1,\"boot\":\"x\",\"resou";
    auto opened = place.open();
    REQUIRE(opened.store);
    CHECK(opened.store->resource("a") == StoredResource{});
    CHECK(place.times("cannot be read; it is kept as") == 1);
    CHECK(std::filesystem::exists(place.path / "state.json.damaged"));
    opened.store->separate("a");
    CHECK(opened.store->flush(30s));
    opened = {};
    CHECK(place.open().store->isSeparate("a"));
}

TEST_CASE("a directory belongs to one monitor; the second one is told which") {
    Place place;
    auto first = place.open();
    REQUIRE(first.store);
    auto second = place.open();
    REQUIRE_FALSE(second.store);
    REQUIRE(second.problem);
    CHECK(second.problem->text.find("(process " + std::to_string(os::processId()) + ")") != std::string::npos);
    first = {};
    CHECK(place.open().store);
}

TEST_CASE("a directory that cannot be made is a problem, not a crash") {
    Place place;
    std::ofstream{place.path / "file"} << "x";
    const auto opened = StateStore::open(place.path / "file" / "below", [](bool, const std::string&) {});
    REQUIRE_FALSE(opened.store);
    REQUIRE(opened.problem);
    CHECK(opened.problem->text.find("cannot be used") != std::string::npos);
}

TEST_CASE("many threads change it; the last state is whole") {
    Place place;
    {
        auto opened = place.open();
        REQUIRE(opened.store);
        std::vector<std::thread> threads;
        for (int t = 0; t < 4; ++t) {
            threads.emplace_back([&, t] {
                for (int i = 0; i < 100; ++i) {
                    opened.store->change("r" + std::to_string(t),
                                         [&](StoredResource& s) { s.reason = std::to_string(i); });
                }
            });
        }
        for (auto& thread : threads) thread.join();
    }  // what is left is written as it ends
    auto opened = place.open();
    REQUIRE(opened.store);
    for (int t = 0; t < 4; ++t) CHECK(opened.store->resource("r" + std::to_string(t)).reason == "99");
}
