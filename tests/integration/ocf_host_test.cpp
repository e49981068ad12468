// SPDX-License-Identifier: BSL-1.0
// The resident host: its death, its hanging, strangers at its socket, and the monitor that waits for a failure.
#include "ocf_bench.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

using namespace holdfast::test;
namespace ocf = holdfast::ocf;

namespace {

/** The answer to one order said directly to the host. */
std::optional<ocf::Message> ask(const OcfRoom& room, const ocf::Message& order) {
    auto reached = ocf::reach(room.place.socket);
    if (!reached.socket) return {};
    ocf::Connection connection{std::move(reached.socket)};
    const auto until = holdfast::process::nowMs() + 10'000;
    if (!connection.send(order, until)) return {};
    ocf::Message answer;
    do {
        if (connection.receive(answer, until) != ocf::Connection::Heard::message) return {};
    } while (!answer.has("code"));
    return answer;
}

}  // namespace

TEST_CASE("a dead host beside a living resource: the next monitor's host adopts it", "[L-116]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    for (int i = 1; i <= 3; ++i) {
        room.killHost();
        CHECK(room.run("monitor").code == 0);
        CHECK(room.hostPid() > 0);
    }
    CHECK(room.calls() == "online\nadopt\nadopt\nadopt\n");
    CHECK(room.run("stop").code == 0);
    CHECK(room.calls() == "online\nadopt\nadopt\nadopt\noffline\n");
}

TEST_CASE("a dead host and a stop: what lives is taken over and stopped gracefully") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.killHost();
    CHECK(room.run("stop").code == 0);
    CHECK(room.calls() == "online\nadopt\noffline\n");
    CHECK_FALSE(room.has("running"));
    CHECK(room.marked().empty());
    CHECK(room.run("monitor").code == 7);
}

TEST_CASE("a dead host and a start: adopted, not started twice") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.killHost();
    CHECK(room.run("start").code == 0);
    CHECK(room.calls() == "online\nadopt\n");
}

TEST_CASE("a dead host and nothing adopted: not running, failed or in doubt, by the evidence", "[L-043]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.killHost();
    SECTION("it is gone, too: certainly stopped") {
        room.untell("running");
        CHECK(room.run("monitor").code == 7);
    }
    SECTION("it runs and cannot be taken over: failed") {
        room.tell("adopt-refuses");
        const auto failed = room.run("monitor");
        CHECK(failed.code == 1);
        CHECK(failed.says("cannot take it over"));
        CHECK(room.has("running"));  // a monitor changes nothing (L-060)
    }
    SECTION("nobody can tell: failed") {
        room.tell("probe-unknown");
        const auto failed = room.run("monitor");
        CHECK(failed.code == 1);
        CHECK(failed.says("its resident host died"));
    }
    SECTION("looking fails: failed") {
        room.tell("probe-throws");
        CHECK(room.run("monitor").code == 1);
    }
    SECTION("its parameters are broken by now: failed, and stop cannot be sure") {
        const Variables broken{{"OCF_RESKEY_Number", "ten"}};
        CHECK(room.run("monitor", broken).code == 1);
        const auto stop = room.run("stop", broken);
        CHECK(stop.code == 1);
        CHECK(stop.says("\"ten\" is no whole number"));
        CHECK(room.has("running"));
    }
    for (const char* const told : {"adopt-refuses", "probe-unknown", "probe-throws"}) {
        if (room.has(told)) room.untell(told);
    }
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(room.has("running"));
    CHECK(room.run("start").code == 0);
}

TEST_CASE("a probe where it never ran, with nothing of what it needs, is 7", "[L-061][L-133][L-084]") {
    const OcfRoom room;
    CHECK(room.run("monitor", {{"OCF_RESKEY_Room", ""}}).code == 7);
    CHECK(room.run("monitor", {{"OCF_RESKEY_Room", "/no/such/folder"}}).code == 7);
    room.tell("probe-throws");
    CHECK(room.run("monitor").code == 7);
    CHECK(room.calls().empty());
}

TEST_CASE("a probe finds what somebody else started, and takes it over", "[L-025]") {
    const OcfRoom room;
    room.tell("running");
    CHECK(room.run("monitor").code == 0);
    CHECK(room.calls() == "adopt\n");
    CHECK(room.run("stop").code == 0);
    CHECK(room.calls() == "adopt\noffline\n");
}

