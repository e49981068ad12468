// SPDX-License-Identifier: BSL-1.0
#include "monitor_life.hpp"

#include "processes.hpp"

#include "process/proc.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <utility>

extern char** environ;

namespace chaos {

namespace process = holdfast::process;
namespace json = boost::json;
using process::Fd;

namespace {

struct Started {
    pid_t pid{-1};
    Fd output;
};

/** With its standard output in a pipe and, if named, its errors in a file. */
Started spawn(std::vector<std::string> words, std::vector<std::string> variables, const std::string& errors) {
    int ends[2] = {-1, -1};
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error{"pipe"};
    Started started;
    started.output = Fd{ends[0]};
    const Fd theirs{ends[1]};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&files, theirs.get(), 1);
    if (!errors.empty())
        ::posix_spawn_file_actions_addopen(&files, 2, errors.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);  // Ctrl-C is the driver's
    for (char** entry = environ; *entry != nullptr; ++entry) variables.emplace_back(*entry);
    std::vector<char*> arguments;
    std::vector<char*> environment;
    for (auto& word : words) arguments.push_back(word.data());
    for (auto& entry : variables) environment.push_back(entry.data());
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    const int error =
        ::posix_spawn(&started.pid, arguments[0], &files, &attributes, arguments.data(), environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw std::runtime_error{"cannot start " + words[0] + ": " + std::strerror(error)};
    return started;
}

std::string textOf(const json::object& object, std::string_view key) {
    const auto* const value = object.if_contains(key);
    return value != nullptr && value->is_string() ? std::string{value->get_string()} : std::string{};
}

std::string utcNow() {
    const auto now = std::chrono::system_clock::now();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                       ms % 1'000);
}

}  // namespace

Ran run(const std::vector<std::string>& words, std::chrono::milliseconds patience) {
    Started started = spawn(words, {}, "/dev/null");
    Ran ran;
    const std::int64_t until = process::nowMs() + patience.count();
    for (;;) {
        pollfd watched{started.output.get(), POLLIN, 0};
        const auto left = until - process::nowMs();
        if (left <= 0 || ::poll(&watched, 1, static_cast<int>(left)) == 0) {
            ::kill(started.pid, SIGKILL);
            break;
        }
        char buffer[65'536];
        const ssize_t got = ::read(started.output.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        ran.output.append(buffer, static_cast<std::size_t>(got));
    }
    int status = 0;
    ::waitpid(started.pid, &status, 0);
    if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
    return ran;
}

// --- the journal ----------------------------------------------------------------------------------------------------

void Journal::take(std::string_view line) {
    if (observer) observer(line);
    const std::lock_guard lock{mutex_};
    out_ << line << '\n';
    const auto has = [&](std::string_view text) { return line.find(text) != std::string_view::npos; };
    if (has("took over pid")) ++counts_["adoptions"];
    if (has("\"to\":\"Online\"")) ++counts_["onlines"];
    if (has("\"to\":\"Failed\"")) ++counts_["failures"];
    if (has("\"to\":\"Dead\"")) ++counts_["hostLosses"];
    if (has("\"record\":\"signal\"")) ++counts_["signals"];
    if (has("\"level\":\"severe\"")) ++counts_["severe"];
}

void Journal::note(std::string_view what, std::string_view detail) {
    const json::object line{{"time", utcNow()}, {"record", "chaos"}, {"what", what}, {"detail", detail}};
    const std::lock_guard lock{mutex_};
    out_ << json::serialize(line) << std::endl;
}

std::map<std::string, std::uint64_t> Journal::counts() const {
    const std::lock_guard lock{mutex_};
    return counts_;
}

// --- the monitor ----------------------------------------------------------------------------------------------------

MonitorLife::MonitorLife(const Options& options, std::filesystem::path file, Journal& journal)
    : options_{options}, file_{std::move(file)}, journal_{journal} {}

MonitorLife::~MonitorLife() {
    if (process_ > 0) ::kill(process_, SIGKILL);
    static_cast<void>(ended(std::chrono::seconds{10}));
    if (reader_.joinable()) reader_.join();
}

void MonitorLife::start() {
    if (reader_.joinable()) reader_.join();
    Started started = spawn({options_.program.string(), "run", "--json", file_.string()},
                            {std::string{runVariable} + "=" + options_.directory.string()},
                            (options_.directory / "monitor.errors").string());
    process_ = started.pid;
    ++starts_;
    journal_.note("monitor started", std::to_string(process_));
    reader_ = std::thread{[this, output = std::move(started.output)] {
        std::string pending;
        char buffer[65'536];
        for (;;) {
            const ssize_t got = ::read(output.get(), buffer, sizeof buffer);
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) return;
            pending.append(buffer, static_cast<std::size_t>(got));
            std::size_t begin = 0;
            for (std::size_t end = 0; (end = pending.find('\n', begin)) != std::string::npos; begin = end + 1)
                journal_.take(std::string_view{pending}.substr(begin, end - begin));
            pending.erase(0, begin);
        }
    }};
}

std::optional<int> MonitorLife::ended(std::chrono::milliseconds patience) {
    const std::int64_t until = process::nowMs() + patience.count();
    while (process_ > 0) {
        int status = 0;
        if (::waitpid(process_, &status, WNOHANG) == process_) {
            journal_.note("monitor ended", std::to_string(status));
            process_ = 0;
            return status;
        }
        if (process::nowMs() >= until) break;
        ::poll(nullptr, 0, 5);
    }
    return std::nullopt;
}

std::map<std::string, Listed> MonitorLife::list(std::chrono::milliseconds patience) const {
    std::map<std::string, Listed> all;
    const Ran ran = run({options_.program.string(), "ctl", "--json", "--control",
                         (options_.directory / "control.sock").string(), "list"},
                        patience);
    if (ran.status != 0) return all;
    for (std::size_t at = 0, end = 0; (end = ran.output.find('\n', at)) != std::string::npos; at = end + 1) {
        boost::system::error_code error;
        const auto value = json::parse(ran.output.substr(at, end - at), error);
        if (error || !value.is_object()) return {};
        const auto& object = value.get_object();
        Listed listed{textOf(object, "external"), textOf(object, "reason"), 0, object.contains("restartIn")};
        if (const auto* host = object.if_contains("hostProcess")) listed.hostProcess = host->to_number<std::int64_t>();
        all[textOf(object, "name")] = std::move(listed);
    }
    return all;
}

}  // namespace chaos
