// SPDX-License-Identifier: BSL-1.0
#include <holdfast/monitor/configuration.hpp>
#include <holdfast/os/process.hpp>

#include <catch2/catch_test_macros.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace holdfast::monitor;
using namespace std::chrono_literals;

namespace {

/** A folder with an agent file in it: nothing is loaded, it need only exist. */
struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() /
        ("holdfast-configuration-" + std::to_string(holdfast::os::processId()));  // tests run side by side
    Folder() {
        std::filesystem::create_directories(path);
        std::ofstream{path / "agent.so"} << "x";
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
    [[nodiscard]] ReadConfiguration parse(const std::string& text) const {
        return parseConfiguration(text, path / "c.toml");
    }
    /** Problems without the folder's name. */
    [[nodiscard]] std::vector<std::string> problems(const std::string& text) const {
        std::vector<std::string> lines;
        for (const auto& problem : parse(text).problems) {
            std::string line = problem.toString();
            for (const std::string folder =
                     path.string() + static_cast<char>(std::filesystem::path::preferred_separator);
                 line.find(folder) != std::string::npos;) {
                line.erase(line.find(folder), folder.size());
            }
            lines.push_back(line);
        }
        return lines;
    }
};

/** A program that is there, as a file names it. */
const std::string hook = std::filesystem::absolute(HOOK_PROGRAM).string();

const std::string head = "[[resource]]\nname = \"a\"\ntype = \"T\"\nagent = \"agent.so\"\n";  // lines 1 to 4

}  // namespace

