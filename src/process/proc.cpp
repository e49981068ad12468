// SPDX-License-Identifier: BSL-1.0

#include "proc.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

namespace holdfast::inline v1::process {
namespace {

std::string procPath(pid_t pid, const char* file) { return "/proc/" + std::to_string(pid) + "/" + file; }

/** The numbers among the names in a directory. */
std::vector<pid_t> numbersIn(const char* directory) {
    std::vector<pid_t> numbers;
    const std::unique_ptr<DIR, int (*)(DIR*)> stream{::opendir(directory), [](DIR* dir) { return ::closedir(dir); }};
    if (!stream) return numbers;
    while (const dirent* entry = ::readdir(stream.get())) {  // NOLINT(concurrency-mt-unsafe): a stream of our own
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        numbers.push_back(static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10)));
    }
    return numbers;
}

/** Not every kernel is built with the lists of children. */
bool kernelListsChildren() {
    static const bool lists = [] {
        const std::string own = procPath(::getpid(), ("task/" + std::to_string(::getpid()) + "/children").c_str());
        return ::access(own.c_str(), R_OK) == 0;
    }();
    return lists;
}

}  // namespace

std::string readFile(const char* path, std::size_t most) {
    std::string text;
    const Fd file{::open(path, O_RDONLY | O_CLOEXEC)};
    if (!file) return text;
    char buffer[4096];
    while (text.size() < most) {
        const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
}

std::optional<ProcStat> readStat(pid_t pid) {
    const std::string text = readFile(procPath(pid, "stat").c_str());
    // The program's name is in parentheses and may itself contain anything.
    const std::size_t name = text.rfind(')');
    if (name == std::string::npos || name + 2 >= text.size()) return std::nullopt;
    ProcStat stat;
    stat.state = text[name + 2];
    const char* at = text.c_str() + name + 3;
    for (int field = 4; field <= 22; ++field) {
        char* end = nullptr;
        const long long value = std::strtoll(at, &end, 10);
        if (end == at) return std::nullopt;
        at = end;
        if (field == 4) stat.parent = static_cast<pid_t>(value);
        if (field == 6) stat.session = static_cast<pid_t>(value);
        if (field == 22) stat.startTime = static_cast<std::uint64_t>(value);
    }
    return stat;
}

std::string bootId() {
    std::string id = readFile("/proc/sys/kernel/random/boot_id");
    while (!id.empty() && id.back() == '\n') id.pop_back();
    return id;
}

std::vector<pid_t> allProcesses() { return numbersIn("/proc"); }

std::vector<pid_t> childrenOf(pid_t pid) {
    std::vector<pid_t> children;
    if (!kernelListsChildren()) {
        for (const pid_t other : allProcesses()) {
            if (const auto stat = readStat(other); stat && stat->parent == pid) children.push_back(other);
        }
        return children;
    }
    for (const pid_t thread : numbersIn(procPath(pid, "task").c_str())) {
        const std::string list =
            readFile(procPath(pid, ("task/" + std::to_string(thread) + "/children").c_str()).c_str());
        const char* at = list.c_str();
        for (char* end = nullptr;; at = end) {
            const long child = std::strtol(at, &end, 10);
            if (end == at) break;
            children.push_back(static_cast<pid_t>(child));
        }
    }
    return children;
}

std::vector<pid_t> descendantsOf(pid_t pid, const std::function<bool(pid_t)>& skip) {
    std::vector<pid_t> found = childrenOf(pid);
    for (std::size_t i = 0; i < found.size() && found.size() < 1U << 22; ++i) {
        if (skip && skip(found[i])) continue;
        for (const pid_t child : childrenOf(found[i])) found.push_back(child);
    }
    return found;
}

namespace {

std::optional<std::string> valueIn(const std::string& environment, std::string_view variable) {
    for (std::size_t at = 0; at < environment.size();) {
        const std::size_t end = std::min(environment.find('\0', at), environment.size());
        const std::string_view entry = std::string_view{environment}.substr(at, end - at);
        if (entry.size() > variable.size() && entry.starts_with(variable) && entry[variable.size()] == '=') {
            return std::string{entry.substr(variable.size() + 1)};
        }
        at = end + 1;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> environmentOf(pid_t pid, std::string_view variable) {
    return valueIn(readFile(procPath(pid, "environ").c_str()), variable);
}

std::vector<pid_t> findMarked(std::string_view marker) {
    const std::string_view variable = marker.substr(0, marker.find('='));
    const std::string_view value = marker.substr(variable.size() + 1);
    constexpr pid_t kernelThreads = 2;
    std::vector<pid_t> found;
    std::vector<pid_t> candidates = allProcesses();
    for (int look = 0; look < 2 && !candidates.empty(); ++look) {
        std::vector<pid_t> unclear;
        for (const pid_t pid : candidates) {
            if (pid == 1 || pid == ::getpid()) continue;
            const std::string environment = readFile(procPath(pid, "environ").c_str());
            if (!environment.empty() && valueIn(environment, variable) != value) continue;
            const auto stat = readStat(pid);
            if (!stat || stat->dead() || pid == kernelThreads || stat->parent == kernelThreads) continue;
            (environment.empty() ? unclear : found).push_back(pid);
        }
        // Who executes a program at this moment has no environment for a moment, like those who have none for ever.
        candidates = std::move(unclear);
        if (look == 0 && !candidates.empty()) ::poll(nullptr, 0, 2);
    }
    return found;
}

bool sameProgram(pid_t pid) {
    struct stat own {};
    struct stat other {};
    return ::stat("/proc/self/exe", &own) == 0 && ::stat(procPath(pid, "exe").c_str(), &other) == 0 &&
           own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

Fd openPidfd(pid_t pid) { return Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))}; }

int signalPidfd(const Fd& pidfd, int number) {
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) == 0 ? 0 : errno;
}

bool pidfdEnded(const Fd& pidfd) {
    pollfd watched{pidfd.get(), POLLIN, 0};
    return ::poll(&watched, 1, 0) == 1;
}

const char* errorText(int error) noexcept {
    const char* const text = ::strerrordesc_np(error);
    return text == nullptr ? "unknown error" : text;
}

std::int64_t nowMs() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

bool writeAll(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t done = ::write(fd, text.data(), text.size());
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(done));
    }
    return true;
}

std::string replaceFile(const std::string& file, std::string_view text) {
    const std::string unfinished = file + ".new";
    const auto failed = [&](int error) {
        ::unlink(unfinished.c_str());
        return "cannot write " + file + ": " + errorText(error);
    };
    Fd out{::open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!out) return failed(errno);
    errno = EIO;
    if (!writeAll(out.get(), text)) return failed(errno);
    out.reset();
    // Not forced to the disk: a system that crashed leaves no process to be found.
    return ::rename(unfinished.c_str(), file.c_str()) == 0 ? std::string{} : failed(errno);
}

}  // namespace holdfast::inline v1::process
