// SPDX-License-Identifier: BSL-1.0
// Actions of an OCF agent and its resident host, one after the other and at the worst moments.
#include "ocf_bench.hpp"

#include <catch2/generators/catch_generators.hpp>

using namespace holdfast::test;

TEST_CASE("start, monitor and stop are idempotent and tell the truth", "[L-056][L-058][L-130][L-040]") {
    const OcfRoom room;
    CHECK(room.run("stop").code == 0);  // before any start
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("start").code == 0);
    const int host = room.hostPid();
    CHECK(host > 0);
    CHECK(room.run("start").code == 0);
    CHECK(room.hostPid() == host);
    const auto monitor = room.run("monitor");
    CHECK(monitor.code == 0);
    CHECK(monitor.text.empty());  // L-112
    CHECK(room.calls() == "online\n");
    CHECK(room.run("stop").code == 0);
    CHECK(room.hostPid() == 0);
    CHECK(room.marked().empty());
    CHECK_FALSE(fs::exists(room.place.record));
    CHECK_FALSE(fs::exists(room.place.socket));
    CHECK(room.run("stop").code == 0);
    CHECK(room.run("monitor").code == 7);
    CHECK(room.calls() == "online\noffline\n");
}

TEST_CASE("a failed check is code 1 with the reason, and stop then start mend it", "[L-043][L-044][L-110]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.tell("check-fails");
    REQUIRE(eventually([&] { return room.run("monitor").code == 1; }));
    const auto failed = room.run("monitor");
    CHECK(failed.text == "ocf-exit-reason:isAlive failed: check: told to\n");
    room.untell("check-fails");
    CHECK(room.run("monitor").code == 1);  // until it is stopped
    CHECK(room.run("stop").code == 0);
    CHECK(room.run("start").code == 0);
    CHECK(room.run("monitor").code == 0);
    CHECK(room.calls() == "online\nterminate\nonline\n");
}

TEST_CASE("a start of a failed resource without a stop ends it first") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.tell("check-fails");
    REQUIRE(eventually([&] { return room.run("monitor").code == 1; }));
    room.untell("check-fails");
    CHECK(room.run("start").code == 0);
    CHECK(room.calls() == "online\nterminate\nonline\n");
    CHECK(room.run("monitor").code == 0);
}

TEST_CASE("output is printable ASCII whatever the agent throws", "[L-111][L-13A]") {
    const OcfRoom room;
    room.tell("online-fails");
    const auto failed = room.run("start");
    CHECK(failed.text == "ocf-exit-reason:online failed: no ?mlaut here <&\"\n");
    for (const char c : failed.text) CHECK((c == '\n' || (c >= 0x20 && c < 0x7f)));
}

TEST_CASE("a start that fails leaves nothing behind; its code says where it would fail, too", "[L-045][L-047][L-057]") {
    const OcfRoom room;
    room.tell("online-fails");
    CHECK(room.run("start").code == 2);  // online() found it wrong on this node
    CHECK(room.marked().empty());
    CHECK_FALSE(room.has("running"));
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("stop").code == 0);
    // The parameters alone are wrong, everywhere.
    struct Case {
        const char* name;
        const char* value;
        const char* says;
    };
    for (const auto& [name, value, says] :
         {Case{"OCF_RESKEY_Room", "", "property \"Room\": is required and not set"},
          Case{"OCF_RESKEY_Number", "seven", "property \"Number\": \"seven\" is no whole number"},
          Case{"OCF_RESKEY_Number", "10", "property \"Number\": 10 is out of range"},
          Case{"OCF_RESKEY_Number", "99999999999999999999", "is too large"},
          Case{"OCF_RESKEY_number", "5", "did you mean \"Number\"?"},
          Case{"OCF_RESKEY_CheckInterval", "1 fortnight", "is no duration"},
          Case{"OCF_RESKEY_InstantFailure", "maybe", "use one of: monitor, notify, off"}}) {
        const auto refused = room.run("start", {{name, value}});
        INFO(name << "=" << value << ": " << refused.text);
        CHECK(refused.code == 6);
        CHECK(refused.says(says));
        CHECK(room.run("monitor", {{name, value}}).code == 7);  // a probe with it is no reason to ban anything
        CHECK(room.run("stop", {{name, value}}).code == 0);     // L-138
    }
    CHECK(room.calls() == "online\nterminate\n");
}

TEST_CASE("a secret that is refused is not shown", "[L-117]") {
    const OcfRoom room;
    const auto refused = room.run("start", {{"OCF_RESKEY_Secret", "file:/no/such/hunter2"}});
    CHECK(refused.code != 0);
    CHECK_FALSE(refused.says("hunter2"));
    CHECK(room.log().find("hunter2") == std::string::npos);
}

