// SPDX-License-Identifier: BSL-1.0
// What must not be said although it would be convenient: "stopped" without
// proof, "not running" beside remains, "dead" of what lives.
#include "ocf_bench.hpp"

#include <sys/wait.h>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace holdfast::test;
namespace ocf = holdfast::ocf;

namespace {

/** The pid that an agent's forked child wrote down. */
int forkedPid(const OcfRoom& room) {
    int pid = 0;
    REQUIRE(eventually([&] { return (std::ifstream{room.folder / "room" / "forked"} >> pid) && pid > 0; }));
    // Until it executes its program it is still a copy of the host.
    REQUIRE(eventually([&] { return textOf("/proc/" + std::to_string(pid) + "/comm") == "sleep\n"; }));
    return pid;
}

bool alive(int pid) {
    const auto stat = holdfast::process::readStat(pid);
    return stat && !stat->dead();
}

/** An action by a caller that may open descriptors below `most` only. */
Ran starved(const OcfRoom& room, const std::string& action, int most) {
    holdfast::tests::Program program{
        "/bin/sh",
        {"-c", "ulimit -n " + std::to_string(most) + "; exec " + std::string{ROOM_AGENT} + " " + action},
        holdfast::tests::Program::Options{room.variables(), {}}};
    const int code = program.ends();
    return {code, program.all, 0ms};
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
    // The last of its threads takes its sockets with it.
    CHECK(eventually([&] { return !ocf::reach(room.place.socket).socket; }, 5s));
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

TEST_CASE(
    "a start that could not even ask the agent keeps the evidence of a "
    "dead host",
    "[L-057][L-058]") {
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
    CHECK(room.run("start").code == 1);  // no second one beside it
    CHECK(room.calls().rfind("online\n") == 0);
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

TEST_CASE(
    "a start after a dead host ends what that left before it starts a "
    "second one",
    "[L-056][L-132]") {
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

TEST_CASE("an action that cannot start a host for want of descriptors knows nothing", "[L-043][L-061]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    REQUIRE(room.run("stop").code == 0);
    room.tell("running");  // somebody else's
    CHECK(starved(room, "monitor", 12).code == 1);
    CHECK(starved(room, "stop", 12).code == 1);
    CHECK(starved(room, "start", 12).code == 1);
}

TEST_CASE("a host that no path leads to any more is not doubled", "[L-056][L-116]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    const int first = room.hostPid();
    fs::remove_all(room.place.directory);
    CHECK(room.run("start").code == 0);
    CHECK_FALSE(alive(first));
    CHECK(room.marked().size() == 1);
    CHECK(room.calls() == "online\nadopt\n");
}

TEST_CASE("a monitor with little time does not kill a host that is merely slow", "[L-060]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    const int host = room.hostPid();
    REQUIRE(::kill(host, SIGSTOP) == 0);
    CHECK(room.run("monitor", {{"OCF_RESKEY_CRM_meta_timeout", "1000"}}).code == 1);
    REQUIRE(::kill(host, SIGCONT) == 0);
    CHECK(room.hostPid() == host);
    CHECK(room.run("monitor").code == 0);
    CHECK(room.calls() == "online\n");
}

TEST_CASE("new values of what has no resident host count from the next look on", "[L-065]") {
    const OcfRoom room{"address", BRIEF_AGENT};
    CHECK(room.run("reload-agent").code == 7);
    REQUIRE(room.run("start").code == 0);
    REQUIRE(eventually([&] { return room.marked().empty(); }));
    CHECK(room.run("reload-agent", {{"OCF_RESKEY_CheckTimeout", "7s"}}).code == 0);
    CHECK(room.run("stop").code == 0);
    CHECK(room.run("reload-agent").code == 7);
}

TEST_CASE(
    "a stop beside an action that starts a host and does not get on "
    "knows nothing",
    "[L-058]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    REQUIRE(room.run("stop").code == 0);
    const holdfast::process::Fd lock{::open(room.place.lock.c_str(), O_RDWR | O_CLOEXEC)};
    REQUIRE(::flock(lock.get(), LOCK_EX) == 0);
    CHECK(room.run("stop", {{"OCF_RESKEY_CRM_meta_timeout", "1000"}}).code == 1);
    CHECK(room.run("monitor", {{"OCF_RESKEY_CRM_meta_timeout", "1000"}}).code == 1);
    REQUIRE(::flock(lock.get(), LOCK_UN) == 0);
    CHECK(room.run("stop").code == 0);
}

TEST_CASE("a monitor that a crowded host turns away does not kill the host", "[L-060]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    const int host = room.hostPid();
    std::vector<ocf::Reached> crowd;
    for (int i = 0; i < 300; ++i) {
        crowd.push_back(ocf::reach(room.place.socket));
        if (i % 50 == 0) std::this_thread::sleep_for(20ms);
    }
    std::this_thread::sleep_for(200ms);
    CHECK(room.run("monitor", {{"OCF_RESKEY_CRM_meta_timeout", "8000"}}).code == 1);
    CHECK(room.hostPid() == host);
    crowd.clear();
    CHECK(eventually([&] { return room.run("monitor").code == 0; }));
    CHECK(room.calls() == "online\n");
}

TEST_CASE(
    "an action killed at any moment leaves what a stop can end and a "
    "start begin again",
    "[L-070][L-072][L-073]") {
    const OcfRoom room;
    for (int i = 0; i < 60; ++i) {
        INFO("after " << i * 400 << " us");
        const auto moment = std::chrono::microseconds{i * 400};
        {
            const auto start = room.begin("start");
            std::this_thread::sleep_for(moment);
            start->kill();
        }
        if (i % 3 == 1) {
            const auto monitor = room.begin("monitor");
            std::this_thread::sleep_for(moment / 2);
            monitor->kill();
        }
        if (i % 3 == 2) {
            const auto stop = room.begin("stop");
            std::this_thread::sleep_for(moment / 2);
            stop->kill();
        }
        const auto stop = room.run("stop");
        REQUIRE(stop.text.find("exit-reason") == std::string::npos);
        REQUIRE(stop.code == 0);
        REQUIRE_FALSE(room.has("running"));
        REQUIRE(eventually([&] { return room.marked().empty(); }, 2s));
        std::this_thread::sleep_for(5ms);
        REQUIRE_FALSE(room.has("running"));
    }
    CHECK(room.run("start").code == 0);
    CHECK(room.run("monitor").code == 0);
}

TEST_CASE("reload-agent refuses what a start would", "[L-065][L-045]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    CHECK(room.run("reload-agent", {{"OCF_RESKEY_CheckInterval", "0"}}).code == 6);
    CHECK(room.run("reload-agent", {{"OCF_RESKEY_CheckInterval", "1ms"}}).code == 6);
    CHECK(room.run("monitor").code == 0);
}

TEST_CASE("timeouts too short for anything never make a false answer", "[L-077][L-058]") {
    const OcfRoom room;
    for (const char* const timeout : {"20", "50", "100", "300", "700", "1000", "2000"}) {
        INFO(timeout << " ms");
        const Variables hurry{{"OCF_RESKEY_CRM_meta_timeout", timeout}};
        const auto start = room.run("start", hurry);
        if (start.code == 0) CHECK(room.has("running"));
        if (start.code != 0) {  // one that joins a start on its way to failing fails with it
            REQUIRE(eventually([&] { return room.run("start").code == 0; }));
        }
        if (room.run("stop", hurry).code == 0) CHECK_FALSE(room.has("running"));
        CHECK(room.run("stop").code == 0);
        CHECK_FALSE(room.has("running"));
        CHECK(room.marked().empty());
    }
}

TEST_CASE("what an agent forks has the signals as a program expects them", "[L-136]") {
    const OcfRoom room;
    room.tell("online-forks");
    REQUIRE(room.run("start").code == 0);
    const int forked = forkedPid(room);
    const auto statusFile = "/proc/" + std::to_string(forked) + "/status";
    REQUIRE(eventually([&] { return textOf(statusFile).find("Name:\tsleep") != std::string::npos; }));
    const auto status = textOf(statusFile);
    for (const char* const field : {"SigIgn:\t", "SigBlk:\t"}) {
        const auto at = status.find(field);
        REQUIRE(at != std::string::npos);
        const auto set = std::stoull(status.substr(at + 8, 16), nullptr, 16);
        for (const int number : {SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGCHLD}) {
            INFO(field << number);
            CHECK((set >> (number - 1) & 1U) == 0U);
        }
    }
}

TEST_CASE("another user's process that bears the mark counts for nothing", "[L-132][L-134]") {
    if (::geteuid() != 0) SKIP("needs root to be somebody else");
    const OcfRoom room;
    const std::string mark = "HOLDFAST_HOST=" + room.place.directory + ":db";
    const pid_t stranger = ::fork();
    if (stranger == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
        const char* const environment[] = {mark.c_str(), nullptr};
        ::execle("/bin/sleep", "sleep", "60", nullptr, const_cast<char**>(environment));
        ::_exit(127);
    }
    REQUIRE(eventually([&] { return room.marked().size() == 1; }));
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("start").code == 0);
    CHECK(room.run("stop").code == 0);
    CHECK(::waitpid(stranger, nullptr, WNOHANG) == 0);  // and nobody killed it
    ::kill(stranger, SIGKILL);
    ::waitpid(stranger, nullptr, 0);
}

TEST_CASE("the first monitor after a reload is answered at once, and a deep one always", "[L-123][L-065]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    auto deep = OcfRoom::recurring();
    deep.emplace_back("OCF_CHECK_LEVEL", "10");
    REQUIRE(room.run("monitor", OcfRoom::recurring()).code == 0);
    for (int i = 0; i < 3; ++i) CHECK(room.run("monitor", deep).took < 2000ms);
    REQUIRE(room.run("reload-agent", {{"OCF_RESKEY_CheckInterval", "1s"}}).code == 0);
    CHECK(room.run("monitor", OcfRoom::recurring()).took < 2000ms);
}
