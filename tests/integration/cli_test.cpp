// SPDX-License-Identifier: BSL-1.0
// The program `holdfast run` from outside: output, signals, exit codes.
#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

/** Where the programs under test keep their state. */
std::string stateHome() {
    return (std::filesystem::temp_directory_path() / ("holdfast-cli-state-" + std::to_string(::getpid()))).string();
}

/** A running `holdfast`, its output read as it comes. */
class Program {
public:
    explicit Program(std::vector<std::string> arguments) {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        std::vector<char*> argv;
        arguments.insert(arguments.begin(), HOLDFAST_PROGRAM);
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        const std::string home = stateHome();
        child_ = ::fork();
        if (child_ == 0) {
            ::setenv("XDG_STATE_HOME", home.c_str(), 1);
            ::unsetenv("STATE_DIRECTORY");
            ::dup2(ends[1], 1);
            ::dup2(ends[1], 2);
            ::execv(HOLDFAST_PROGRAM, argv.data());
            ::_exit(127);
        }
        ::close(ends[1]);
        output_ = ends[0];
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
        ::close(output_);
    }

    /** Reads until `text` appears, `after` so many bytes; false after 30 s or at the end. */
    bool says(const std::string& text, std::size_t after = 0) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (all.find(text, after) == std::string::npos) {
            pollfd poll{output_, POLLIN, 0};
            if (std::chrono::steady_clock::now() > deadline) return false;
            if (::poll(&poll, 1, 100) <= 0) continue;
            char buffer[4096];
            const ssize_t count = ::read(output_, buffer, sizeof buffer);
            if (count <= 0) return all.find(text, after) != std::string::npos;
            all.append(buffer, static_cast<std::size_t>(count));
        }
        return true;
    }
    [[nodiscard]] pid_t pid() const { return child_; }
    void signal(int number) const { ::kill(child_, number); }
    /** The exit code; -1 after 30 s. */
    int ends() {
        (void)says("\x01 nothing says this");
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        int status = 0;
        while (::waitpid(child_, &status, WNOHANG) == 0) {
            if (std::chrono::steady_clock::now() > deadline) return -1;
            std::this_thread::sleep_for(5ms);
        }
        child_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }

    std::string all;

private:
    pid_t child_{-1};
    int output_{-1};
};

std::string resource(const std::string& name, const std::string& script, const std::string& more = "") {
    return "[[resource]]\nname = \"" + name +
           "\"\ntype = \"Scripted\"\nagent = \"" SCRIPTED_AGENT "\"\nIsAlivePollInterval = \"20 ms\"\n" + more +
           "[resource.properties]\nScript = \"" + script + "\"\n";
}

/** A TOML file of its own for each test. */
struct File {
    explicit File(const std::string& text)
        : path{(std::filesystem::temp_directory_path() / ("holdfast-cli-" + std::to_string(::getpid()) + ".toml"))
                   .string()} {
        std::ofstream{path} << text;
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        std::filesystem::remove(path);
        std::filesystem::remove_all(stateHome());
    }
    std::string path;
};

}  // namespace

TEST_CASE("Ctrl-C and SIGTERM take everything offline, dependents first, and end with the calls table and 0") {
    const File file{resource("disk", "") + resource("share", "online-pends offline-pends", "dependsOn = [\"disk\"]\n")};
    for (const int number : {SIGINT, SIGTERM}) {
        Program program{{"run", file.path}};
        REQUIRE(program.says("share            state                    OnlinePending -> Online"));
        program.signal(number);
        CHECK(program.ends() == 0);
        CHECK(program.all.find("entry point") != std::string::npos);
        const auto share = program.all.find("share            state                    OfflinePending -> Opened");
        const auto disk = program.all.find("disk             state                    Online -> OfflineCalled");
        REQUIRE(share != std::string::npos);
        REQUIRE(disk != std::string::npos);
        CHECK(share < disk);
    }
}

TEST_CASE("a second signal terminates what still runs") {
    // Its Offline never ends: only Terminate does.
    const File file{resource("r", "offline-silent")};
    Program program{{"run", file.path}};
    REQUIRE(program.says("OnlineCalled -> Online"));
    program.signal(SIGINT);
    REQUIRE(program.says("OfflineCalled -> OfflinePending"));
    std::this_thread::sleep_for(300ms);  // two signals closer than 250 ms are one wish
    program.signal(SIGINT);
    CHECK(program.ends() == 4);
    CHECK(program.all.find("terminated on request") != std::string::npos);
}

