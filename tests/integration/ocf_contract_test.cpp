// SPDX-License-Identifier: BSL-1.0
// An OCF agent as its contract has it: clauses that one action, or two, show.
#include "ocf_bench.hpp"

#include <elf.h>
#include <sys/stat.h>

#include <cstring>
#include <regex>
#include <set>

using namespace holdfast::test;

namespace {

/** The agent with these arguments and nothing in its environment but `variables` ("NAME=value"). */
Ran bare(std::vector<std::string> arguments, std::vector<std::string> variables = {}) {
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::string> all{"-i"};
    all.insert(all.end(), variables.begin(), variables.end());
    all.emplace_back(ROOM_AGENT);
    all.insert(all.end(), arguments.begin(), arguments.end());
    holdfast::tests::Program program{"/usr/bin/env", all, {}};
    const int code = program.ends();
    return {code, program.all,
            std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start)};
}

std::set<std::string> filesIn(const fs::path& folder) {
    std::set<std::string> names;
    for (const auto& entry : fs::recursive_directory_iterator{folder}) names.insert(entry.path().string());
    return names;
}

const std::vector<Variables> broken{{{"OCF_RESKEY_Number", "ten"}},
                                    {{"OCF_RESKEY_Number", "99999999999999999999"}},
                                    {{"OCF_RESKEY_Room", ""}},
                                    {{"OCF_RESKEY_Word", "\xff!\x01"}},
                                    {{"OCF_RESKEY_Secret", "file:/no/such"}},
                                    {{"OCF_RESKEY_CheckInterval", "soon"}},
                                    {{"OCF_RA_VERSION_MAJOR", "2"}},
                                    {{"OCF_CHECK_LEVEL", "deep"}, {"OCF_RESKEY_CRM_meta_timeout", "-1"}}};

}  // namespace

TEST_CASE("meta-data needs neither environment nor run directory, and is XML alone", "[L-064][L-13D][L-030][L-09B]") {
    const OcfRoom room;
    const auto before = filesIn(room.folder);
    const auto plain = bare({"meta-data"});
    CHECK(plain.code == 0);
    CHECK(plain.took < 1s);
    CHECK(plain.text.rfind("<?xml", 0) == 0);
    CHECK(plain.text.find("</resource-agent>\n") + 18 == plain.text.size());
    for (const char* const format : {"text", "xml", "log", "none", "\xff"}) {
        const auto formatted = bare({"meta-data"}, {std::string{"OCF_OUTPUT_FORMAT="} + format});
        CHECK(formatted.code == 0);
        CHECK(formatted.text == plain.text);
    }
    for (const auto& variables : broken) CHECK(room.run("meta-data", variables).text == plain.text);
    CHECK(filesIn(room.folder) == before);
}

TEST_CASE("without an action: usage and 3; what follows an action is ignored", "[L-010][L-102]") {
    const auto none = bare({});
    CHECK(none.code == 3);
    CHECK(none.says("usage: "));
    const OcfRoom room;
    const std::string here = "HA_RSCTMP=" + (room.folder / "run").string();
    const std::string files = "OCF_RESKEY_Room=" + (room.folder / "room").string();
    CHECK(bare({"monitor", "start", "--help"}, {here, files}).code == 7);
    CHECK(room.calls().empty());
}

TEST_CASE("what Pacemaker never calls is not implemented, and changes nothing", "[L-062][L-103][L-06D]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    for (const char* const action : {"reload", "recover", "restart", "promote", "demote", "notify", "migrate_to"}) {
        CHECK(room.run(action).code == 3);
    }
    CHECK(room.run("status").code == 0);  // monitor by its old name
    CHECK(room.calls() == "online\n");
    CHECK(bare({"meta-data"}).text.find("<action name=\"reload\"") == std::string::npos);
}

TEST_CASE("stop of what does not run is success, whatever is wrong with its parameters", "[L-138][L-058][L-130]") {
    const OcfRoom room;
    for (const auto& variables : broken) {
        const auto stop = room.run("stop", variables);
        CAPTURE(variables.front().first, variables.front().second, stop.text);
        CHECK(stop.code == 0);
    }
    CHECK(room.calls().empty());
}