TEST_CASE("parameters arrive byte for byte; empty means the default; unknown ones are said", "[L-021][L-022]") {
    const OcfRoom room;
    CHECK(room.run("start", {{"OCF_RESKEY_Word", "a \"b\" $c \xc3\xa4"},
                             {"OCF_RESKEY_Number", ""},
                             {"OCF_RESKEY_crm_feature_set", "3.16"},
                             {"OCF_RESKEY_Nmber", "1"}})
              .code == 0);
    CHECK(textOf(room.folder / "room" / "word") == "a \"b\" $c \xc3\xa4\n\n5\n");
    CHECK(room.log().find("parameter \"Nmber\" is not known") != std::string::npos);
}

TEST_CASE("unknown actions and another API version change nothing", "[L-011][L-020][L-06D]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    for (const char* const action :
         {"promote", "demote", "migrate_to", "notify", "reload", "recover", "nonsense", ""}) {
        INFO(action);
        CHECK(room.run(action).code == 3);
    }
    const auto refused = room.run("start", {{"OCF_RA_VERSION_MAJOR", "2"}});
    CHECK(refused.code == 1);
    CHECK(refused.says("API version 2"));
    CHECK(room.run("stop", {{"OCF_RA_VERSION_MAJOR", "2"}}).code == 0);
}

TEST_CASE("two starts at once start it once", "[L-016]") {
    const OcfRoom room;
    room.tell("online-blocks");
    std::vector<std::unique_ptr<holdfast::tests::Program>> starts;
    for (int i = 0; i < 4; ++i) starts.push_back(room.begin("start"));
    REQUIRE(eventually([&] { return room.has("running"); }));
    // Meanwhile: neither up nor down. The step comes as all that an agent says: a moment later.
    REQUIRE(eventually([&] {
        const auto monitor = room.run("monitor");
        CHECK(monitor.code == 1);
        CHECK(monitor.says("it is still starting"));
        return monitor.says("it is still starting: half way");
    }));
    room.untell("online-blocks");
    for (const auto& start : starts) CHECK(start->ends() == 0);
    CHECK(room.calls() == "online\n");
    CHECK(room.marked().size() == 1);
}

TEST_CASE("a stop during a start wins", "[L-057]") {
    const OcfRoom room;
    room.tell("online-blocks");
    const auto start = room.begin("start");
    REQUIRE(eventually([&] { return room.has("running"); }));
    CHECK(room.run("stop").code == 0);
    CHECK(start->ends() == 1);
    CHECK(room.marked().empty());
    CHECK_FALSE(room.has("running"));
}

TEST_CASE("a start answers before Pacemaker would kill it, and cleans up", "[L-077][L-072][L-139]") {
    const OcfRoom room;
    const char* const how = GENERATE("online-blocks", "online-deaf");
    room.tell(how);
    const auto late = room.run("start", {{"OCF_RESKEY_CRM_meta_timeout", "3000"}});
    CHECK(late.code == 1);
    CHECK(late.took < 3000ms);
    CHECK(late.says("did not come online within"));
    room.untell(how);
    CHECK(eventually([&] { return room.run("monitor").code == 7; }));
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(room.has("running"));
}

TEST_CASE("a stop whose offline() hangs ends by terminate(), in time", "[L-059][L-086]") {
    const OcfRoom room;
    const char* const how = GENERATE("offline-blocks", "offline-deaf", "offline-fails");
    REQUIRE(room.run("start").code == 0);
    room.tell(how);
    const auto stop = room.run("stop", {{"OCF_RESKEY_CRM_meta_timeout", "4000"}});
    CHECK(stop.code == 0);
    CHECK(stop.took < 4000ms);
    CHECK(room.calls().find("terminate") != std::string::npos);
    CHECK_FALSE(room.has("running"));
    CHECK(room.marked().empty());
    room.untell(how);
}

TEST_CASE("a stop that cannot end it says so, in time, and the next one goes on", "[L-042][L-058]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.tell("offline-deaf");
    room.tell("terminate-blocks");
    const auto stop = room.run("stop", {{"OCF_RESKEY_CRM_meta_timeout", "3000"}});
    CHECK(stop.code == 1);
    CHECK(stop.took < 3000ms);
    CHECK(stop.says("stop did not end within"));
    CHECK(room.has("running"));
    CHECK(room.run("monitor").code == 1);
    room.untell("terminate-blocks");
    room.untell("offline-deaf");
    CHECK(room.run("stop").code == 0);
    CHECK(room.marked().empty());
}

TEST_CASE("what an agent forked by itself is dead when stop says so", "[L-132][L-136]") {
    const OcfRoom room;
    room.tell("online-forks");
    REQUIRE(room.run("start").code == 0);
    REQUIRE(eventually([&] { return room.has("forked") && room.marked().size() == 2; }));
    CHECK(room.run("stop").code == 0);
    CHECK(room.marked().empty());
    CHECK(room.log().find("which the agent left behind") != std::string::npos);
}

