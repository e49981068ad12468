// SPDX-License-Identifier: BSL-1.0
// What Pacemaker, or a person, asks of an OCF agent: the action, the environment, and one line of answer.
#include "ocf/invocation.hpp"
#include "ocf/text.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

using namespace holdfast;
using namespace std::chrono_literals;
using ocf::asciiLine;
using ocf::readInvocation;

namespace {

using Parameters = std::vector<std::pair<std::string, std::string>>;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/** The environment of a recurring monitor as Pacemaker 2.1.5 gives it. */
const ocf::Environment recurring{"PATH=/usr/sbin:/usr/bin",
                                 "LC_ALL=C",
                                 "OCF_ROOT=/usr/lib/ocf",
                                 "OCF_RA_VERSION_MAJOR=1",
                                 "OCF_RA_VERSION_MINOR=1",
                                 "OCF_EXIT_REASON_PREFIX=ocf-exit-reason:",
                                 "OCF_OUTPUT_FORMAT=text",
                                 "OCF_RESOURCE_INSTANCE=database:0",
                                 "OCF_RESOURCE_TYPE=postgresql",
                                 "OCF_RESOURCE_PROVIDER=holdfast",
                                 "OCF_CHECK_LEVEL=10",
                                 "OCF_RESKEY_crm_feature_set=3.16.2",
                                 "OCF_RESKEY_CRM_meta_timeout=60000",
                                 "OCF_RESKEY_CRM_meta_interval=61000",
                                 "OCF_RESKEY_CRM_meta_name=monitor",
                                 "OCF_RESKEY_CRM_meta_on_node=alpha",
                                 "OCF_RESKEY_CRM_meta_clone_node_max=1",
                                 "OCF_RESKEY_DataDirectory=/srv/db",
                                 "PCMK_service=pacemaker-execd",
                                 "PCMK_logfile=/var/log/pacemaker/pacemaker.log",
                                 "HA_LOGFACILITY=daemon",
                                 "PCMK_debug=0"};

ocf::Invocation monitorWith(std::string_view variable) { return readInvocation({"monitor"}, {variable}); }

}  // namespace

TEST_CASE("the first argument is the action, and the only one that counts", "[L-010]") {
    const auto call = readInvocation({"start", "stop", "--help"}, recurring);
    CHECK(call.action == "start");
    CHECK(call.complaint.empty());
    CHECK(readInvocation({}, recurring).action.empty());
    CHECK(readInvocation({""}, recurring).action.empty());
}

TEST_CASE("what is no action stays what it is, and status is the old name of monitor", "[L-011][L-062]") {
    for (const std::string action : {"promote", "Start", "monitor ", "../start"}) {
        CHECK(readInvocation({action}, recurring).action == action);
    }
    CHECK(readInvocation({"status"}, recurring).action == "monitor");
}

TEST_CASE("what Pacemaker says of itself is understood", "[L-020][L-024][L-027][L-028]") {
    const auto call = readInvocation({"monitor"}, recurring);
    CHECK(call.instance == "database:0");
    CHECK(call.type == "postgresql");
    CHECK(call.provider == "holdfast");
    CHECK(call.node == "alpha");
    CHECK(call.timeout == 60s);
    CHECK(call.interval == 61s);
    CHECK(call.level == 10);
    CHECK(call.fromExecutor);
    CHECK(call.logFile == "/var/log/pacemaker/pacemaker.log");
    CHECK(call.logFacility == "daemon");
    CHECK_FALSE(call.debug);
    CHECK(call.complaint.empty());
    CHECK(call.warnings.empty());
}

TEST_CASE("the engine's own variables are no parameters", "[L-023][L-026][L-029][L-030]") {
    auto environment = recurring;
    environment.emplace_back("OCF_TRACE_RA=1");
    CHECK(readInvocation({"monitor"}, environment).parameters == Parameters{{"DataDirectory", "/srv/db"}});
    // Only they: a name that merely looks like one of them is the author's.
    const ocf::Environment alike{"OCF_RESKEY_CRM_metaphor=a", "OCF_RESKEY_crm_feature_set_2=b", "OCF_RESKEY_timeout=c"};
    CHECK(readInvocation({"start"}, alike).parameters ==
          Parameters{{"CRM_metaphor", "a"}, {"crm_feature_set_2", "b"}, {"timeout", "c"}});
}