TEST_CASE("a host killed at each step leaves a resource that can be stopped and started") {
    const OcfRoom room;
    SECTION("while it starts") {
        room.tell("online-blocks");
        const auto start = room.begin("start");
        REQUIRE(eventually([&] { return room.has("running"); }));
        room.killHost();
        CHECK(start->ends() != 0);
    }
    SECTION("while it stops") {
        REQUIRE(room.run("start").code == 0);
        room.tell("offline-blocks");
        const auto stop = room.begin("stop");
        REQUIRE(eventually([&] { return room.calls().find("offline") != std::string::npos; }));
        room.untell("offline-blocks");
        if (const int host = room.hostPid(); host > 0) ::kill(host, SIGKILL);
        CHECK(stop->ends() == 0);  // it makes sure by another host
        CHECK_FALSE(room.has("running"));
    }
    SECTION("while a check runs") {
        REQUIRE(room.run("start").code == 0);
        room.tell("crash");
        REQUIRE(eventually([&] { return room.hostPid() == 0; }));
        room.untell("crash");
    }
    SECTION("while a monitor waits: it asks the next host") {
        REQUIRE(room.run("start").code == 0);
        REQUIRE(room.run("monitor", OcfRoom::recurring()).code == 0);
        const auto held = room.begin("monitor", OcfRoom::recurring());
        std::this_thread::sleep_for(200ms);
        room.killHost();
        CHECK(held->ends() == 0);
        CHECK(room.calls() == "online\nadopt\n");
    }
    room.untell("online-blocks");
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(room.has("running"));
    CHECK(room.marked().empty());
    CHECK(room.run("start").code == 0);
    CHECK(room.run("monitor").code == 0);
}

TEST_CASE("a host that hangs is replaced, and what runs goes on") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    const int host = room.hostPid();
    REQUIRE(::kill(host, SIGSTOP) == 0);
    const auto monitor = room.run("monitor", {{"OCF_RESKEY_CRM_meta_timeout", "6000"}});
    CHECK(monitor.code == 0);
    CHECK(monitor.took < 6000ms);
    CHECK(monitor.says("does not answer; it is replaced"));
    CHECK(room.hostPid() != host);
    CHECK(room.calls() == "online\nadopt\n");
    REQUIRE(::kill(room.hostPid(), SIGSTOP) == 0);
    const auto stop = room.run("stop", {{"OCF_RESKEY_CRM_meta_timeout", "6000"}});
    CHECK(stop.code == 0);
    CHECK(stop.took < 6000ms);
    CHECK(room.marked().empty());
}

TEST_CASE("a stale socket, and a stranger who got the host's number", "[L-134]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.killHost();
    CHECK(fs::exists(room.place.socket));  // nobody listens there
    std::this_thread::sleep_for(50ms);     // start times count in hundredths of a second
    holdfast::tests::Program stranger{"/bin/sleep", {"60"}, {}};
    auto record = ocf::restore(room.place.record);
    REQUIRE(record);
    record->pid = static_cast<int>(stranger.process());
    REQUIRE(ocf::save(room.place.record, *record).empty());
    CHECK(room.run("monitor").code == 0);
    room.killHost();
    record->pid = static_cast<int>(stranger.process());
    REQUIRE(ocf::save(room.place.record, *record).empty());
    CHECK(room.run("stop").code == 0);
    CHECK(::kill(static_cast<int>(stranger.process()), 0) == 0);
    const auto stat = holdfast::process::readStat(static_cast<int>(stranger.process()));
    CHECK((stat && !stat->dead()));
}

TEST_CASE("a record of before the system started counts for nothing", "[L-115][L-135]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    room.killHost();
    auto text = textOf(room.place.record);
    const auto at = text.find("boot=") + 5;
    text[at] = text[at] == '0' ? '1' : '0';
    std::ofstream{room.place.record} << text;
    room.untell("running");
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("stop").code == 0);
    std::ofstream{room.place.record} << "rubbish\n\xff\n";
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("start").code == 0);
}

TEST_CASE("a run directory that is missing or of no use", "[L-115]") {
    const OcfRoom room;
    fs::remove_all(room.folder / "run");
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("stop").code == 0);
    const auto missing = room.run("start");
    CHECK(missing.code == 1);
    CHECK(missing.says("run directory"));
    std::ofstream{room.folder / "run"} << "a file\n";
    CHECK(room.run("monitor").code == 7);
    CHECK(room.run("stop").code == 0);
    CHECK(room.run("start").code == 1);
    fs::remove(room.folder / "run");
    fs::create_directories(room.folder / "run" / "holdfast");
    fs::permissions(room.folder / "run" / "holdfast", fs::perms::all);
    const auto open = room.run("start");
    CHECK(open.code == 1);
    CHECK(open.says("open to others"));
    fs::permissions(room.folder / "run" / "holdfast", fs::perms::owner_all);
    CHECK(room.run("start").code == 0);
}