TEST_CASE("stop of what runs does not ask whether its parameters are still valid", "[L-138]") {
    const OcfRoom room;
    for (const auto& variables : broken) {
        REQUIRE(room.run("start").code == 0);
        CHECK(room.run("stop", variables).code == 0);
        CHECK_FALSE(room.has("running"));
    }
}

TEST_CASE("every answer is a code of the API, whatever is asked in whatever state", "[L-048][L-040]") {
    const OcfRoom room;
    for (const char* const action :
         {"monitor", "start", "monitor", "reload-agent", "validate-all", "stop", "nonsense"}) {
        for (const auto& variables : broken) {
            const auto ran = room.run(action, variables);
            CAPTURE(action, variables.front().first, ran.text);
            CHECK(ran.code >= 0);
            CHECK(ran.code <= 7);
        }
    }
    CHECK(room.run("monitor").code == 7);
}

#ifdef STATIC_LAUNCHER
TEST_CASE("the launcher needs no library that could be missing", "[L-046]") {
    const std::string program = textOf(ROOM_AGENT);
    Elf64_Ehdr header{};
    REQUIRE(program.size() > sizeof header);
    std::memcpy(&header, program.data(), sizeof header);
    REQUIRE(header.e_phnum > 0);
    for (std::size_t i = 0; i < header.e_phnum; ++i) {
        Elf64_Phdr segment{};
        REQUIRE(header.e_phoff + (i + 1) * sizeof segment <= program.size());
        std::memcpy(&segment, program.data() + header.e_phoff + i * sizeof segment, sizeof segment);
        CHECK(segment.p_type != PT_INTERP);
    }
}
#endif

TEST_CASE("the agent is found by provider and type, also through a link", "[L-001][L-006]") {
    const fs::path launcher{ROOM_AGENT};
    CHECK(launcher.filename() == "ocf_room_agent");
    CHECK(launcher.parent_path().filename() == "holdfast");
    CHECK(launcher.parent_path().parent_path().filename() == "resource.d");
    CHECK(launcher.parent_path().parent_path().parent_path().filename() == "ocf");
    const fs::path linked = fs::temp_directory_path() / ("holdfast-provider-" + std::to_string(::getpid()));
    fs::create_directory_symlink(launcher.parent_path(), linked);
    {
        const OcfRoom room{"db", (linked / launcher.filename()).string()};
        CHECK(room.run("start").code == 0);
        CHECK(room.run("monitor").code == 0);
        CHECK(room.run("stop").code == 0);
        CHECK(room.calls() == "online\noffline\n");
    }
    fs::remove(linked);
}

TEST_CASE("start answers when it is online, and the monitor that follows at once says so", "[L-055][L-131]") {
    const OcfRoom room;
    room.tell("online-blocks");
    std::jthread opens{[&] {
        std::this_thread::sleep_for(500ms);
        room.untell("online-blocks");
    }};
    const auto start = room.run("start");
    CHECK(start.code == 0);
    CHECK(start.took >= 500ms);
    CHECK(room.run("monitor", OcfRoom::recurring()).code == 0);
}

TEST_CASE("a start that fails is not tried again by itself", "[L-13F]") {
    const OcfRoom room;
    room.tell("online-fails");
    CHECK(room.run("start").code != 0);
    std::this_thread::sleep_for(300ms);
    CHECK(room.calls() == "online\nterminate\n");
}

TEST_CASE("a monitor changes nothing, whether it runs or not", "[L-060]") {
    const OcfRoom room;
    for (const char* const level : {"0", "10"}) CHECK(room.run("monitor", {{"OCF_CHECK_LEVEL", level}}).code == 7);
    CHECK(room.calls().empty());
    CHECK(room.hostPid() == 0);
    CHECK(room.marked().empty());
    REQUIRE(room.run("start").code == 0);
    const std::string record = textOf(room.place.record);
    const auto files = filesIn(room.folder);
    for (const char* const level : {"0", "10"}) CHECK(room.run("monitor", {{"OCF_CHECK_LEVEL", level}}).code == 0);
    CHECK(textOf(room.place.record) == record);
    CHECK(filesIn(room.folder) == files);
    CHECK(room.calls() == "online\n");
}