TEST_CASE("any minor version of the API, no other major one, and none at all by hand", "[L-020]") {
    CHECK(monitorWith("OCF_RA_VERSION_MINOR=99").complaint.empty());
    CHECK(readInvocation({"monitor"}, {"OCF_RA_VERSION_MAJOR=1", "OCF_RA_VERSION_MINOR=7"}).complaint.empty());
    CHECK(monitorWith("PATH=/bin").complaint.empty());
    CHECK(monitorWith("PATH=/bin").instance == "default");
    for (const std::string_view major : {"2", "0", "11", "-1", "one"}) {
        const std::string variable = "OCF_RA_VERSION_MAJOR=" + std::string{major};
        const auto call = monitorWith(variable);
        CHECK(has(call.complaint, "version " + std::string{major}));
    }
}

TEST_CASE("a parameter is what it was, byte for byte", "[L-021]") {
    const std::string value = " a  b\t\"q\" 'r' `id` $HOME \\ ;&|<> = \n caf\xC3\xA9 \xFF";
    const std::string entry = "OCF_RESKEY_Text=" + value;
    const auto call =
        readInvocation({"start"}, {entry, "OCF_RESKEY_text=other", "OCF_RESKEY_a-b=dash", "OCF_RESKEY__=line"});
    CHECK(call.parameters == Parameters{{"Text", value}, {"text", "other"}, {"a-b", "dash"}, {"_", "line"}});
}

TEST_CASE("an empty parameter is one that was not given", "[L-022]") {
    const auto call = readInvocation({"start"}, {"OCF_RESKEY_Port=", "OCF_RESKEY_Folder=/srv", "OCF_RESKEY_Host="});
    CHECK(call.parameters == Parameters{{"Folder", "/srv"}});
}

TEST_CASE("a garbled environment is read as far as it is one") {
    const ocf::Environment garbled{
        "",   "=",          "=x",       "OCF_RESKEY_",           "OCF_RESKEY_=x",       "OCF_RESKEY_NoValue",
        "\n", "OCF_RESKEY", "\xFF\xFE", "OCF_RESOURCE_INSTANCE", "OCF_RESKEY_Port=5432"};
    const auto call = readInvocation({"start"}, garbled);
    CHECK(call.parameters == Parameters{{"Port", "5432"}});
    CHECK(call.instance == "default");
    CHECK(ocf::environmentFrom(nullptr).empty());
    char one[] = "A=1";
    char two[] = "B=2";
    char* variables[] = {one, two, nullptr};
    CHECK(ocf::environmentFrom(variables) == ocf::Environment{"A=1", "B=2"});
}

TEST_CASE("a monitor without an interval, or with 0, is a probe", "[L-025][L-137]") {
    CHECK(monitorWith("PATH=/bin").isProbe());
    CHECK(monitorWith("OCF_RESKEY_CRM_meta_interval=0").isProbe());
    CHECK(monitorWith("OCF_RESKEY_CRM_meta_interval=").isProbe());
    CHECK_FALSE(monitorWith("OCF_RESKEY_CRM_meta_interval=1000").isProbe());
    CHECK_FALSE(monitorWith("OCF_RESKEY_CRM_meta_interval=1").isProbe());
    CHECK(readInvocation({"status"}, {}).isProbe());
    CHECK_FALSE(readInvocation({"start"}, {}).isProbe());
}

TEST_CASE("times of the engine are milliseconds", "[L-024][L-139]") {
    CHECK(monitorWith("OCF_RESKEY_CRM_meta_timeout=20000").timeout == 20s);
    CHECK(monitorWith("OCF_RESKEY_CRM_meta_timeout=20").timeout == 20ms);
    CHECK(monitorWith("OCF_RESKEY_CRM_meta_interval=1000").interval == 1s);
}

