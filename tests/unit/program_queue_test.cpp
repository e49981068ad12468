// SPDX-License-Identifier: BSL-1.0
// Programs that people have run: in order, bounded in number and time, and never in anybody's way.
#include "monitor/program_queue.hpp"

#include <catch2/catch_test_macros.hpp>

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

using namespace holdfast::monitor;
using namespace std::chrono_literals;
namespace os = holdfast::os;

namespace {

const HookProgram shell(const std::string& script) { return {"/bin/sh", {"-c", script}}; }

struct Folder {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("holdfast-programs-" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path); }
    [[nodiscard]] std::string read(const std::string& name) const {
        std::ifstream stream{path / name};
        return {std::istreambuf_iterator<char>{stream}, {}};
    }
};

/** Queues with what they said. */
struct Heard {
    std::mutex mutex;
    std::vector<std::string> lines;
    ProgramQueues queues{[this](const ProgramQueues::Run& run, ProgramQueues::Level level, std::string text) {
        const std::lock_guard lock{mutex};
        lines.push_back(run.resource + (level == ProgramQueues::Level::information ? ": " : "! ") + text);
    }};
    [[nodiscard]] std::size_t times(const std::string& part) {
        const std::lock_guard lock{mutex};
        std::size_t count = 0;
        for (const auto& line : lines) count += line.find(part) != std::string::npos ? 1U : 0U;
        return count;
    }
};

ProgramQueues::Run run(HookProgram program, const std::string& what = "notify") {
    ProgramQueues::Run out;
    out.program = std::move(program);
    out.resource = "r";
    out.what = what;
    return out;
}

os::ChildOutcome child(const std::string& script, std::string* output = nullptr,
                       std::chrono::milliseconds timeout = 30s) {
    os::ChildOrder order;
    order.program = "/bin/sh";
    order.arguments = {"-c", script};
    order.environment = {{"HOLDFAST_STATE", "Online"}};
    order.timeout = timeout;
    return os::runChild(order,
                        [&](std::string_view text) {
                            if (output != nullptr) output->append(text);
                        },
                        {});
}

}  // namespace

TEST_CASE("a program's output, exit status and signal come back") {
    std::string output;
    CHECK(child("echo out; echo err >&2; echo $HOLDFAST_STATE; test -n \"$PATH\"", &output).good());
    CHECK(output == "out\nerr\nOnline\n");
    const auto failed = child("exit 3");
    CHECK(failed.kind == os::ChildOutcome::Kind::exited);
    CHECK(failed.toString() == "ended with exit status 3");
    CHECK(child("kill -TERM $$").toString() == "was ended by signal 15 (SIGTERM)");
    os::ChildOrder missing;
    missing.program = "/does/not/exist";
    CHECK(os::runChild(missing, [](std::string_view) {}, {}).kind == os::ChildOutcome::Kind::notStarted);
    CHECK_FALSE(os::isExecutable("/etc/passwd"));
    CHECK_FALSE(os::isExecutable("/tmp"));
    CHECK(os::isExecutable("/bin/sh"));
}

TEST_CASE("a program has signals as a shell would give them, and none of our descriptors") {
    std::string output;
    CHECK(child("trap 'echo caught; exit 0' TERM; kill -TERM $$; sleep 1", &output).good());
    CHECK(output == "caught\n");
    output.clear();
    const int leaked = ::dup2(1, 77);  // without O_CLOEXEC, as a careless agent has them
    CHECK(child("ls /proc/self/fd", &output).good());
    ::close(leaked);
    CHECK(output.find(std::to_string(leaked) + "\n") == std::string::npos);
}