TEST_CASE("a third signal leaves at once, and leaves no host") {
    const File file{resource("r", "offline-silent terminate-hangs")};
    for (int run = 0; run < 2; ++run) {
        Program program{{"run", file.path}};
        REQUIRE(program.says("OnlineCalled -> Online"));
        program.signal(SIGINT);
        REQUIRE(program.says("stopping"));
        std::this_thread::sleep_for(300ms);
        program.signal(SIGINT);
        REQUIRE(program.says("terminating what still runs"));
        std::this_thread::sleep_for(300ms);
        program.signal(SIGINT);
        CHECK(program.ends() == 4);
        CHECK(program.all.find("they did not end in time") == std::string::npos);
    }
}

TEST_CASE("a run that ends with a failed resource exits with 1 and goes on until it is told to stop") {
    const File file{resource("r", "online-fails", "RestartAction = 0\n")};
    Program program{{"run", file.path}};
    const bool hopeless = program.says("nothing runs any more and no retry is pending");
    INFO(program.all);
    REQUIRE(hopeless);
    program.signal(SIGTERM);
    CHECK(program.ends() == 1);
}

TEST_CASE("a resource that loses its host for a hung call comes back, and the run ends well") {
    const File file{resource("r", "isalive-hangs", "DeadlockTimeout = 1000\n")};
    Program program{{"run", file.path}};
    REQUIRE(program.says("did not return within DeadlockTimeout"));
    REQUIRE(program.says("from now on it has a host of its own"));
    REQUIRE(program.says("Dead -> Unloaded"));
    const auto before = program.all.size();
    REQUIRE(program.says("OnlineCalled -> Online", before));
    program.signal(SIGTERM);
    CHECK(program.ends() == 0);
}

TEST_CASE("in process a resource is given up for a hung call: exit 4, and the call is named") {
    const File file{resource("r", "isalive-hangs", "DeadlockTimeout = 1000\n")};
    Program program{{"run", "--debug", file.path}};
    REQUIRE(program.says("did not return within DeadlockTimeout"));
    program.signal(SIGTERM);
    CHECK(program.ends() == 4);
    CHECK(program.all.find("never returned: r: IsAlive") != std::string::npos);
}

TEST_CASE("a refused file exits with 3, names every problem and starts nothing") {
    const File file{resource("a", "") + "Prt = 5\n" + resource("b", "refuses")};
    Program program{{"run", file.path}};
    CHECK(program.ends() == 3);
    CHECK(program.all.find(file.path + ":8: the agent has no property 'Prt'; did you mean 'Port'?") !=
          std::string::npos);
    CHECK(program.all.find(file.path + ":15: property \"Script\": \"refuses\" is not a word it likes") !=
          std::string::npos);
    CHECK(program.all.find("OnlineCalled") == std::string::npos);
    Program missing{{"run", "/does/not/exist.toml"}};
    CHECK(missing.ends() == 3);
}

TEST_CASE("D4 SIGSTOP of everything for 10 s is no failure of anybody") {
    // Its checks and polls are due many times over while nothing runs, and its verdict is far too old afterwards.
    const std::string ours =
        std::string{"[[resource]]\nname = \"ours\"\ntype = \"Misbehaving\"\nagent = \""} + TABLE_AGENT +
        "\"\nIsAlivePollInterval = 100\n[resource.properties]\nCheckInterval = 200\nCheckTimeout = 1000\n";
    const File file{resource("polled", "") + resource("pending", "online-silent", "PendingTimeout = 1500\n") + ours};
    Program program{{"run", file.path}};
    REQUIRE(program.says("polled           state                    OnlineCalled -> Online"));
    REQUIRE(program.says("ours             state                    OnlinePending -> Online"));
    program.signal(SIGSTOP);
    std::this_thread::sleep_for(10s);
    program.signal(SIGCONT);
    std::this_thread::sleep_for(1s);
    program.signal(SIGTERM);
    CHECK(program.ends() == 0);
    CHECK(program.all.find("no progress") == std::string::npos);
    CHECK(program.all.find("-> Failed") == std::string::npos);
    CHECK(program.all.find("isAlive") == std::string::npos);
    CHECK(program.all.find("CheckTimeout") == std::string::npos);
}

TEST_CASE("holdfast run --check loads and validates, and starts nothing") {
    const File file{resource("a", "")};
    Program program{{"run", "--check", file.path}};
    CHECK(program.ends() == 0);
    CHECK(program.all.find("1 resource, nothing is wrong") != std::string::npos);
    CHECK(program.all.find("OnlineCalled") == std::string::npos);
}