TEST_CASE("the host has nothing of its caller: session, pipes, folder, environment", "[L-014][L-071][L-136][L-117]") {
    const OcfRoom room;
    REQUIRE(room.run("start", {{"OCF_RESKEY_Secret", "hunter2"}, {"STRANGE", "1"}}).code ==
            0);  // its pipes reached their end
    const int host = room.hostPid();
    REQUIRE(host > 0);
    const auto stat = holdfast::process::readStat(host);
    REQUIRE(stat);
    CHECK(stat->session == host);
    const std::string proc = "/proc/" + std::to_string(host);
    CHECK(fs::read_symlink(proc + "/cwd") == "/");
    for (const char* const fd : {"0", "1", "2"}) CHECK(fs::read_symlink(proc + "/fd/" + fd) == "/dev/null");
    CHECK(textOf(proc + "/environ").find("OCF_") == std::string::npos);
    CHECK(textOf(proc + "/environ").find("STRANGE") == std::string::npos);
    CHECK(textOf(proc + "/environ").find("hunter2") == std::string::npos);
    CHECK(textOf(proc + "/cmdline").find("hunter2") == std::string::npos);
    CHECK(textOf(room.folder / "room" / "word") == "\nhunter2\n5\n");
}

TEST_CASE("validate-all looks at the parameters, and with level 10 at what they refer to", "[L-063]") {
    const OcfRoom room;
    CHECK(room.run("validate-all").code == 0);
    CHECK(room.run("validate-all", {{"OCF_RESKEY_Number", "11"}}).code == 6);
    CHECK(room.run("validate-all", {{"OCF_RESKEY_Secret", "file:/no/such"}}).code == 0);
    CHECK(room.run("validate-all", {{"OCF_RESKEY_Secret", "file:/no/such"}, {"OCF_CHECK_LEVEL", "10"}}).code == 2);
    const auto slow = room.run("validate-all", {{"OCF_RESKEY_Word", "slow"}, {"OCF_RESKEY_CRM_meta_timeout", "2000"}});
    CHECK(slow.code == 1);
    CHECK(slow.took < 2000ms);
    CHECK(room.calls().empty());
}

TEST_CASE("reload-agent applies the framework's own parameters while the resource runs", "[L-065]") {
    const OcfRoom room;
    CHECK(room.run("reload-agent").code == 7);
    REQUIRE(room.run("start", {{"OCF_RESKEY_CheckInterval", "1h"}}).code == 0);
    room.tell("check-fails");
    std::this_thread::sleep_for(300ms);
    CHECK(room.run("monitor").code == 0);  // the next check is an hour away
    CHECK(room.run("reload-agent", {{"OCF_RESKEY_CheckInterval", "fast"}}).code == 6);
    CHECK(room.run("reload-agent", {{"OCF_RESKEY_CheckInterval", "20 ms"}}).code == 6);
    CHECK(room.run("reload-agent", {{"OCF_RESKEY_CheckInterval", "20ms"}}).code == 0);
    CHECK(eventually([&] { return room.run("monitor").code == 1; }));
    CHECK(room.calls() == "online\n");
}

TEST_CASE("help, version and methods are for people", "[L-010]") {
    const OcfRoom room;
    const auto help = room.run("--help");
    CHECK(help.code == 0);
    CHECK(help.says("Number"));
    CHECK(help.says("reload-agent"));
    CHECK(room.run("--version").says("holdfast"));
    CHECK(room.run("methods").says("validate-all"));
    CHECK(room.run("").says("usage: "));
}

TEST_CASE("a type without a resident host: nothing stays, and each monitor looks anew", "[L-080][L-043]") {
    const OcfRoom room{"address", BRIEF_AGENT};
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("stop").code == 0);
    REQUIRE(room.run("start").code == 0);
    CHECK(eventually([&] { return room.marked().empty(); }));
    CHECK(room.has("running"));
    CHECK(room.run("start").code == 0);
    CHECK(room.calls() == "online\nadopt\n");
    for (const char* const level : {"0", "10"}) {
        CHECK(room.run("monitor", {{"OCF_CHECK_LEVEL", level}}).code == 0);
        const auto recurring = room.run("monitor", OcfRoom::recurring());
        CHECK(recurring.code == 0);
        CHECK(recurring.took < 2000ms);
    }
    room.tell("check-fails");
    const auto failed = room.run("monitor");
    CHECK(failed.code == 1);
    CHECK(failed.says("check: told to"));
    CHECK(room.has("running"));
    room.untell("check-fails");
    CHECK(room.run("monitor").code == 0);  // no verdict is kept
    room.untell("running");
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("start").code == 0);
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(room.has("running"));
    CHECK(room.marked().empty());
    CHECK_FALSE(fs::exists(room.place.record));
    CHECK(room.calls().rfind("offline\n") == room.calls().size() - 8);
}
