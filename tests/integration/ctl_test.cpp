// SPDX-License-Identifier: BSL-1.0
// The program `holdfast ctl` against `holdfast run`: what people and programs see, exit codes.
#include <catch2/catch_test_macros.hpp>

#include <boost/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (std::chrono::steady_clock::now() < deadline) {
        if (holds()) return true;
        std::this_thread::sleep_for(20ms);
    }
    return false;
}

/** A running `holdfast`, on a pipe or on a terminal of its own. */
class Program {
public:
    explicit Program(std::vector<std::string> arguments, bool terminal = false) {
        std::vector<char*> argv;
        arguments.insert(arguments.begin(), HOLDFAST_PROGRAM);
        for (auto& argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        int ends[2];
        if (terminal) {
            winsize size{24, 80, 0, 0};
            REQUIRE(::openpty(&ends[0], &ends[1], nullptr, nullptr, &size) == 0);
        } else {
            REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        }
        child_ = ::fork();
        if (child_ == 0) {
            if (terminal) {
                ::setsid();
                ::ioctl(ends[1], TIOCSCTTY, 0);
                ::dup2(ends[1], 0);
                ::setenv("TERM", "xterm", 1);
                ::setenv("LC_ALL", "C.UTF-8", 1);
            }
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
    bool says(const std::string& text) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (!contains(all, text)) {
            pollfd poll{output_, POLLIN, 0};
            if (std::chrono::steady_clock::now() > deadline) return false;
            if (::poll(&poll, 1, 100) <= 0) continue;
            char buffer[4096];
            const ssize_t count = ::read(output_, buffer, sizeof buffer);
            if (count <= 0) return contains(all, text);
            all.append(buffer, static_cast<std::size_t>(count));
        }
        return true;
    }
    void signal(int number) const { ::kill(child_, number); }
    void resize(unsigned short lines, unsigned short columns) const {
        winsize size{lines, columns, 0, 0};
        ::ioctl(output_, TIOCSWINSZ, &size);
    }
    int ends() {
        static_cast<void>(says("\x01 nothing says this"));
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

struct Answer {
    int code;
    std::string text;
};

std::string resource(const std::string& name, const std::string& script, const std::string& more = "") {
    return "[[resource]]\nname = \"" + name +
           "\"\ntype = \"Scripted\"\nagent = \"" SCRIPTED_AGENT "\"\nIsAlivePollInterval = \"20 ms\"\n" + more +
           "[resource.properties]\nScript = \"" + script + "\"\n";
}

/** A folder with a file, and the socket that a monitor of it listens at. */
struct Room {
    explicit Room(const std::string& text)
        : folder{std::filesystem::temp_directory_path() / ("holdfast-ctl-" + std::to_string(::getpid()))} {
        std::filesystem::remove_all(folder);
        std::filesystem::create_directories(folder);
        std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
        std::ofstream{file()} << head() << text;
    }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    ~Room() { std::filesystem::remove_all(folder); }
    static std::string head() {
        return "[monitor]\nrunDirectory = \"rt\"\nstate = \"state\"\ncontrol = \"run/control\"\n";
    }
    [[nodiscard]] std::string file() const { return (folder / "test.toml").string(); }
    [[nodiscard]] std::string socket() const { return (folder / "run" / "control").string(); }
    [[nodiscard]] Answer ctl(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {"ctl", "--control", socket()});
        Program program{std::move(arguments)};
        const int code = program.ends();
        return {code, program.all};
    }
    std::filesystem::path folder;
};

std::vector<boost::json::object> objects(const std::string& text) {
    std::vector<boost::json::object> out;
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) out.push_back(boost::json::parse(line).as_object());
    return out;
}

}  // namespace

TEST_CASE("ctl list, show, get, set: for people and for programs") {
    const Room room{resource("disk", "") + resource("share", "online-pends", "dependsOn = [\"disk\"]\n")};
    Program run{{"run", room.file()}};
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
    run.signal(SIGTERM);
    CHECK(run.ends() == 0);
}

TEST_CASE("ctl online and offline --wait: how it went is the exit code") {
    const Room room{resource("r", "online-pends offline-pends", "RestartAction = 0\n") +
                    resource("never", "online-silent") + resource("bad", "online-fails", "RestartAction = 0\n") +
                    resource("waits", "", "dependsOn = [\"bad\"]\n")};
    Program run{{"run", room.file()}};
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
    Program run{{"run", room.file()}};
    REQUIRE(run.says("b                state                    OnlineCalled -> Online"));
    Program events{{"ctl", "--control", room.socket(), "events", "a", "--history", "100"}};
    REQUIRE(events.says("OnlineCalled -> Online"));
    const auto offline = room.ctl({"offline", "a"});
    CHECK(offline.code == 0);
    CHECK(offline.text == "a: asked to go offline\n");
    REQUIRE(events.says("OfflineCalled -> Opened"));
    CHECK_FALSE(contains(events.all, " b "));
    run.signal(SIGTERM);
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

    Program run{{"run", room.file()}};
    REQUIRE(run.says("OnlineCalled -> Online"));
    const std::string other = (room.folder / "second.toml").string();
    std::ofstream{other} << "[monitor]\nrunDirectory = \"rt2\"\nstate = \"state2\"\ncontrol = \"run/control\"\n"
                         << resource("r", "");
    Program second{{"run", other}};
    CHECK(second.ends() == 3);
    CHECK(contains(second.all, "listens at " + room.socket() + " already"));
    CHECK_FALSE(contains(second.all, "OnlineCalled"));
    CHECK(room.ctl({"top"}).code == 2);  // no terminal
    run.signal(SIGKILL);
    CHECK(run.ends() == 1000 + SIGKILL);
    CHECK(room.ctl({"list"}).code == 6);
    Program third{{"run", room.file()}};  // what the killed one left is no obstacle
    REQUIRE(third.says("OnlineCalled -> Online"));
    CHECK(room.ctl({"list"}).code == 0);
    third.signal(SIGTERM);
    CHECK(third.ends() == 0);
}

TEST_CASE("without --control the one monitor that runs is found, and several are named") {
    // As another user's monitors would be found: in folders named for their files.
    const Room room{resource("r", "")};
    if (::geteuid() == 0) {
        ::setenv("RUNTIME_DIRECTORY", (room.folder / "rt").c_str(), 1);
        Program one{{"run", "--control", (room.folder / "rt" / "control").string(), room.file()}};
        REQUIRE(one.says("OnlineCalled -> Online"));
        Program found{{"ctl", "ping"}};
        CHECK(found.ends() == 0);
        CHECK(contains(found.all, "rt/control"));
        one.signal(SIGTERM);
        CHECK(one.ends() == 0);
        ::unsetenv("RUNTIME_DIRECTORY");
    }
    const auto start = [&](const std::string& name) {
        const auto file = (room.folder / (name + ".toml")).string();
        std::ofstream{file} << "[monitor]\nstate = \"state-" << name << "\"\n" << resource("r", "");
        return std::make_unique<Program>(std::vector<std::string>{"run", file});
    };
    ::setenv("XDG_RUNTIME_DIR", room.folder.c_str(), 1);
    auto one = start("ctl-test-one");
    REQUIRE(one->says("OnlineCalled -> Online"));
    auto two = start("ctl-test-two");
    REQUIRE(two->says("OnlineCalled -> Online"));
    Program several{{"ctl", "list"}};
    CHECK(several.ends() == 6);
    CHECK(contains(several.all, "several monitors run"));
    CHECK(contains(several.all, "/ctl-test-one-"));
    CHECK(contains(several.all, "/ctl-test-two-"));
    for (auto* run : {&one, &two}) {
        (*run)->signal(SIGTERM);
        CHECK((*run)->ends() == 0);
    }
    ::unsetenv("XDG_RUNTIME_DIR");
    std::error_code ignored;  // a root's are not below the folder of this test
    for (const auto& entry : std::filesystem::directory_iterator{"/run/holdfast", ignored}) {
        if (entry.path().filename().string().starts_with("ctl-test-")) std::filesystem::remove_all(entry, ignored);
    }
}

TEST_CASE("on a terminal run shows a live view, gives the terminal back on Ctrl-C, and --plain does not take it") {
    const Room room{resource("r", "online-pends") + resource("bad", "online-fails", "RestartAction = 0\n")};
    const std::string enter = "\x1b[?1049h\x1b[?25l";
    const std::string leave = "\x1b[?25h\x1b[?1049l";
    Program run{{"run", room.file()}, true};
    REQUIRE(run.says(enter));
    REQUIRE(run.says("1 online, 1 failed"));
    REQUIRE(run.says("Online failed: error 5 (access denied)"));
    run.all.clear();
    run.resize(10, 40);
    REQUIRE(run.says("\x1b[2J"));  // drawn again, as a whole
    run.signal(SIGINT);
    CHECK(run.ends() == 1);
    REQUIRE(contains(run.all, leave));
    CHECK(contains(run.all.substr(run.all.find(leave)), "entry point"));

    Program plain{{"run", "--plain", room.file()}, true};
    REQUIRE(plain.says("OnlinePending -> Online"));
    plain.signal(SIGINT);
    CHECK(plain.ends() == 1);
    CHECK_FALSE(contains(plain.all, "\x1b"));
    Program pipe{{"run", "--live", room.file()}};
    CHECK(pipe.ends() == 2);
}

TEST_CASE("ctl top shows another process's monitor and gives the terminal back when either ends") {
    const Room room{resource("watched", "")};
    Program run{{"run", room.file()}};
    REQUIRE(run.says("OnlineCalled -> Online"));
    const std::string leave = "\x1b[?25h\x1b[?1049l";
    {
        Program top{{"ctl", "--control", room.socket(), "top"}, true};
        REQUIRE(top.says("1 online"));
        REQUIRE(top.says("watched state"));
        top.signal(SIGINT);
        CHECK(top.ends() == 0);
        CHECK(contains(top.all, leave));
    }
    Program top{{"ctl", "--control", room.socket(), "watch"}, true};
    REQUIRE(top.says("1 online"));
    run.signal(SIGTERM);
    CHECK(run.ends() == 0);
    CHECK(top.ends() == 6);
    REQUIRE(contains(top.all, leave));
    CHECK(contains(top.all.substr(top.all.find(leave)), "the monitor ended"));
}