TEST_CASE("holdfast check is a verb of its own, with the same exit codes, and leaves a running monitor alone") {
    const File file{"[monitor]\ntrace = \"" + stateHome() + ".jsonl\"\n" + resource("a", "")};
    Program running{{"run", file.path}};
    REQUIRE(running.says("OnlineCalled -> Online"));
    const auto size = std::filesystem::file_size(stateHome() + ".jsonl");
    Program check{{"check", file.path}};
    CHECK(check.ends() == 0);
    CHECK(check.all.find("1 resource, nothing is wrong") != std::string::npos);
    CHECK(check.all.find("OnlineCalled") == std::string::npos);
    CHECK(std::filesystem::file_size(stateHome() + ".jsonl") >= size);
    running.signal(SIGTERM);
    CHECK(running.ends() == 0);
    std::filesystem::remove(stateHome() + ".jsonl");
    const File wrong{resource("a", "", "RestartAction = 3\n")};
    Program refused{{"check", "--json", wrong.path}};
    CHECK(refused.ends() == 3);
    CHECK(refused.all.find("'RestartAction' = 3 is out of range") != std::string::npos);
    CHECK(Program{{"check"}}.ends() == 2);
}

TEST_CASE("a second run of the same file is refused and names the process of the first") {
    const File file{resource("a", "")};
    Program first{{"run", file.path}};
    REQUIRE(first.says("OnlineCalled -> Online"));
    Program second{{"run", file.path}};
    CHECK(second.ends() == 3);
    CHECK(second.all.find("another monitor (process " + std::to_string(first.pid()) +
                          ") runs on the state directory") != std::string::npos);
    CHECK(second.all.find("OnlineCalled") == std::string::npos);
    first.signal(SIGTERM);
    CHECK(first.ends() == 0);
    Program third{{"run", file.path}};
    REQUIRE(third.says("OnlineCalled -> Online"));
    third.signal(SIGTERM);
    CHECK(third.ends() == 0);
}

TEST_CASE("SIGHUP takes over what changed in the file, and nothing if anything is wrong with it") {
    const File file{resource("a", "") + resource("old", "")};
    Program program{{"run", file.path}};
    REQUIRE(program.says("old              state                    OnlineCalled -> Online"));
    std::ofstream{file.path} << resource("a", "") << "nonsense = 1\n"
                             << "[monitor\n";
    program.signal(SIGHUP);
    REQUIRE(program.says("nothing was changed: the file is refused"));
    std::ofstream{file.path} << resource("a", "") << resource("new", "");
    program.signal(SIGHUP);
    REQUIRE(program.says("1 new, 1 removed, 0 with other properties"));
    REQUIRE(program.says("new              state                    OnlineCalled -> Online"));
    REQUIRE(program.says("old              state                    Opened -> Closed"));
    const auto online = program.all.find("a                state                    OnlineCalled -> Online");
    REQUIRE(online != std::string::npos);
    CHECK(program.all.find("a                state                    Online -> ", online) == std::string::npos);
    program.signal(SIGTERM);
    CHECK(program.ends() == 0);
}

TEST_CASE("kill -9 of the monitor: the next one knows what people wished and what was counted") {
    const File file{resource("a", "", "PersistentState = 1\n") +
                    resource("f", "online-fails", "RestartThreshold = 1\n")};
    {
        Program program{{"run", file.path}};
        REQUIRE(program.says("restarts are used up"));
    }  // killed
    Program program{{"run", file.path}};
    REQUIRE(program.says("it was failed when the monitor ended"));
    REQUIRE(program.says("restarts are used up"));
    CHECK(program.all.find("restart in") == std::string::npos);  // W-460: not a second one in the period
    program.signal(SIGTERM);
    CHECK(program.ends() == 1);
}

TEST_CASE("wrong usage exits with 2, help and version with 0") {
    CHECK(Program{{"run"}}.ends() == 2);
    CHECK(Program{{"fly"}}.ends() == 2);
    CHECK(Program{{"--version"}}.ends() == 0);
    Program help{{"run", "--help"}};
    CHECK(help.ends() == 0);
    CHECK(help.all.find("Exit codes") != std::string::npos);
}

TEST_CASE("holdfast run --json and --trace: one object per line") {
    const File file{resource("r", "online-pends")};
    const std::string trace = file.path + ".jsonl";
    Program program{{"run", "--json", "--trace", trace, file.path}};
    REQUIRE(program.says("\"to\":\"Online\""));
    program.signal(SIGINT);
    CHECK(program.ends() == 0);
    CHECK(program.all.find("{\"record\":\"calls\",\"calls\":[{") != std::string::npos);
    CHECK(program.all.find("{\"record\":\"end\",\"exitCode\":0}") != std::string::npos);
    std::ifstream stream{trace};
    const std::string lines{std::istreambuf_iterator<char>{stream}, {}};
    for (const char* part : {"\"record\":\"call\"", "\"entryPoint\":\"Online\",\"kind\":3", "\"record\":\"status\"",
                             "\"checkPoint\":2", "\"record\":\"state\"", "\"answer\":0"}) {
        INFO(part);
        CHECK(lines.find(part) != std::string::npos);
    }
    std::filesystem::remove(trace);
}