TEST_CASE("the socket is for its user alone, and others are turned away even if they get at it") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    struct stat found {};
    REQUIRE(::stat(room.place.socket.c_str(), &found) == 0);
    CHECK((found.st_mode & 0777U) == 0600U);
    if (::geteuid() != 0) SKIP("needs root to be somebody else");
    for (auto path = fs::path{room.place.socket}.parent_path(); path != room.folder.parent_path();
         path = path.parent_path()) {
        fs::permissions(path, fs::perms::others_exec, fs::perm_options::add);
    }
    fs::permissions(room.place.socket, fs::perms::all);
    const pid_t foreigner = ::fork();
    if (foreigner == 0) {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, room.place.socket.c_str(), sizeof address.sun_path - 1);
        if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(3);
        const auto frame = ocf::Message{}.set("order", "stop").frame();
        static_cast<void>(::send(socket, frame.data(), frame.size(), MSG_NOSIGNAL));
        char byte = 0;
        ::_exit(::recv(socket, &byte, 1, 0) <= 0 ? 0 : 4);
    }
    int status = 0;
    REQUIRE(::waitpid(foreigner, &status, 0) == foreigner);
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(room.has("running"));
    CHECK(room.log().find("a process of user 65534 was turned away") != std::string::npos);
    fs::permissions(fs::path{room.place.socket}.parent_path(), fs::perms::owner_all);
    CHECK(room.run("monitor").code == 0);
}

TEST_CASE("a socket that somebody else serves is not trusted") {
    if (::geteuid() != 0) SKIP("needs root to be somebody else");
    const OcfRoom room;
    fs::create_directories(room.place.directory);
    fs::permissions(room.folder, fs::perms::all);
    fs::permissions(room.folder / "run", fs::perms::all);
    fs::permissions(room.place.directory, fs::perms::all);
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t foreigner = ::fork();
    if (foreigner == 0) {
        const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, room.place.socket.c_str(), sizeof address.sun_path - 1);
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(2);
        if (::bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(socket, 4) != 0)
            ::_exit(3);
        if (::write(ready[1], "x", 1) != 1) ::_exit(4);
        ::pause();
        ::_exit(0);
    }
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    const auto monitor = room.run("monitor");
    CHECK(monitor.code == 1);
    CHECK(monitor.says("it is not trusted"));
    CHECK(room.run("start").says("open to others"));
    CHECK(room.run("stop").code == 1);  // who it was, nobody knows
    ::kill(foreigner, SIGKILL);
    ::waitpid(foreigner, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
    fs::permissions(room.place.directory, fs::perms::owner_all);
    fs::remove(room.place.socket);
}

TEST_CASE("agents and hosts of different versions understand each other", "[L-005]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    // A newer agent: another protocol number, and what nobody here knows.
    ocf::Message order;
    order.set("protocol", 99).set("order", "monitor").set("moon-phase", "full").set("hold", "a while");
    auto answer = ask(room, order);
    REQUIRE(answer);
    CHECK(answer->number("code", -1) == 0);
    answer = ask(room, ocf::Message{}.set("order", "defragment"));
    REQUIRE(answer);
    CHECK(answer->number("code", -1) == 3);
    // An older one, or a person: the order alone.
    answer = ask(room, ocf::Message{}.set("order", "stop"));
    REQUIRE(answer);
    CHECK(answer->number("code", -1) == 0);
    CHECK_FALSE(room.has("running"));
}

TEST_CASE("rubbish at the socket harms nobody") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    for (const std::string& rubbish :
         {std::string(3, '\xff'), std::string(100, '\xff'), std::string("\4\0\0\0abcd", 8), std::string("\0\0\0\0", 4),
          std::string("\x05\0\0\0=abc\0", 9), std::string("GET / HTTP/1.0\r\n\r\n")}) {
        auto reached = ocf::reach(room.place.socket);
        REQUIRE(reached.socket);
        static_cast<void>(::send(reached.socket.get(), rubbish.data(), rubbish.size(), MSG_NOSIGNAL));
    }
    std::vector<ocf::Reached> crowd;
    for (int i = 0; i < 300; ++i) crowd.push_back(ocf::reach(room.place.socket));
    crowd.clear();
    CHECK(eventually([&] { return room.run("monitor").code == 0; }, 10s));
    CHECK(room.calls() == "online\n");
}

