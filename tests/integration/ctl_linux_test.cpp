// SPDX-License-Identifier: BSL-1.0
// `holdfast` on a terminal of its own, and in the folders that Linux has for it.
#include "control_peer.hpp"
#include "ctl_bench.hpp"

#include <catch2/catch_test_macros.hpp>

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>

using namespace holdfast::test;

namespace {

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

}  // namespace

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

namespace {

/** A monitor that says what it did a moment after it answers what came of it. */
void answerFirst(int listener) {
    const int peer = ::accept(listener, nullptr, nullptr);
    const std::string greeting =
        boost::json::serialize(boost::json::object{{"hello", boost::json::object{{"protocol", 1}}}}) + "\n";
    static_cast<void>(::send(peer, greeting.data(), greeting.size(), MSG_NOSIGNAL));
    std::string buffer;
    for (bool offline = false;;) {
        char chunk[4096];
        const ssize_t count = ::recv(peer, chunk, sizeof chunk, 0);
        if (count <= 0) break;
        buffer.append(chunk, static_cast<std::size_t>(count));
        for (auto end = buffer.find('\n'); end != std::string::npos; end = buffer.find('\n')) {
            const auto request = boost::json::parse(buffer.substr(0, end)).as_object();
            buffer.erase(0, end + 1);
            const auto& verb = request.at("verb").as_string();
            const std::string state = offline ? "Opened" : "Online";
            const boost::json::object answer{
                {"id", request.at("id")},
                {"ok", true},
                {"result", {{"name", "r"}, {"state", state}, {"external", offline ? "Offline" : "Online"}}}};
            std::string text = boost::json::serialize(answer) + "\n";
            static_cast<void>(::send(peer, text.data(), text.size(), MSG_NOSIGNAL));
            if (verb == "offline") offline = true;
            if (verb != "show") continue;
            std::this_thread::sleep_for(300ms);
            text.clear();
            for (const auto& [from, to] :
                 {std::pair{"Online", "OfflineCalled"}, std::pair{"OfflineCalled", "Opened"}}) {
                text += boost::json::serialize(boost::json::object{
                            {"event", {{"record", "state"}, {"resource", "r"}, {"from", from}, {"to", to}}}}) +
                        "\n";
            }
            static_cast<void>(::send(peer, text.data(), text.size(), MSG_NOSIGNAL));
        }
    }
    ::close(peer);
}

}  // namespace

TEST_CASE("ctl --wait shows every step, also those that the monitor tells after its answer") {
    const Room room{""};
    const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const auto address = addressOf(room.socket());
    std::filesystem::create_directories(std::filesystem::path{room.socket()}.parent_path());
    REQUIRE(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    REQUIRE(::listen(listener, 1) == 0);
    std::thread monitor{[listener] { answerFirst(listener); }};
    const auto offline = room.ctl({"offline", "r", "--wait"});
    ::shutdown(listener, SHUT_RDWR);
    monitor.join();
    ::close(listener);
    CHECK(offline.code == 0);
    INFO(offline.text);
    CHECK(contains(offline.text, "Online -> OfflineCalled"));
    CHECK(contains(offline.text, "OfflineCalled -> Opened"));
    CHECK(contains(offline.text, "r: Offline\n"));
}