TEST_CASE("every check level is answered, those between as the lower one", "[L-080]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    const auto all = [&](int expected) {
        for (const char* const level : {"0", "1", "10", "15", "20", "999", "-1", "deep"}) {
            CAPTURE(level);
            CHECK(room.run("monitor", {{"OCF_CHECK_LEVEL", level}}).code == expected);
        }
    };
    all(0);
    room.tell("check-fails");
    REQUIRE(eventually([&] { return room.run("monitor").code == 1; }));
    all(1);
}

TEST_CASE("a start that Pacemaker kills leaves nothing that stop does not end", "[L-070][L-072][L-057][L-071]") {
    const OcfRoom room;
    room.tell("online-blocks");
    const auto start = room.begin("start");
    REQUIRE(eventually([&] { return room.has("running") && room.hostPid() > 0; }));
    CHECK(::getpgid(room.hostPid()) == room.hostPid());  // SIGKILL to the action's group does not reach it
    start->kill();
    CHECK(room.run("stop").code == 0);
    CHECK(room.marked().empty());
    CHECK_FALSE(room.has("running"));
    CHECK(room.run("monitor").code == 7);
}

TEST_CASE("an agent's code that crashes is an answer, not a signal", "[L-050]") {
    const OcfRoom room;
    REQUIRE(room.run("start").code == 0);
    const int host = room.hostPid();
    room.tell("crash");
    REQUIRE(eventually([&] { return room.hostPid() != host; }));
    for (int i = 0; i < 3; ++i) {
        const int code = room.run("monitor").code;
        CHECK(code >= 0);
        CHECK(code <= 7);
    }
    room.untell("crash");
    CHECK(room.run("stop").code == 0);
    CHECK_FALSE(room.has("running"));
}

TEST_CASE("the host sets its own umask and takes no variable of its caller's", "[L-012][L-013][L-136]") {
    const auto before = ::umask(0026);
    const OcfRoom room;
    const auto started = room.run("start", {{"HOME", "/root"}, {"DBUS_SESSION_BUS_ADDRESS", "x"}, {"USER", "me"}});
    ::umask(before);
    REQUIRE(started.code == 0);
    const std::string proc = "/proc/" + std::to_string(room.hostPid());
    CHECK(textOf(proc + "/status").find("Umask:\t0022\n") != std::string::npos);
    const std::string environment = '\0' + textOf(proc + "/environ");
    for (const char* const name : {"HOME=", "USER=", "DBUS_", "HA_LOG", "PCMK_"}) {
        CHECK(environment.find('\0' + std::string{name}) == std::string::npos);
    }
}

TEST_CASE("lines are appended to HA_LOGFILE with their severity; one that is not there is not made", "[L-114]") {
    const OcfRoom room;
    const auto missing = room.folder / "no-log";
    REQUIRE(room.run("start", {{"HA_LOGFILE", missing.string()}}).code == 0);
    CHECK(room.run("stop", {{"HA_LOGFILE", missing.string()}}).code == 0);
    CHECK_FALSE(fs::exists(missing));

    std::ofstream{room.folder / "log"} << "kept\n";
    REQUIRE(room.run("start").code == 0);
    room.tell("check-fails");
    REQUIRE(eventually([&] { return room.run("monitor").code == 1; }));
    CHECK(room.run("stop").code == 0);
    std::istringstream lines{room.log()};
    std::string line;
    REQUIRE(std::getline(lines, line));
    CHECK(line == "kept");
    const std::regex form{
        R"([A-Z][a-z]{2} [0-9]{2} [0-9:]{8} [^ ]+ [^ ]+\[[0-9]+\]: (info|warning|error|crit): [ -~]*)"};
    int count = 0;
    for (; std::getline(lines, line); ++count) {
        CAPTURE(line);
        CHECK(std::regex_match(line, form));
    }
    CHECK(count > 0);
}
