// SPDX-License-Identifier: BSL-1.0
/// Two libraries through their C table, in turn at each size: holdfast's agent and the one written by hand.
///   table_benchmark [--quick] [--json FILE] [--counts 10,100,…] [--rounds N] …
#include "options.hpp"
#include "scenarios.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <stdexcept>

extern char** environ;

namespace bench {

void runScenario(const Options& options, Rows& rows) {
    static const std::map<std::string, std::function<void(const Options&, Rows&)>> all{
        {"many", measureMany},       {"taking", measureTaking},       {"hung", measureHung},
        {"blocked", measureBlocked}, {"terminate", measureTerminate}, {"death", measureDeath},
        {"burst", measureBurst},
    };
    all.at(options.scenario)(options, rows);
}

namespace {

namespace fs = std::filesystem;

constexpr int patience = 90;  // seconds for one scenario

struct Subject {
    std::string name;
    std::string library;
};
const std::vector<Subject>& subjects() {
    static const std::vector<Subject> both{{"holdfast", MEASURED_AGENT}, {"by hand", CONTENDER}};
    return both;
}

/** Runs this program again; empty if all went well. */
std::string runChild(const Options& options) {
    std::vector<std::string> words = argumentsOf(options);
    std::string self = fs::read_symlink("/proc/self/exe").string();
    std::vector<char*> arguments{self.data()};
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    pid_t pid = 0;
    if (::posix_spawn(&pid, self.c_str(), nullptr, nullptr, arguments.data(), environ) != 0) return "cannot start it";
    const int watch = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
    pollfd watched{watch, POLLIN, 0};
    const bool late = watch >= 0 && ::poll(&watched, 1, patience * 1'000) == 0;
    if (late) ::kill(pid, SIGKILL);
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (watch >= 0) ::close(watch);
    if (late) return fmt::format("it did not end within {} s", patience);
    if (WIFSIGNALED(status)) return fmt::format("its process died of signal {}", WTERMSIG(status));
    return WEXITSTATUS(status) == 0 ? std::string{} : fmt::format("its process ended with {}", WEXITSTATUS(status));
}

void measure(Options options, const Subject& subject, const std::string& scenario, std::size_t count, Rows& rows) {
    const fs::path file = fs::temp_directory_path() / fmt::format("holdfast-bench-{}.json", ::getpid());
    options.scenario = scenario;
    options.subject = subject.name;
    options.library = subject.library;
    options.count = count;
    options.json = file.string();
    fmt::print(stderr, "  {:<10} {:<10}{}\n", scenario, subject.name,
               count == 0 ? std::string{} : fmt::format(" {} resources", count));
    const std::string problem = runChild(options);
    if (problem.empty()) {
        std::ifstream in{file};
        const std::string text{std::istreambuf_iterator<char>{in}, {}};
        rows.append(boost::json::parse(text).at("rows").as_array());
    } else {
        fmt::print(stderr, "  {} {}: {}\n", scenario, subject.name, problem);
        rows.stopped({scenario, subject.name, count}, problem);
    }
    fs::remove(file);
}

/** A place for the agent's programs, gone with this object. */
class RunDirectory {
public:
    RunDirectory() {
        std::string name = (fs::temp_directory_path() / "holdfast-bench.XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error{"cannot make " + name};
        path_ = name;
        ::setenv("HOLDFAST_RUN_DIRECTORY", name.c_str(), 1);
        ::setenv("HOLDFAST_REAPER", REAPER, 1);
        ::setenv("HOLDFAST_CGROUP", "none", 1);
    }
    RunDirectory(const RunDirectory&) = delete;
    RunDirectory& operator=(const RunDirectory&) = delete;
    ~RunDirectory() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }

private:
    fs::path path_;
};

void measureAll(const Options& options) {
    const RunDirectory directory;
    Rows rows;
    // Who is first alternates: neither side always finds the machine as the other left it.
    const auto both = [&](const Options& amounts, const char* scenario, std::size_t count, std::size_t turn) {
        for (const std::size_t which : {turn % 2, 1 - turn % 2})
            measure(amounts, subjects()[which], scenario, count, rows);
    };
    // What takes long is shared among the turns.
    Options share = options;
    share.wedged = (options.wedged + options.turns - 1) / options.turns;
    share.kills = (options.kills + options.turns - 1) / options.turns;
    for (const char* const scenario : {"hung", "blocked", "burst", "terminate", "death"}) {
        for (std::size_t turn = 0; turn < options.turns; ++turn) both(share, scenario, 0, turn);
    }
    for (const std::size_t count : options.counts) {
        for (std::size_t repeat = 0; repeat < options.repeats; ++repeat) both(options, "many", count, repeat);
        both(options, "taking", count, 0);
    }
    if (!options.json.empty()) rows.write(options.json);
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
    try {
        const bench::Options options = bench::parse(argc, argv);
        if (options.scenario.empty()) {
            bench::measureAll(options);
            return 0;
        }
        bench::Rows rows;
        bench::runScenario(options, rows);
        rows.write(options.json);
        std::_Exit(0);  // what hangs in a measured library does not end, and what it leaves is nobody's business
    } catch (const std::exception& error) {
        fmt::print(stderr, "table_benchmark: {}\n", error.what());
        std::_Exit(1);
    }
}
