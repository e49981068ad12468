// SPDX-License-Identifier: BSL-1.0
// The program `holdfast ctl` against `holdfast run`: what people and programs see, exit codes.
#include "ctl_bench.hpp"

#include <catch2/catch_test_macros.hpp>

using namespace holdfast::test;

namespace {

class Program : public holdfast::tests::Program {
public:
    explicit Program(std::vector<std::string> arguments, const std::string& control = {})
        : holdfast::tests::Program{HOLDFAST_PROGRAM, std::move(arguments), {{}, control}} {}
};

}  // namespace

TEST_CASE("ctl list, show, get, set: for people and for programs") {
    const Room room{resource("disk", "") + resource("share", "online-pends", "dependsOn = [\"disk\"]\n")};
    Program run{{"run", room.file()}, room.socket()};
    REQUIRE(run.says("OnlinePending -> Online"));
    const auto list = room.ctl({"list"});
    CHECK(list.code == 0);
    CHECK(contains(list.text, "RESOURCE  TYPE      STATE   FOR"));
    CHECK(contains(list.text, "\nshare     Scripted  Online  "));
    const auto rows = objects(room.ctl({"list", "--json"}).text);
    REQUIRE(rows.size() == 2);
    CHECK(rows[1].at("name").as_string() == "share");
    CHECK(rows[1].at("dependsOn").as_array()[0].as_string() == "disk");

    CHECK(contains(room.ctl({"show", "share"}).text, "depends on  disk"));
    const auto misspelt = room.ctl({"show", "shar"});
    CHECK(misspelt.code == 8);
    CHECK(misspelt.text == "holdfast ctl: there is no resource 'shar'; did you mean 'share'?\n");
    const auto asJson = room.ctl({"show", "shar", "--json"});
    CHECK(asJson.code == 8);
    CHECK(objects(asJson.text).at(0).at("error").at("code").as_string() == "unknownResource");

    const auto set = room.ctl({"set", "disk", "Port=8080"});
    CHECK(set.code == 0);
    CHECK(set.text == "disk: stored; used at the next Online (5024)\n");
    CHECK(room.ctl({"set", "disk", "Prt=1"}).code == 1);
    CHECK(room.ctl({"set", "disk", "Port"}).code == 2);
    CHECK(contains(room.ctl({"get", "disk"}).text, "Port    -  not shown"));
    CHECK(contains(room.ctl({"ping"}).text, "at " + room.socket()));
    CHECK(contains(room.ctl({"metrics"}).text,
                   "holdfast_resource_onlines_total{resource=\"disk\",type=\"Scripted\"} 1\n"));
    std::ofstream{room.file(), std::ios::app} << resource("late", "");
    const auto reload = room.ctl({"reload"});
    CHECK(reload.code == 0);
    CHECK(contains(reload.text, "1 new, 0 removed"));
    CHECK(contains(room.ctl({"online", "late", "--wait"}).text, "late: Online"));
    std::ofstream{room.file(), std::ios::app} << "[[resource]]\nname = 7\n";
    const auto refused = room.ctl({"reload"});
    CHECK(refused.code == 1);
    CHECK(contains(refused.text, "'name' must be a string"));
    run.tell(Tell::stop);
    CHECK(run.ends() == 0);
}