TEST_CASE("InstantFailure=monitor: the recurring monitor waits for the failure and tells it at once", "[L-123]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    const auto first = room.run("monitor", OcfRoom::recurring());
    CHECK(first.code == 0);
    CHECK(first.took < 2000ms);  // the transition waits for it
    const auto held = room.begin("monitor", OcfRoom::recurring());
    std::this_thread::sleep_for(500ms);
    // What is no recurring monitor of the cluster's is answered beside it.
    CHECK(room.run("monitor").took < 2000ms);                                              // a probe
    CHECK(room.run("monitor", {{"OCF_RESKEY_CRM_meta_interval", "1000"}}).took < 2000ms);  // a person
    room.tell("check-fails");
    CHECK(held->ends() == 1);
    CHECK(held->all.find("check: told to") != std::string::npos);
    CHECK(room.run("monitor", OcfRoom::recurring()).code == 1);  // and so is every later one
}

TEST_CASE("the first monitor after a pause is answered at once: Pacemaker was restarted, or in maintenance",
          "[L-123]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    REQUIRE(room.run("monitor", OcfRoom::recurring()).code == 0);
    std::this_thread::sleep_for(2500ms);   // more than the interval and the patience with it
    CHECK(room.run("monitor").code == 0);  // the probe that goes before it is not it
    const auto again = room.run("monitor", OcfRoom::recurring());
    CHECK(again.code == 0);
    CHECK(again.took < 2000ms);
}

TEST_CASE("a waiting monitor answers by half of its timeout, and its death is no event", "[L-123][L-073]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    REQUIRE(room.run("monitor", OcfRoom::recurring()).code == 0);
    const auto calm = room.run("monitor", OcfRoom::recurring("2000"));
    CHECK(calm.code == 0);
    CHECK(calm.took >= 900ms);
    CHECK(calm.took < 2000ms);
    {
        const auto cancelled = room.begin("monitor", OcfRoom::recurring());
        std::this_thread::sleep_for(200ms);
        cancelled->kill();
    }
    CHECK(room.run("monitor").code == 0);
    const auto anew = room.run("monitor", OcfRoom::recurring());  // with this one the cluster begins again
    CHECK(anew.code == 0);
    CHECK(anew.took < 2000ms);
    const auto held = room.begin("monitor", OcfRoom::recurring());
    std::this_thread::sleep_for(200ms);
    CHECK(room.run("stop").code == 0);
    CHECK(held->ends() != 0);
}

TEST_CASE("InstantFailure=off: no monitor waits") {
    const OcfRoom room;
    const Variables off{{"OCF_RESKEY_InstantFailure", "off"}};
    REQUIRE(room.run("start", off).code == 0);
    for (int i = 0; i < 3; ++i) {
        const auto monitor = room.run("monitor", OcfRoom::recurring());
        CHECK(monitor.code == 0);
        CHECK(monitor.took < 2000ms);
    }
}

TEST_CASE("a check that times out is reported as what it is", "[L-085]") {
    const OcfRoom room;
    REQUIRE(room.run("start", {{"OCF_RESKEY_CheckTimeout", "100"}}).code == 0);
    room.tell("check-blocks");
    REQUIRE(eventually([&] { return room.run("monitor").code == 1; }));
    CHECK(room.run("monitor").says("isAlive did not end within CheckTimeout"));
    room.untell("check-blocks");
    CHECK(room.run("stop").code == 0);
    REQUIRE(room.run("start", {{"OCF_RESKEY_CheckTimeout", "100"}, {"OCF_RESKEY_TimeoutTolerance", "50"}}).code == 0);
    room.tell("check-blocks");
    std::this_thread::sleep_for(500ms);
    CHECK(room.run("monitor").code == 0);  // tolerated: it is not dead because it is slow
    room.untell("check-blocks");
    CHECK(room.run("monitor").code == 0);
}

TEST_CASE("resources of one agent live side by side, whatever their names", "[L-016][L-13C][L-06C]") {
    const OcfRoom first{"clone:0"};
    const auto second = [&](const char* action) {
        return first.run(
            action, {{"OCF_RESOURCE_INSTANCE", "clone_0"}, {"OCF_RESKEY_Room", (first.folder / "other").string()}});
    };
    fs::create_directories(first.folder / "other");
    REQUIRE(first.run("start").code == 0);
    CHECK(second("monitor").code == 7);
    REQUIRE(second("start").code == 0);
    CHECK(first.run("stop").code == 0);
    CHECK(second("monitor").code == 0);
    CHECK(second("stop").code == 0);
}
