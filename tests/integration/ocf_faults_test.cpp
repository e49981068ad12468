// SPDX-License-Identifier: BSL-1.0
// What must not be said although it would be convenient: "stopped" without proof, "not running" beside remains, "dead" of what lives.
#include "ocf_bench.hpp"

#include <sys/stat.h>
#include <unistd.h>

using namespace holdfast::test;
namespace ocf = holdfast::ocf;

namespace {

/** The pid that an agent's forked child wrote down. */
int forkedPid(const OcfRoom& room) {
    int pid = 0;
    REQUIRE(eventually([&] { return (std::ifstream{room.folder / "room" / "forked"} >> pid) && pid > 0; }));
    return pid;
}

bool alive(int pid) {
    const auto stat = holdfast::process::readStat(pid);
    return stat && !stat->dead();
}

}  // namespace

TEST_CASE("what an agent forks inherits no socket: a dead host is known at once", "[L-123][L-136]") {
    const OcfRoom room;
    room.tell("online-forks");
    REQUIRE(room.run("start").code == 0);
    const int forked = forkedPid(room);
    for (const auto& entry : fs::directory_iterator{"/proc/" + std::to_string(forked) + "/fd"}) {
        CHECK(fs::read_symlink(entry.path()).string().find("socket:") == std::string::npos);
    }
    room.killHost();
    CHECK_FALSE(ocf::reach(room.place.socket).socket);
}

TEST_CASE("stop does not say stopped while the agent could not be asked yet", "[L-058]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.killHost();
    const Variables slow{{"OCF_RESKEY_Word", "slow"}, {"OCF_RESKEY_CRM_meta_timeout", "4000"}};
    SECTION("its own time is too short") { CHECK(room.run("stop", slow).code == 1); }
    SECTION("beside a monitor whose host still reads the parameters") {
        const auto monitor = room.begin("monitor", {{"OCF_RESKEY_Word", "slow"}});
        REQUIRE(eventually([&] { return ocf::reach(room.place.socket).socket.get() >= 0; }));
        std::this_thread::sleep_for(300ms);
        CHECK(room.run("stop", slow).code == 1);
        CHECK(monitor->ends() == 1);
    }
    CHECK(room.has("running"));
    CHECK(fs::exists(room.place.record));
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(room.has("running"));
}

TEST_CASE("a start that could not even ask the agent keeps the evidence of a dead host", "[L-057][L-058]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.killHost();
    const Variables broken{{"OCF_RESKEY_Number", "ten"}};
    CHECK(room.run("start", broken).code != 0);
    CHECK(room.has("running"));
    CHECK(room.run("stop", broken).code == 1);
    CHECK(room.run("monitor", broken).code == 1);
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(room.has("running"));
}

TEST_CASE("a terminate() that does not end within its own time is no stop", "[L-058][L-086]") {
    const OcfRoom room;
    REQUIRE(room.run("start", {{"OCF_RESKEY_TerminateTimeout", "1s"}}).code == 0);
    room.tell("offline-fails");
    room.tell("terminate-blocks");
    const auto stop = room.run("stop");
    CHECK(stop.code == 1);
    CHECK(room.has("running"));
    CHECK(room.run("monitor").code == 1);
    room.untell("terminate-blocks");
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(room.has("running"));
    CHECK(room.marked().empty());
}

TEST_CASE("monitor does not say 7 while what the agent forked lives", "[L-043][L-132][L-060]") {
    const OcfRoom room;
    room.tell("online-forks");
    REQUIRE(room.run("start").code == 0);
    const int forked = forkedPid(room);
    room.untell("running");
    room.killHost();
    const auto monitor = room.run("monitor");
    CHECK(monitor.code == 1);
    CHECK(alive(forked));
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(alive(forked));
    CHECK(room.run("monitor").code == 7);
}

TEST_CASE("a start after a dead host ends what that left before it starts a second one", "[L-056][L-132]") {
    const OcfRoom room;
    room.tell("online-forks");
    REQUIRE(room.run("start").code == 0);
    const int forked = forkedPid(room);
    room.untell("running");
    room.untell("online-forks");
    room.killHost();
    CHECK(room.run("start").code == 0);
    CHECK_FALSE(alive(forked));
}