TEST_CASE("a configuration is refused with the line and the reason", "[W-900]") {
    struct Row {
        std::string text;
        std::vector<std::string> problems;
    };
    const std::vector<Row> rows{
        {"", {"c.toml: no [[resource]] to run"}},
        {head + "IsAlivePollInterval = 0\n",
         {"c.toml:5: 'IsAlivePollInterval' = 0 is out of range: 10 to 4294967295 ms; IsAlive cannot be turned off"}},
        {head + "LooksAlivePollInterval = 9\n",
         {"c.toml:5: 'LooksAlivePollInterval' = 9 is out of range: 10 to 4294967295 ms"}},
        {head + "PendingTimeout = \"5 ms\"\n", {"c.toml:5: 'PendingTimeout' = 5 is out of range: 10 to 4294967295 ms"}},
        {head + "DeadlockTimeout = 999\n",
         {"c.toml:5: 'DeadlockTimeout' = 999 is out of range: 1000 to 4294967295 ms"}},
        {head + "RestartAction = 3\n", {"c.toml:5: 'RestartAction' = 3 is out of range: 0 to 2"}},
        {head + "RestartThreshold = -1\n", {"c.toml:5: 'RestartThreshold' = -1 is out of range: 0 to 4294967295"}},
        {head + "RestartDelay = \"soon\"\n",
         {"c.toml:5: 'RestartDelay' is no time: \"soon\"; write milliseconds, or a number with ms, s, min, h or d"}},
        {head + "RestartDelay = 1.5\n",
         {"c.toml:5: 'RestartDelay' must be a time (milliseconds, or a string such as \"5s\"), not a number with a "
          "fraction"}},
        {head + "RestartThreshold = \"2\"\n", {"c.toml:5: 'RestartThreshold' must be an integer, not a string"}},
        {head + "RetryPeriodOnFailure = 100\nRestartPeriod = 200\n",
         {"c.toml:5: 'RetryPeriodOnFailure' = 100 is below 'RestartPeriod' = 200"}},
        {head + "RestartPeriod = \"2 h\"\n",
         {"c.toml:1: 'RetryPeriodOnFailure' = 3600000 is below 'RestartPeriod' = 7200000; it is the default, so set "
          "both"}},
        {head + "IsAlivePolInterval = 100\n",
         {"c.toml:5: unknown key 'IsAlivePolInterval' in [[resource]]; did you mean 'IsAlivePollInterval'?"}},
        {head + "zebra = 1\n", {"c.toml:5: unknown key 'zebra' in [[resource]]"}},
        {"[monitr]\n" + head, {"c.toml:1: unknown key 'monitr' at top level; did you mean 'monitor'?"}},
        {"[monitor]\ntrce = \"x\"\n" + head, {"c.toml:2: unknown key 'trce' in [monitor]; did you mean 'trace'?"}},
        {"[resource]\nname = \"a\"\n", {"c.toml:1: resources are written as [[resource]]"}},
        {"[[resource]]\nname = \"a\"\n",
         {"c.toml:1: resource 'a' has no 'type'", "c.toml:1: resource 'a' has no 'agent'"}},
        {"[[resource]]\ntype = \"T\"\nagent = \"agent.so\"\n", {"c.toml:1: the resource has no 'name'"}},
        {"[[resource]]\nname = \"\"\ntype = 5\nagent = \"agent.so\"\n",
         {"c.toml:2: 'name' is empty", "c.toml:3: 'type' must be a string, not an integer"}},
        {"[[resource]]\nname = \"a\"\ntype = \"T\"\nagent = \"other.so\"\n",
         {"c.toml:4: there is no agent 'other.so'"}},
        {head + head, {"c.toml:6: a resource named 'a' is already on line 2"}},
        {head + "dependsOn = [\"b\"]\n", {"c.toml:5: resource 'a' depends on 'b', which does not exist"}},
        {head + "[[resource]]\nname = \"database\"\ntype = \"T\"\nagent = \"agent.so\"\ndependsOn = \"datbase\"\n",
         {"c.toml:9: resource 'database' depends on 'datbase', which does not exist; did you mean 'database'?"}},
        {head + "dependsOn = [\"a\"]\n", {"c.toml:5: a cycle of dependencies: a -> a"}},
        {head + "dependsOn = [\"b\"]\n[[resource]]\nname = \"b\"\ntype = \"T\"\nagent = \"agent.so\"\ndependsOn = "
                "[\"a\"]\n",
         {"c.toml:10: a cycle of dependencies: a -> b -> a"}},
        {head + "properties = 5\n", {"c.toml:5: 'properties' must be a table, not an integer"}},
        {head + "[resource.properties]\nWhen = 2024-01-01\nList = [1, 2]\n",
         {"c.toml:6: property 'When' cannot be a date or time",
          "c.toml:7: property 'List': an array may hold strings only"}},
        {"[group]\nname = \"g\"\n" + head, {"c.toml:1: groups are written as [[group]]"}},
        {"[[group]]\nnam = \"g\"\n" + head,
         {"c.toml:1: the group has no 'name'", "c.toml:2: unknown key 'nam' in [[group]]; did you mean 'name'?"}},
        {"[[group]]\nname = \"g\"\nFailoverPeriod = 1194\nFailoverThreshold = -1\nfailover = \"restrt\"\n" + head +
             "group = \"g\"\n",
         {"c.toml:3: 'FailoverPeriod' = 1194 is out of range: 0 to 1193",
          "c.toml:4: 'FailoverThreshold' = -1 is out of range: 0 to 4294967295",
          "c.toml:5: 'failover' is \"stay\", \"offline\" or \"restart\", not \"restrt\"; did you mean \"restart\"?"}},
        {"[[group]]\nname = \"g\"\n[[group]]\nname = \"g\"\n" + head + "group = \"g\"\n",
         {"c.toml:4: a group named 'g' is already on line 2"}},
        {"[[group]]\nname = \"front\"\n" + head + "group = \"fornt\"\n",
         {"c.toml:7: there is no [[group]] named 'fornt'; did you mean 'front'?"}},
        {"[[group]]\nname = \"g\"\n[[group]]\nname = \"h\"\n" + head +
             "group = \"g\"\n[[resource]]\nname = \"b\"\ntype = "
             "\"T\"\nagent = \"agent.so\"\ngroup = \"h\"\ndependsOn = [\"a\"]\n",
         {"c.toml:15: resource 'b' of group 'h' depends on 'a' of group 'g'; groups must not depend on each other"}},
        {"[monitor]\nnotify = \"missing.sh\"\n" + head, {"c.toml:2: 'notify': there is no program 'missing.sh'"}},
        {"[monitor]\nnotify = [\"agent.so\", \"x\"]\n" + head, {"c.toml:2: 'notify': 'agent.so' is not executable"}},
        {"[monitor]\nnotify = ['" + hook + "', 5]\n" + head,
         {"c.toml:2: 'notify': an argument must be a string, not an integer"}},
        {"[monitor]\nnotify = []\n" + head, {"c.toml:2: 'notify' is empty"}},
        {"[[group]]\nname = \"g\"\nonFailed = \"agent.so\"\n" + head + "group = \"g\"\n",
         {"c.toml:3: 'onFailed': 'agent.so' is not executable"}},
        {"[monitor]\nadoptTimeout = \"2 h\"\nhookTimeout = 99\nname = \"a/b\"\n" + head,
         {"c.toml:2: 'adoptTimeout' = 7200000 is out of range: 0 to 3600000 ms",
          "c.toml:3: 'hookTimeout' = 99 is out of range: 100 to 3600000 ms",
          "c.toml:4: the name 'a/b' is no file name"}},
        {"[monitor]\nstate = 5\nstat = \"x\"\n" + head,
         {"c.toml:2: 'state' must be a string, not an integer",
          "c.toml:3: unknown key 'stat' in [monitor]; did you mean 'state'?"}},
        {head + "SeparateMonitor = 2\nPersistentState = \"yes\"\n",
         {"c.toml:5: 'SeparateMonitor' = 2 is out of range: 0 to 1",
          "c.toml:6: 'PersistentState' must be an integer, not a string"}},
        {head + "[[resource]]\nname = \"A\"\ntype = \"T\"\nagent = \"agent.so\"\n",
         {"c.toml:6: a resource named 'A' is already on line 2"}},  // their registry keys would be one
        {head + "[[resource]]\nname = \"a\\nb\"\ntype = \"T\"\nagent = \"agent.so\"\n",
         {"c.toml:6: the name 'a\nb' contains a control character"}},
        // All of them, in the order of the file.
        {head + "RestartAction = 9\nnope = 1\n[[resource]]\nname = \"a\"\n",
         {"c.toml:5: 'RestartAction' = 9 is out of range: 0 to 2",
          "c.toml:6: unknown key 'nope' in [[resource]]; did you mean 'name'?", "c.toml:7: resource 'a' has no 'type'",
          "c.toml:7: resource 'a' has no 'agent'", "c.toml:8: a resource named 'a' is already on line 2"}},
    };
    const Folder folder;
    for (const Row& row : rows) {
        INFO(row.text);
        CHECK(folder.problems(row.text) == row.problems);
    }
}