TEST_CASE("a number that is none is said and left out", "[L-024][L-027]") {
    const std::string value =
        GENERATE(as<std::string>{}, "20s", "abc", "-1", "1e3", "0x10", " 5", "5 ", "99999999999999999999999", "1.5");
    const auto name =
        GENERATE(as<std::string>{}, "OCF_RESKEY_CRM_meta_timeout", "OCF_RESKEY_CRM_meta_interval", "OCF_CHECK_LEVEL");
    const std::string variable = name + "=" + value;
    const auto call = monitorWith(variable);
    CHECK(call.timeout == 0s);
    CHECK(call.interval == 0s);
    CHECK(call.level == 0);
    CHECK(call.complaint.empty());  // no reason to fail a resource
    REQUIRE(call.warnings.size() == 1);
    CHECK(has(call.warnings.front(), name));
    CHECK(has(call.warnings.front(), "\"" + value + "\""));
}

TEST_CASE("the answer comes before the engine kills: a second and a tenth earlier, whatever the timeout", "[L-077]") {
    ocf::Invocation call;
    for (const auto timeout : {2000ms, 3000ms, 10'000ms, 20'000ms, 60'000ms, 3'600'000ms}) {
        call.timeout = timeout;
        CHECK(timeout - call.budget() >= std::max<std::chrono::milliseconds>(1s, timeout / 10));
        CHECK(call.budget() >= timeout / 2);
    }
    for (const auto timeout : {2ms, 100ms, 1000ms, 1999ms}) {  // not even a second: half of it
        call.timeout = timeout;
        CHECK(call.budget() < timeout);
        CHECK(call.budget() >= timeout / 2);
    }
    call.timeout = 0ms;  // by hand: a person waits, but not for ever
    CHECK(call.budget() >= 1min);
    CHECK(call.budget() <= 1h);
}

TEST_CASE("where to log: the older names first, and none is none", "[L-028]") {
    const auto both = readInvocation({"start"}, {"PCMK_logfile=/b", "HA_LOGFILE=/a", "PCMK_logfacility=local1"});
    CHECK(both.logFile == "/a");
    CHECK(both.logFacility == "local1");
    for (const std::string_view file : {"HA_LOGFILE=none", "HA_LOGFILE=", "HA_LOGFILE=relative/path"}) {
        CHECK(monitorWith(file).logFile.empty());
    }
    CHECK(monitorWith("HA_LOGFACILITY=none").logFacility.empty());
    CHECK(monitorWith("HA_debug=1").debug);
    CHECK(monitorWith("PCMK_debug=1").debug);
    CHECK_FALSE(monitorWith("PCMK_service=crm_resource").fromExecutor);
}

TEST_CASE("what is written to the engine is one short line of printable ASCII", "[L-111][L-112][L-13A]") {
    CHECK(asciiLine("port 5432 <\"in use\" & more>") == "port 5432 <\"in use\" & more>");
    CHECK(asciiLine("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80!") == "caf? ? ?!");
    CHECK(asciiLine("first\nsecond\r\nthird\n\n") == "first; second; third");
    CHECK(asciiLine("tab\tbell\x07 esc\x1B[1m del\x7F") == "tab bell? esc?[1m del?");
    CHECK(asciiLine(std::string_view{"nul\0in it", 9}) == "nul?in it");
    CHECK(asciiLine("caf\xE9") == "caf?");  // Latin-1
    CHECK(asciiLine("").empty());
    CHECK(asciiLine(" \n\r\n").empty());
}

TEST_CASE("a long text is cut, and one that just fits is not", "[L-112]") {
    CHECK(asciiLine(std::string(500, 'x')) == std::string(500, 'x'));
    CHECK(asciiLine(std::string(501, 'x')) == std::string(497, 'x') + "...");
    CHECK(asciiLine("1234567890\n", 10) == "1234567890");
    CHECK(asciiLine("123456789\n0", 10) == "1234567...");
    CHECK(asciiLine(std::string(10'000'000, '\xC3')).size() == 500);
}

TEST_CASE("no bytes at all lead to another line, or a longer one", "[L-111]") {
    const std::uint32_t seed = std::random_device{}();
    CAPTURE(seed);
    std::mt19937 random{seed};
    for (int round = 0; round < 8000; ++round) {
        std::string bytes(random() % 64, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random());
        const std::string line = asciiLine(bytes, 40);
        REQUIRE(line.size() <= 40);
        REQUIRE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; }));
    }
}