TEST_CASE("ctl online and offline --wait: how it went is the exit code") {
    const Room room{resource("r", "online-pends offline-pends", "RestartAction = 0\n") +
                    resource("never", "online-silent") + resource("bad", "online-fails", "RestartAction = 0\n") +
                    resource("waits", "", "dependsOn = [\"bad\"]\n")};
    Program run{{"run", room.file()}, room.socket()};
    REQUIRE(run.says("r                state                    OnlinePending -> Online"));
    const auto offline = room.ctl({"offline", "r", "--wait"});
    CHECK(offline.code == 0);
    CHECK(contains(offline.text, "Online -> OfflineCalled"));
    CHECK(contains(offline.text, "r: Offline\n"));
    const auto online = room.ctl({"online", "r", "--wait=20", "--json"});
    CHECK(online.code == 0);
    CHECK(objects(online.text).back().at("external").as_string() == "Online");
    CHECK(room.ctl({"fail", "r", "--reason", "for the test"}).code == 0);
    REQUIRE(eventually([&] { return contains(room.ctl({"show", "r"}).text, "declared failed: for the test"); }));

    const auto late = room.ctl({"online", "never", "--wait=0.3"});
    CHECK(late.code == 7);
    INFO(late.text);
    CHECK(contains(late.text, "never is still OnlinePending after 0.3 s"));
    CHECK(room.ctl({"online", "never", "--wait=soon"}).code == 2);
    const auto failed = room.ctl({"online", "bad", "--wait"});
    CHECK(failed.code == 1);
    INFO(failed.text);
    CHECK(contains(failed.text, "bad: Failed: Online failed: error"));
    const auto waits = room.ctl({"online", "waits", "--wait=0.3"});
    CHECK(waits.code == 7);
    CHECK(contains(waits.text, "'bad' is Failed"));
    CHECK(room.ctl({"fail", "bad"}).code == 1);

    const auto stop = room.ctl({"stop", "--wait"});
    CHECK(stop.code == 0);
    CHECK(contains(stop.text, "stopped"));
    CHECK(run.ends() == 1);  // a resource was failed
    CHECK_FALSE(std::filesystem::exists(room.socket()));
}

TEST_CASE("ctl events follows, with what happened before") {
    const Room room{resource("a", "") + resource("b", "")};
    Program run{{"run", room.file()}, room.socket()};
    REQUIRE(run.says("b                state                    OnlineCalled -> Online"));
    Program events{{"ctl", "--control", room.socket(), "events", "a", "--history", "100"}};
    REQUIRE(events.says("OnlineCalled -> Online"));
    const auto offline = room.ctl({"offline", "a"});
    CHECK(offline.code == 0);
    CHECK(offline.text == "a: asked to go offline\n");
    REQUIRE(events.says("OfflineCalled -> Opened"));
    CHECK_FALSE(contains(events.all, " b "));
    run.tell(Tell::stop);
    CHECK(run.ends() == 0);
    CHECK(events.ends() == 6);
    CHECK(contains(events.all, "the monitor ended"));
}

TEST_CASE("ctl without a monitor, with wrong usage, and a second monitor at the same socket") {
    const Room room{resource("r", "")};
    const auto nobody = room.ctl({"list"});
    CHECK(nobody.code == 6);
    CHECK(nobody.text == "holdfast ctl: no monitor runs at " + room.socket() + "\n");
    CHECK(room.ctl({}).code == 2);
    CHECK(room.ctl({"fly"}).code == 2);
    CHECK(room.ctl({"online"}).code == 2);
    Program help{{"ctl", "--help"}};
    CHECK(help.ends() == 0);
    CHECK(contains(help.all, "Exit codes"));
    CHECK(contains(help.all, "offline"));

    Program run{{"run", room.file()}, room.socket()};
    REQUIRE(run.says("OnlineCalled -> Online"));
    const std::string other = (room.folder / "second.toml").string();
    std::ofstream{other} << "[monitor]\nrunDirectory = \"rt2\"\nstate = \"state2\"\ncontrol = \"run/control\"\n"
                         << resource("r", "");
    Program second{{"run", other}};
    CHECK(second.ends() == 3);
    CHECK(contains(second.all, "listens at " + room.socket() + " already"));
    CHECK_FALSE(contains(second.all, "OnlineCalled"));
    CHECK(room.ctl({"top"}).code == 2);  // no terminal
    run.kill();
    CHECK(run.ends() >= 1000);
    CHECK(room.ctl({"list"}).code == 6);
    Program third{{"run", room.file()}, room.socket()};  // what the killed one left is no obstacle
    REQUIRE(third.says("OnlineCalled -> Online"));
    CHECK(room.ctl({"list"}).code == 0);
    third.tell(Tell::stop);
    CHECK(third.ends() == 0);
}