TEST_CASE("a file that is no TOML is refused with its line") {
    const Folder folder;
    const auto problems = folder.problems(head + "this is not toml\n");
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].rfind("c.toml:5: ", 0) == 0);
    const auto missing = readConfiguration(folder.path / "missing.toml");
    REQUIRE(missing.problems.size() == 1);
    CHECK(missing.problems[0].text == "the file cannot be read");
    CHECK(readConfiguration(folder.path).problems.size() == 1);
}

TEST_CASE("a good configuration keeps what it says") {
    const Folder folder;
    const auto read =
        folder.parse("[monitor]\ntrace = \"t.jsonl\"\nterminateOnEvent = true\nstopPatience = \"1 s\"\n" + head +
                     "IsAlivePollInterval = \"1.5 s\"\nLooksAlivePollInterval = 0xFFFFFFFF\nPendingTimeout = 600000\n"
                     "RestartAction = 1\nRestartThreshold = 3\nRetryPeriodOnFailure = 0xFFFFFFFF\n"
                     "[resource.properties]\nPort = 8080\nOn = true\nPath = \"/x\"\nNames = [\"a\", \"b\"]\n");
    REQUIRE(read.problems.empty());
    CHECK(read.notes.size() == 1);  // W-221
    CHECK(read.configuration.trace == folder.path / "t.jsonl");
    REQUIRE(read.configuration.resources.size() == 1);
    const auto& resource = read.configuration.resources[0];
    CHECK(resource.agent == folder.path / "agent.so");
    CHECK(resource.times.isAlivePollInterval == 1'500ms);
    CHECK(resource.times.looksAlivePollInterval == 5s);  // W-310: inherit
    CHECK(resource.times.pendingGap() == 300s);
    CHECK(resource.times.terminateOnEvent);
    CHECK(resource.times.stopPatience == 1s);
    CHECK(resource.restart.action == holdfast::core::RestartAction::restart);
    CHECK(resource.restart.threshold == 3);
    REQUIRE(resource.properties.size() == 4);
    CHECK(resource.properties[0].where.line != 0);
}

TEST_CASE("W-220 a PendingTimeout that a heartbeat cannot keep is remarked upon") {
    const Folder folder;
    CHECK(folder.parse(head + "PendingTimeout = \"10 s\"\n").notes.size() == 1);
    CHECK(folder.parse(head + "PendingTimeout = \"10001 ms\"\n").notes.empty());
}

TEST_CASE("W-310 W-311 a resource's interval rules over its type's; unset and 0xFFFFFFFF mean the type's") {
    const Folder folder;
    const auto times = [&](const std::string& lines) {
        const auto read = folder.parse(head + lines);
        REQUIRE(read.configuration.resources.size() == 1);
        return read.configuration.resources[0].times;
    };
    for (const std::string inherits : {"", "LooksAlivePollInterval = 0xFFFFFFFF\nIsAlivePollInterval = 0xFFFFFFFF\n"}) {
        CAPTURE(inherits);
        CHECK(times(inherits).looksAlivePollInterval == 5s);
        CHECK(times(inherits).isAlivePollInterval == 60s);
    }
    CHECK(times("LooksAlivePollInterval = 10\n").looksAlivePollInterval == 10ms);
    CHECK(times("LooksAlivePollInterval = 10\n").isAlivePollInterval == 60s);
    CHECK(times("IsAlivePollInterval = 120000\n").isAlivePollInterval == 120s);
}

TEST_CASE("groups, programs, hosting and directories") {
    const Folder folder;
    const auto read = folder.parse(
        "[monitor]\nname = \"plant\"\nrunDirectory = \"run\"\ncontrol = \"run/c.sock\"\nstate = \"../state\"\n"
        "adoptTimeout = \"1 min\"\nhookTimeout = \"2 s\"\nnotify = ['" +
        hook +
        "', \"-c\", \"true\"]\n"
        "[[group]]\nname = \"front\"\nFailoverThreshold = 3\nFailoverPeriod = 2\nfailover = \"restart\"\nonFailed = '" +
        hook +
        "'\n"
        "[[group]]\nname = \"back\"\nFailoverThreshold = 0xFFFFFFFF\nFailoverPeriod = \"90 s\"\n" +
        head + "group = \"front\"\nhost = \"one\"\nSeparateMonitor = 1\nPersistentState = true\nnotify = '" + hook +
        "'\n");
    for (const auto& problem : read.problems) UNSCOPED_INFO(problem.toString());
    REQUIRE(read.problems.empty());
    REQUIRE(read.notes.size() == 1);
    CHECK(read.notes[0].text == "no resource is in group 'back'");
    const auto& c = read.configuration;
    CHECK(c.name == "plant");
    CHECK(c.runDirectory == folder.path / "run");
    CHECK(c.control == folder.path / "run/c.sock");
    CHECK(c.state == folder.path.parent_path() / "state");
    CHECK(c.adoptTimeout == 60s);
    CHECK(c.hookTimeout == 2s);
    CHECK(c.notify == HookProgram{hook, {"-c", "true"}});
    REQUIRE(c.groups.size() == 2);
    CHECK(c.groups[0].failoverThreshold == 3);
    CHECK(c.groups[0].failoverPeriod == 2h);
    CHECK(c.groups[0].failover == GroupFailover::restart);
    CHECK(c.groups[0].onFailed.path == hook);
    CHECK(c.groups[1].failoverThreshold == 1);
    CHECK(c.groups[1].failoverPeriod == 90s);
    CHECK(c.groups[1].failover == GroupFailover::stay);
    CHECK(c.resources[0].group == "front");
    CHECK(c.resources[0].host == "one");
    CHECK(c.resources[0].separateMonitor);
    CHECK(c.resources[0].persistentState);
    CHECK(c.resources[0].notify.path == hook);
    CHECK(folder.parse(head).configuration.name == "c");
    CHECK(folder.parse(head).configuration.adoptTimeout == 30s);
}

TEST_CASE("a chain of dependencies may be longer than a stack is deep") {
    const Folder folder;
    std::string text;
    const int length = 20'000;
    for (int i = 0; i < length; ++i) {
        text += "[[resource]]\nname = \"r" + std::to_string(i) + "\"\ntype = \"T\"\nagent = \"agent.so\"\n";
        text += "dependsOn = [\"r" + std::to_string((i + 1) % length) + "\"]\n";
    }
    const auto problems = folder.problems(text);
    REQUIRE(problems.size() == 1);
    CHECK(problems[0].find("a cycle of dependencies: r0 -> r1 -> ") != std::string::npos);
}

TEST_CASE("times with units") {
    CHECK(parseDuration("5s") == 5'000);
    CHECK(parseDuration("250 ms") == 250);
    CHECK(parseDuration("1.5 h") == 5'400'000);
    CHECK(parseDuration("2min") == 120'000);
    CHECK(parseDuration("1 d") == 86'400'000);
    for (const char* bad : {"", "s", "5", "-5 s", "5 parsecs", "1e300 d", "nan s", "5 s s"}) {
        INFO(bad);
        CHECK(parseDuration(bad) == -1);
    }
}

TEST_CASE("a suggestion is near, or there is none") {
    CHECK(suggestion("isalivepollinterval", {"LooksAlivePollInterval", "IsAlivePollInterval"}) ==
          "IsAlivePollInterval");
    CHECK(suggestion("Prt", {"Path", "Port"}) == "Port");
    CHECK(suggestion("zebra", {"Path", "Port"}).empty());
}
