// SPDX-License-Identifier: BSL-1.0
// The program holdfast-reaper: which death ends what (D17), in both of its modes, and what hostile clients cannot do.
#include "process/marked.hpp"
#include "process/wire.hpp"
#include "process_fixture.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <map>
#include <optional>
#include <random>

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

using namespace fixture;
using holdfast::process::Fd;
using holdfast::process::Message;
using holdfast::process::Reader;
using holdfast::process::Role;
using holdfast::process::Writer;

namespace {

/** A program of ours, with pipes to its input and from its output; killed at the end. */
class Child {
public:
    explicit Child(std::vector<std::string> words, std::vector<std::pair<int, int>> descriptors = {}) {
        int in[2];
        int out[2];
        if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
        std::vector<char*> arguments;
        for (auto& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            // Out of the way first: one's number may be what another is to get.
            for (auto& [from, to] : descriptors) from = ::fcntl(from, F_DUPFD_CLOEXEC, 100);
            for (const auto& [from, to] : descriptors) ::dup2(from, to);
            ::execv(arguments[0], arguments.data());
            ::_exit(127);
        }
        in_ = Fd{in[1]};
        out_ = Fd{out[0]};
        ::close(in[0]);
        ::close(out[1]);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { kill(); }

    [[nodiscard]] int pid() const { return pid_; }
    void kill(int number = SIGKILL) {
        if (pid_ > 0 && !status_) ::kill(pid_, number);
        if (number == SIGKILL) static_cast<void>(wait());
    }
    /** The wait status, or nothing after `most`. */
    std::optional<int> wait(std::chrono::milliseconds most = patience) {
        eventually(
            [&] {
                int status = 0;
                if (!status_ && ::waitpid(pid_, &status, WNOHANG) == pid_) status_ = status;
                return status_.has_value();
            },
            most);
        return status_;
    }
    /** One line of its output; empty at its end. */
    std::string line() {
        std::string text;
        char c = 0;
        while (::read(out_.get(), &c, 1) == 1 && c != '\n') text += c;
        return text;
    }
    /** The number in "pid N". */
    int number() {
        const std::string text = line();
        INFO(text);
        REQUIRE(text.starts_with("pid "));
        return std::stoi(text.substr(4));
    }
    void closeInput() { in_.reset(); }

private:
    pid_t pid_{-1};
    Fd in_;
    Fd out_;
    std::optional<int> status_;
};

struct Pipe {
    Fd read;
    Fd write;
    Pipe() {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
        read = Fd{ends[0]};
        write = Fd{ends[1]};
    }
    /** One line of what was written, or nothing for so long. */
    std::string line(std::chrono::milliseconds most = patience) {
        std::string text;
        const auto until = nowMs() + most.count();
        ::fcntl(read.get(), F_SETFL, O_NONBLOCK);
        while (nowMs() < until) {
            char c = 0;
            const ssize_t got = ::read(read.get(), &c, 1);
            if (got == 0 || (got == 1 && c == '\n')) break;
            if (got == 1) {
                text += c;
            } else {
                std::this_thread::sleep_for(1ms);
            }
        }
        return text;
    }
};

std::vector<std::string> guarded(std::vector<std::string> options, const std::vector<std::string>& program) {
    options.insert(options.begin(), {REAPER, "guard"});
    options.emplace_back("--");
    options.insert(options.end(), program.begin(), program.end());
    return options;
}

/** Of this run alone: what another one left is not ours to judge. */
std::string mark(const std::string& name) { return "HOLDFAST_HOST=/" + name + "-" + std::to_string(::getpid()) + ":1"; }

/** A raw client: it may say anything. */
class Peer {
public:
    explicit Peer(const std::string& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path.copy(address.sun_path, sizeof address.sun_path - 1);
        socket_ = Fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
        connected_ = ::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
        const timeval most{5, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    }
    [[nodiscard]] bool connected() const { return connected_; }
    bool send(const std::string& bytes) const {
        return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
    }
    [[nodiscard]] std::string receive() const {
        std::string bytes(70'000, '\0');
        for (int i = 0; i < 2; ++i) {  // a reset may come before the farewell
            const ssize_t got = ::recv(socket_.get(), bytes.data(), bytes.size(), 0);
            if (got > 0) return bytes.substr(0, static_cast<std::size_t>(got));
        }
        return {};
    }
    /** What it was refused for; empty if it was not. */
    [[nodiscard]] std::string refusal() const {
        const std::string answer = receive();
        Reader in{answer};
        return static_cast<Message>(in.u8()) == Message::refused ? in.text() : "";
    }
    bool hello(Role role, std::uint32_t version = holdfast::process::wireVersion,
               const std::string& name = "test") const {
        Writer out{Message::hello};
        return send(
            out.u32(holdfast::process::wireMagic).u32(version).u8(static_cast<std::uint8_t>(role)).text(name).bytes());
    }
    [[nodiscard]] int fd() const { return socket_.get(); }

private:
    Fd socket_;
    bool connected_{false};
};

bool zombiesOf(int parent) {
    for (const int child : holdfast::process::childrenOf(parent)) {
        if (const auto stat = holdfast::process::readStat(child); stat && stat->dead()) return true;
    }
    return false;
}

}  // namespace

// ---- which death ends what -----------------------------------------------------------------------------------------

TEST_CASE("D17 a killed host: its adoptable tree goes to the next host, every other is dead before anything restarts") {
    const RunDirectory directory{"8000"};
    const bool adoptable = GENERATE(true, false);
    int pid = 0;
    {
        Child host{{HOST, adoptable ? "adoptable" : "start", "test", unruly}};
        pid = host.number();
        REQUIRE(eventually([&] { return grown(directory.names().marker); }));
        host.kill();
    }
    if (adoptable) {
        Child next{{HOST, "find", "test"}};
        CHECK(next.number() == pid);
        next.closeInput();  // leaves; and nobody else comes
        next.wait();
        TestContext context;
        CHECK(holdfast::Process::end(context));
    } else {
        CHECK(eventually([&] { return !lives(pid); }, 2s));
        Child next{{HOST, "find", "test"}};
        CHECK(next.line() == "nothing");
    }
    CHECK(directory.nothingLeft());
}

TEST_CASE("D17 host and reaper killed at once: the next host finds the tree") {
    const RunDirectory directory{"8000"};
    const bool stateFile = GENERATE(true, false);
    Child host{{HOST, "adoptable", "test", unruly}};
    const int pid = host.number();
    REQUIRE(eventually([&] { return grown(directory.names().marker); }));
    const int reaper = directory.reaper();
    ::kill(host.pid(), SIGSTOP);  // or it would start another reaper in between
    ::kill(reaper, SIGKILL);
    host.kill();
    if (!stateFile) fs::remove(directory.names().state);
    CHECK(lives(pid));
    {
        Child next{{HOST, "find", "test"}};
        CHECK(next.number() == pid);
        next.kill();
    }
    TestContext context;
    CHECK(holdfast::Process::end(context));
    CHECK(directory.nothingLeft());
}

TEST_CASE("D17 host and reaper killed at once: what is not adoptable is dead before the next start") {
    const RunDirectory directory{"8000"};
    Child host{{HOST, "start", "test", unruly}};
    const int pid = host.number();
    REQUIRE(eventually([&] { return grown(directory.names().marker); }));
    const int reaper = directory.reaper();
    ::kill(host.pid(), SIGSTOP);
    ::kill(reaper, SIGKILL);
    host.kill();
    CHECK(lives(pid));
    const auto before = allOf(directory.path());
    const bool looks = GENERATE(true, false);
    Child next{looks ? std::vector<std::string>{HOST, "find", "test"}
                     : std::vector<std::string>{HOST, "start", "test", "exec sleep 1000"}};
    if (looks) {
        CHECK(next.line() == "nothing");
    } else {
        CHECK(next.number() != pid);
    }
    for (const int old : before) CHECK_FALSE(lives(old));
    next.kill();
    CHECK(directory.nothingLeft());
}

TEST_CASE("D17 all four killed at once: host, guard, reaper, program; what is left of the tree is found and ended") {
    const RunDirectory directory{"8000"};
    Child guard{guarded({}, {HOST, "adoptable", "test", unruly})};
    const int pid = guard.number();
    REQUIRE(eventually([&] { return grown(directory.names().marker); }));
    const auto hosts = holdfast::process::childrenOf(guard.pid());
    std::vector<int> all{guard.pid(), directory.reaper(), pid};
    for (const int host : hosts) all.push_back(host);
    for (const int victim : all) ::kill(victim, SIGSTOP);
    for (const int victim : all) ::kill(victim, SIGKILL);
    REQUIRE(eventually([&] { return !lives(pid); }));
    CHECK(allOf(directory.path()).size() == unrulyCount - 1);
    TestContext context;
    CHECK(holdfast::Process::find(context));
    CHECK(holdfast::Process::end(context));
    CHECK(directory.nothingLeft());
}

TEST_CASE("SIGTERM to a reaper ends its tree, then the reaper") {
    const RunDirectory directory;
    Child host{{HOST, "adoptable", "test", unruly}};
    host.number();
    REQUIRE(eventually([&] { return grown(directory.names().marker); }));
    host.kill();
    ::kill(directory.reaper(), SIGTERM);
    CHECK(directory.nothingLeft());
    CHECK(fs::is_empty(directory.path()));
}

TEST_CASE("there is one reaper per resource") {
    const RunDirectory directory;
    std::vector<std::unique_ptr<Child>> reapers;
    for (int i = 0; i < 8; ++i) {
        reapers.push_back(std::make_unique<Child>(
            std::vector<std::string>{REAPER, "tree", "--directory", directory.path(), "--resource", "test"}));
    }
    int ready = 0;
    for (auto& reaper : reapers) ready += reaper->line() == "ready" ? 1 : 0;
    CHECK(ready == 1);
    int ended = 0;
    for (auto& reaper : reapers) {
        const auto status = reaper->wait(10s);  // the one leaves, too: nobody comes
        REQUIRE(status);
        ended += WEXITSTATUS(*status) == 0 ? 1 : 0;
        CHECK((WEXITSTATUS(*status) == 0 || WEXITSTATUS(*status) == 3));
    }
    CHECK(ended == 1);
    CHECK(fs::is_empty(directory.path()));
}

TEST_CASE("a program that forks as fast as it can is ended all the same") {
    const RunDirectory directory;
    TestContext context;
    TestOperation operation;
    if (GENERATE(false, true)) unsetenv("HOLDFAST_CGROUP");
    // Each lives for a moment only and is in a session of its own; there are never many.
    const std::string comet = directory.file("comet.sh");
    std::ofstream{comet} << "#!/bin/sh\ntrap '' TERM\nsetsid " << comet << " &\n";
    fs::permissions(comet, fs::perms{0755});
    auto process = holdfast::Process::start(context, shell(comet + " & " + comet + " & sleep 1000"), operation);
    std::this_thread::sleep_for(300ms);
    CHECK(process.end());
    const int reaper = directory.reaper();
    CHECK(holdfast::process::childrenOf(reaper).empty());
    CHECK(allOf(directory.path()).size() == 1);
}

TEST_CASE("a fork bomb is ended") {
    if (geteuid() != 0) SKIP("it needs a user of its own, or it would be everybody's bomb");
    const RunDirectory directory;
    TestContext context;
    TestOperation operation;
    if (GENERATE(false, true)) unsetenv("HOLDFAST_CGROUP");
    holdfast::ProcessSettings settings;
    settings.program = HOST;
    settings.arguments = {"bomb"};
    settings.user = "65533";  // nobody else is
    settings.group = "65533";
    settings.limits.processes = 100;
    auto process = holdfast::Process::start(context, settings, operation);
    REQUIRE(eventually([&] { return holdfast::process::descendantsOf(directory.reaper()).size() > 50; }));
    CHECK(process.end());
    CHECK(holdfast::process::childrenOf(directory.reaper()).empty());
    CHECK(allOf(directory.path()).size() == 1);
}

TEST_CASE("what empties its environment before the reaper is killed is found by its family or its group") {
    const RunDirectory directory;
    if (GENERATE(false, true)) unsetenv("HOLDFAST_CGROUP");
    TestContext context;
    TestOperation operation;
    auto settings = shell("env -i sleep 1000 & env -i setsid sleep 1001 & sleep 1002");
    settings.adoptable = true;
    std::vector<int> tree;
    {
        const auto process = holdfast::Process::start(context, settings, operation);
        REQUIRE(eventually([&] { return (tree = holdfast::process::descendantsOf(process.pid())).size() >= 3; }));
        std::this_thread::sleep_for(100ms);
    }
    ::kill(directory.reaper(), SIGKILL);
    REQUIRE(eventually([&] { return directory.reaper() == 0; }));
    CHECK(holdfast::Process::end(context));
    for (const int pid : tree) CHECK_FALSE(lives(pid));
    for (const int pid : tree) ::kill(pid, SIGKILL);
}

// ---- the guard -----------------------------------------------------------------------------------------------------

TEST_CASE("a guard ends as its program did") {
    SECTION("a status") {
        Child guard{guarded({}, {"/bin/sh", "-c", "exit 42"})};
        const auto status = guard.wait();
        REQUIRE(status);
        CHECK((WIFEXITED(*status) && WEXITSTATUS(*status) == 42));
    }
    SECTION("a signal") {
        Child guard{guarded({}, {"/bin/sh", "-c", "kill -USR1 $$"})};
        const auto status = guard.wait();
        REQUIRE(status);
        CHECK((WIFSIGNALED(*status) && WTERMSIG(*status) == SIGUSR1));
    }
    SECTION("a program that is not there") {
        Pipe report;
        Child guard{guarded({"--report", "9"}, {"/nowhere/program"}), {{report.write.get(), 9}}};
        report.write.reset();
        CHECK(report.line() == "failed No such file or directory");
        const auto status = guard.wait();
        REQUIRE(status);
        CHECK(WEXITSTATUS(*status) == 127);
    }
}

TEST_CASE("a guard kills what its program leaves, reports when that is proved, and passes descriptors on") {
    Pipe report;
    Pipe passed;
    Child guard{guarded({"--report", "9", "--marker", mark("here")},
                        {"/bin/sh", "-c",
                         "echo $HOLDFAST_HOST >&8; ls /proc/self/fd/9 2>/dev/null && echo leak >&8; (" + unruly +
                             ") & sleep 0.3; exit 5"}),
                {{report.write.get(), 9}, {passed.write.get(), 8}}};
    report.write.reset();
    passed.write.reset();
    const std::string started = report.line();
    CHECK(started.starts_with("started "));
    CHECK("HOLDFAST_HOST=" + passed.line() == mark("here"));
    CHECK(report.line() == "exited 5");
    CHECK(report.line() == "proved");
    const auto status = guard.wait();
    REQUIRE(status);
    CHECK(WEXITSTATUS(*status) == 5);
    CHECK(passed.line().empty());  // everybody who held it is gone
    CHECK(holdfast::process::findMarked(mark("here")).empty());
}

TEST_CASE("a guard's program dies with the guard, and on its SIGTERM") {
    Pipe passed;
    const bool terminate = GENERATE(true, false);
    Child guard{guarded({}, {"/bin/sh", "-c", "trap '' TERM; echo pid $$ >&8; while :; do sleep 1; done"}),
                {{passed.write.get(), 8}}};
    passed.write.reset();
    const int program = std::stoi(passed.line().substr(4));
    guard.kill(terminate ? SIGTERM : SIGKILL);
    CHECK(eventually([&] { return !lives(program); }));
    const auto status = guard.wait();
    REQUIRE(status);
    CHECK((WIFSIGNALED(*status) && WTERMSIG(*status) == SIGKILL));
}

TEST_CASE("the end of a guard's lifeline gives its program time, but not for ever") {
    Pipe lifeline;
    Pipe report;
    const bool obeys = GENERATE(true, false);
    // The program sees the monitor's end by a pipe of its own.
    Child guard{guarded({"--lifeline", "7", "--report", "9", "--patience", obeys ? "10000" : "400"},
                        {"/bin/sh", "-c", obeys ? "cat; exit 3" : "sleep 1000"}),
                {{lifeline.read.get(), 7}, {report.write.get(), 9}}};
    report.write.reset();
    lifeline.read.reset();
    CHECK(report.line().starts_with("started "));
    CHECK(report.line(200ms).empty());
    guard.closeInput();
    lifeline.write.reset();
    CHECK(report.line() == (obeys ? "exited 3" : "killed 9"));
    CHECK(report.line() == "proved");
    CHECK(guard.wait());
}

TEST_CASE("a guard lets resources' reapers live, with their trees") {
    const RunDirectory directory{"8000"};
    Pipe report;
    Child guard{guarded({"--report", "9"}, {HOST, "adoptable", "test", unruly}), {{report.write.get(), 9}}};
    report.write.reset();
    const int pid = guard.number();
    REQUIRE(eventually([&] { return grown(directory.names().marker); }));
    const std::string started = report.line();
    ::kill(std::stoi(started.substr(8)), SIGKILL);
    CHECK(report.line() == "killed 9");
    CHECK(report.line() == "proved");
    REQUIRE(guard.wait());  // it need not stay for them
    CHECK(lives(pid));
    Child next{{HOST, "find", "test"}};
    CHECK(next.number() == pid);
    next.kill();
    TestContext context;
    CHECK(holdfast::Process::end(context));
    CHECK(directory.nothingLeft());
}

TEST_CASE("a guard stays for what a dead reaper left, until the timeout, and ends it then") {
    const bool adopted = GENERATE(false, true);
    // For the next host time enough on any machine; for the end, enough to see that it does not come at once.
    const std::chrono::milliseconds timeout{adopted ? 30'000 : 4'000};
    const RunDirectory directory{std::to_string(timeout.count())};
    Pipe report;
    Child guard{guarded({"--report", "9"}, {HOST, "adoptable", "test", unruly}), {{report.write.get(), 9}}};
    report.write.reset();
    const int pid = guard.number();
    REQUIRE(eventually([&] { return grown(directory.names().marker); }));
    const int host = std::stoi(report.line().substr(8));
    const int reaper = directory.reaper();
    REQUIRE(reaper > 0);
    ::kill(host, SIGSTOP);  // it would start another
    ::kill(reaper, SIGKILL);
    REQUIRE(eventually([&] { return !lives(reaper); }));  // to one that is not yet dead the guard may leave its tree
    const auto killed = nowMs();
    ::kill(host, SIGKILL);
    CHECK(report.line() == "killed 9");
    CHECK(report.line(timeout / 2) == "proved");  // without waiting for those
    CHECK(lives(pid));
    if (adopted) {
        Child next{{HOST, "find", "test"}};
        CHECK(next.number() == pid);
        CHECK(guard.wait());  // a reaper has it: the guard may go
        CHECK(lives(pid));
        next.kill();
        TestContext context;
        CHECK(holdfast::Process::end(context));
    } else {
        CHECK(guard.wait());
        CHECK(nowMs() - killed >= timeout.count());
        CHECK_FALSE(lives(pid));
    }
    CHECK(directory.nothingLeft());
}

TEST_CASE("a guard kills what a careless agent forked") {
    Pipe report;
    Child guard{guarded({"--report", "9", "--marker", mark("careless")}, {HOST, "fork", unruly}),
                {{report.write.get(), 9}}};
    report.write.reset();
    guard.number();
    // With the host itself.
    REQUIRE(eventually([&] { return holdfast::process::findMarked(mark("careless")).size() == unrulyCount + 1; }));
    ::kill(std::stoi(report.line().substr(8)), SIGUSR1);
    CHECK(report.line() == "killed " + std::to_string(SIGUSR1));
    CHECK(report.line() == "proved");
    CHECK(holdfast::process::findMarked(mark("careless")).empty());
}

TEST_CASE("what a killed guard left of its host is found by its mark") {
    Child guard{guarded({"--marker", mark("careless")}, {HOST, "fork", unruly})};
    guard.number();
    const auto marked = [] { return holdfast::process::findMarked(mark("careless")).size(); };
    REQUIRE(eventually([&] { return marked() == unrulyCount + 1; }));
    const int host = holdfast::process::childrenOf(guard.pid()).at(0);
    guard.kill();
    REQUIRE(eventually([&] { return !lives(host); }));  // it goes with its guard
    CHECK(marked() >= 3);
    CHECK(holdfast::process::endMarked(mark("careless"), 10s));
    CHECK(marked() == 0);
}

TEST_CASE("a tree has a control group of its own where there can be one, and takes it along") {
    const RunDirectory directory;
    unsetenv("HOLDFAST_CGROUP");
    TestContext context;
    TestOperation operation;
    std::optional<holdfast::Process> process{holdfast::Process::start(context, shell(unruly), operation)};
    const std::string groups = contentOf("/proc/" + std::to_string(process->pid()) + "/cgroup");
    const std::string name = directory.names().cgroup;
    if (groups.find(name) == std::string::npos) {
        process->end();
        SKIP("no control group of version 2 can be made here");
    }
    CHECK(contentOf("/proc/" + std::to_string(directory.reaper()) + "/cgroup").find(name) == std::string::npos);
    const auto exists = [&] {
        for (const auto* const root : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"}) {
            std::error_code ignored;
            if (fs::exists(
                    root + groups.substr(groups.find("0::") + 3, groups.find(name) - groups.find("0::") - 3) + name,
                    ignored))
                return true;
        }
        return false;
    };
    CHECK(exists());
    CHECK(process->end());
    CHECK_FALSE(exists());
    SECTION("one that was asked for but cannot be made is a warning") {
        process.reset();
        REQUIRE(directory.nothingLeft());
        setenv("HOLDFAST_CGROUP", "/nowhere", 1);
        process = holdfast::Process::start(context, shell("sleep 1000"), operation);
        CHECK(eventually([&] { return context.logged("cannot make the control group /nowhere"); }));
        CHECK(process->end());
    }
}

// ---- hostile clients -----------------------------------------------------------------------------------------------

TEST_CASE("no client, however wrong, hurts a reaper, its tree or its owner") {
    const RunDirectory directory;
    TestContext context;
    TestOperation operation;
    std::optional<holdfast::Process> process{holdfast::Process::start(context, shell("sleep 1000"), operation)};
    const std::string socket = directory.names().socket;
    const int reaper = directory.reaper();

    SECTION("garbage for a hello") {
        for (const std::string& bytes :
             {std::string{"GET / HTTP/1.1\r\n\r\n"}, std::string(1, '\0'), std::string(60'000, '\xff'),
              std::string{"\1"}, std::string{"\1\x48\x46\x50"}}) {
            const Peer peer{socket};
            peer.send(bytes);
            CHECK_FALSE(peer.refusal().empty());
        }
    }
    SECTION("a message larger than a packet") {
        const Peer peer{socket};
        const int room = 1 << 20;
        ::setsockopt(peer.fd(), SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
        REQUIRE(peer.hello(Role::controller));
        CHECK_FALSE(peer.receive().empty());
        CHECK(peer.send(std::string(100'000, 'x')));
        CHECK(peer.refusal() == "the message is larger than 64 KiB");
    }
    SECTION("another version") {
        const Peer peer{socket};
        peer.hello(Role::owner, 99);
        CHECK(peer.refusal() == "this reaper speaks version 1, not 99");
    }
    SECTION("another resource") {
        const Peer peer{socket};
        peer.hello(Role::owner, 1, "another");
        CHECK_FALSE(peer.refusal().empty());
    }
    SECTION("a role that does not exist") {
        const Peer peer{socket};
        peer.hello(static_cast<Role>(7));
        CHECK(peer.refusal() == "role 7 is unknown");
    }
    SECTION("a controller that wants to start something, or says what only reapers say") {
        for (const Message message : {Message::start, Message::part, Message::exited, Message::hello}) {
            const Peer peer{socket};
            peer.hello(Role::controller);
            CHECK_FALSE(peer.receive().empty());
            peer.send(Writer{message}.text("x").bytes());
            CHECK_FALSE(peer.refusal().empty());
        }
    }
    SECTION("truncated and mutilated messages of every kind") {
        std::mt19937 random{4711};
        holdfast::process::Order order;
        order.program = "/bin/true";
        const std::string good = encode(order);
        for (int i = 0; i < 300; ++i) {
            const Peer peer{socket};
            peer.hello(Role::controller);
            std::string bytes =
                Writer{static_cast<Message>(random() % 80)}.bytes() + good.substr(0, random() % good.size());
            for (int k = 0; k < 3; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
            if (static_cast<Message>(bytes[0]) == Message::end || static_cast<Message>(bytes[0]) == Message::signal)
                continue;
            peer.send(bytes);
        }
    }
    SECTION("signals that do not exist") {
        const Peer peer{socket};
        peer.hello(Role::controller);
        CHECK_FALSE(peer.receive().empty());
        for (const int number : {-1, 0, 1'000'000}) {
            peer.send(Writer{Message::signal}.i32(number).bytes());
            const std::string answer = peer.receive();
            Reader in{answer};
            CHECK(static_cast<Message>(in.u8()) == Message::signalled);
            CHECK(in.i32() == EINVAL);
        }
    }
    SECTION("a thousand connections that say nothing") {
        std::vector<std::unique_ptr<Peer>> peers;
        for (int i = 0; i < 1000; ++i) peers.push_back(std::make_unique<Peer>(socket));
        CHECK(process->signal(SIGCONT));  // it still serves those who talk
        CHECK(std::distance(fs::directory_iterator{"/proc/" + std::to_string(reaper) + "/fd"}, {}) < 80);
    }
    SECTION("a descriptor that nobody asked for") {
        const Peer peer{socket};
        char byte = 1;
        iovec data{&byte, 1};
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        msghdr message{};
        message.msg_iov = &data;
        message.msg_iovlen = 1;
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* const header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        *reinterpret_cast<int*>(CMSG_DATA(header)) = 0;
        CHECK(::sendmsg(peer.fd(), &message, 0) == 1);
        CHECK(peer.receive().size() < 200);
    }
    SECTION("another user") {
        if (geteuid() != 0) SKIP("only root can become somebody else");
        // Even one who got at the socket: the directory would keep him out.
        fs::permissions(directory.path(), fs::perms{0755});
        fs::permissions(socket, fs::perms{0777});
        const pid_t stranger = ::fork();
        if (stranger == 0) {
            if (::setgroups(0, nullptr) != 0 || ::setuid(65'534) != 0) ::_exit(1);
            const Peer peer{socket};
            peer.hello(Role::owner);
            ::_exit(peer.refusal() == "user 65534 may not talk to this reaper" ? 0 : 2);
        }
        int status = -1;
        ::waitpid(stranger, &status, 0);
        CHECK(status == 0);
        fs::permissions(directory.path(), fs::perms{0700});
    }
    SECTION("one that never reads") {
        const Peer peer{socket};
        peer.hello(Role::controller);
        for (int i = 0; i < 2'000; ++i) {
            const std::string message = Writer{Message::signal}.i32(SIGCONT).bytes();
            if (::send(peer.fd(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                std::this_thread::sleep_for(1ms);
        }
        CHECK(process->signal(SIGCONT));
    }

    CHECK(directory.reaper() == reaper);
    CHECK(process->running());
    CHECK(lives(process->pid()));
    CHECK(eventually(
        [&] { return std::distance(fs::directory_iterator{"/proc/" + std::to_string(reaper) + "/fd"}, {}) < 16; }));
    CHECK_FALSE(zombiesOf(reaper));
    struct stat mode {};
    CHECK(::stat(directory.names().lock.c_str(), &mode) == 0);
    CHECK((mode.st_mode & 0777U) == 0600);
    CHECK(process->end());
    process.reset();
    CHECK(directory.nothingLeft());
}

TEST_CASE("an end is understood whatever version asks for it, and answered in the words of the first") {
    const RunDirectory directory;
    TestContext context;
    TestOperation operation;
    auto settings = shell("sleep 1000");
    settings.adoptable = true;
    const auto process = holdfast::Process::start(context, settings, operation);
    const Peer peer{directory.names().socket};
    peer.hello(Role::controller, 99);
    CHECK_FALSE(peer.receive().empty());
    peer.send(Writer{Message::end}.u32(5'000).bytes());
    const std::string answer = peer.receive();
    Reader in{answer};
    CHECK(static_cast<Message>(in.u8()) == Message::ended);
    CHECK(in.u8() == 1);
    CHECK_FALSE(lives(process.pid()));
}

TEST_CASE("a frozen process is killed all the same; one that cannot be killed is named") {
    const RunDirectory directory;
    TestContext context;
    TestOperation operation;
    auto process = holdfast::Process::start(context, shell("sleep 1000 & kill -STOP $$"), operation);
    REQUIRE(eventually([&] { return holdfast::process::readStat(process.pid())->state == 'T'; }));
    CHECK(process.end());
    // Nobody here can make a process that cannot be killed: the answer to a patience of nothing is the same.
    auto again = holdfast::Process::start(context, shell(unruly), operation);
    const Peer peer{directory.names().socket};
    peer.hello(Role::controller);
    CHECK_FALSE(peer.receive().empty());
    ::kill(directory.reaper(), SIGSTOP);
    peer.send(Writer{Message::end}.u32(0).bytes());
    ::kill(directory.reaper(), SIGCONT);
    const std::string answer = peer.receive();
    Reader in{answer};
    CHECK(static_cast<Message>(in.u8()) == Message::ended);
    if (in.u8() == 0) {
        const std::string text = in.text();
        CHECK(text.starts_with("not ended: "));
    }
    CHECK(again.end());
}

TEST_CASE("what the program says to a person") {
    Child help{{REAPER, "--help"}};
    CHECK(help.line().find("owns processes") != std::string::npos);
    Child version{{REAPER, "--version"}};
    CHECK(version.line().starts_with("holdfast-reaper "));
    for (const std::vector<std::string>& wrong :
         std::vector<std::vector<std::string>>{{REAPER},
                                               {REAPER, "three"},
                                               {REAPER, "tree"},
                                               {REAPER, "tree", "--resource"},
                                               {REAPER, "guard"},
                                               {REAPER, "guard", "--patience", "soon", "--", "true"},
                                               {REAPER, "tree", "--what", "x"}}) {
        Child child{wrong};
        const auto status = child.wait();
        REQUIRE(status);
        CHECK(WEXITSTATUS(*status) == 2);
    }
}

TEST_CASE("an idle reaper is small") {
    const RunDirectory directory;
    TestContext context;
    TestOperation operation;
    const auto process = holdfast::Process::start(context, shell("exec sleep 1000"), operation);
    const std::string rollup = contentOf("/proc/" + std::to_string(directory.reaper()) + "/smaps_rollup");
    const auto kilobytes = [&](const char* name) {
        const auto at = rollup.find(name);
        return at == std::string::npos ? 0L
                                       : std::strtol(rollup.c_str() + at + std::string_view{name}.size(), nullptr, 10);
    };
    WARN("one reaper: RSS " << kilobytes("Rss:") << " KiB, PSS " << kilobytes("Pss:") << " KiB, private "
                            << kilobytes("Private_Dirty:") << " KiB");
    CHECK(kilobytes("Rss:") > 0);
}