TEST_CASE("a program that takes too long is killed with all it started, also one that ignores SIGTERM") {
    std::string output;
    const auto start = std::chrono::steady_clock::now();
    const auto outcome = child("trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000", &output, 300ms);
    CHECK(outcome.kind == os::ChildOutcome::Kind::timedOut);
    CHECK(std::chrono::steady_clock::now() - start < 20s);
    const auto grandchild = static_cast<pid_t>(std::stol(output));
    const auto gone = [&] {  // in a container nobody may reap it: a zombie is dead as well
        std::ifstream stat{"/proc/" + std::to_string(grandchild) + "/stat"};
        std::string text;
        std::getline(stat, text);
        return text.empty() || text.find(") Z ") != std::string::npos;
    };
    for (int i = 0; i < 1'000 && !gone(); ++i) std::this_thread::sleep_for(10ms);
    CHECK(gone());
}

TEST_CASE("a program that never stops writing does not outlast its time") {
    std::size_t bytes = 0;
    os::ChildOrder order;
    order.program = "/bin/sh";
    order.arguments = {"-c", "while :; do echo yes; done"};
    order.timeout = 300ms;
    const auto outcome = os::runChild(order, [&](std::string_view text) { bytes += text.size(); }, {});
    CHECK(outcome.kind == os::ChildOutcome::Kind::timedOut);
    CHECK(bytes > 0);
}

TEST_CASE("what a program leaves in the background does not hold us up") {
    const auto start = std::chrono::steady_clock::now();
    std::string output;
    CHECK(child("sleep 20 & echo done", &output).good());
    CHECK(output == "done\n");
    CHECK(std::chrono::steady_clock::now() - start < 15s);
}

TEST_CASE("runs of one program come in order, one at a time") {
    const Folder folder;
    const auto file = (folder.path / "log").string();
    Heard heard;
    for (int i = 0; i < 20; ++i) {
        auto next = run(shell("echo start $N >> " + file + "; sleep 0.01; echo end $N >> " + file));
        next.environment = {{"N", std::to_string(i)}};
        heard.queues.push(std::move(next));
    }
    heard.queues.finish(60s);
    std::string expected;
    for (int i = 0; i < 20; ++i) expected += "start " + std::to_string(i) + "\nend " + std::to_string(i) + "\n";
    CHECK(folder.read("log") == expected);
    heard.queues.push(run(shell("echo too late >> " + file)));
    CHECK(folder.read("log") == expected);
}

TEST_CASE("one that cannot keep up loses the oldest, is told how many, and blocks nobody") {
    const Folder folder;
    const auto go = (folder.path / "go").string();
    Heard heard;
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 1'000; ++i) {
        auto next = run(shell("while [ ! -e " + go + " ]; do sleep 0.01; done; echo run $N"));
        next.environment = {{"N", std::to_string(i)}};
        heard.queues.push(std::move(next));
    }
    CHECK(std::chrono::steady_clock::now() - start < 10s);
    std::atomic<bool> other{false};
    auto group = run(shell("exit 0"), "onFailed");
    group.ended = [&] { other = true; };
    heard.queues.push(std::move(group));
    for (int i = 0; i < 1'000 && !other; ++i) std::this_thread::sleep_for(10ms);
    CHECK(other);
    std::ofstream{go} << "x";
    heard.queues.finish(60s);
    // Some may be dropped before the first run has begun, so it may be said twice; nothing is lost in silence.
    std::size_t dropped = 0;
    for (const auto& line : heard.lines) {
        if (line.find("older runs of '/bin/sh' were dropped: it cannot keep up") != std::string::npos)
            dropped += std::stoul(line.substr(line.find_first_of("0123456789")));
    }
    CHECK(heard.times("run ") >= ProgramQueues::capacity);
    CHECK(heard.times("run ") + dropped == 1'000);
    CHECK(heard.times("run 999") == 1);
    CHECK(heard.times("run 500") == 0);
}

TEST_CASE("bad ends and floods of output are said, within limits") {
    Heard heard;
    heard.queues.push(run(shell("for i in $(seq 1000); do echo line $i; done; exit 7")));
    heard.queues.push(run({"/does/not/exist", {}}));
    heard.queues.finish(60s);
    CHECK(heard.times("r: line ") == ProgramQueues::linesPerRun);
    CHECK(heard.times("980 more lines") == 1);
    CHECK(heard.times("r! '/bin/sh' ended with exit status 7") == 1);
    CHECK(heard.times("r! '/does/not/exist' could not be started: No such file or directory") == 1);
}

TEST_CASE("when the monitor ends, what hangs is killed and whoever waited for it hears of it") {
    Heard heard;
    std::atomic<int> ended{0};
    for (int i = 0; i < 3; ++i) {
        auto next = run(shell("sleep 1000"), "onFailed");
        next.ended = [&] { ++ended; };
        heard.queues.push(std::move(next));
    }
    const auto start = std::chrono::steady_clock::now();
    heard.queues.finish(200ms);
    CHECK(std::chrono::steady_clock::now() - start < 20s);
    CHECK(ended == 3);
}
