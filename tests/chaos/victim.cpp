// SPDX-License-Identifier: BSL-1.0
// A program to be supervised, which tells on whoever runs it twice. It holds DIR/NAME.alive while its main process lives, and
// DIR/NAME.tree while anything that it started does: a second one, or one beside an orphan, finds a lock taken and says so.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

namespace {

constexpr int usageError = 2;
constexpr int cannotRun = 5;
constexpr int doubled = 9;

std::string directory;
std::string name;

int openFile(const std::string& path, int flags) {
    const int fd = ::open(path.c_str(), flags | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        std::fprintf(stderr, "%s: %s\n", path.c_str(), std::strerror(errno));
        std::exit(cannotRun);
    }
    return fd;
}

void append(const std::string& path, const std::string& line) {
    const int fd = openFile(path, O_WRONLY | O_APPEND);
    if (::write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::exit(cannotRun);
    ::close(fd);
}

std::string now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return std::to_string(static_cast<long long>(time.tv_sec) * 1'000'000'000 + time.tv_nsec);
}

/** Held as long as any process has the descriptor; taken by another, this is the second start. */
int takeLock(const std::string& kind) {
    const int fd = openFile(directory + "/" + name + "." + kind, O_RDWR);
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    append(directory + "/doubles", name + " " + std::to_string(::getpid()) + " " + kind + " " + now() + "\n");
    std::exit(doubled);
}

[[noreturn]] void sleepForEver() {
    for (;;) ::pause();
}

/** One more process of the tree, as hard to find and to end as a process can make itself without privileges. */
void scatter(int number, int alive) {
    const pid_t child = ::fork();
    if (child != 0) return;
    ::close(alive);
    ::prctl(PR_SET_NAME, "chaos-tree");
    ::signal(SIGTERM, SIG_IGN);
    ::signal(SIGHUP, SIG_IGN);
    if (number % 3 != 0) ::setsid();
    if (number % 3 == 2 && ::fork() != 0) ::_exit(0);  // a daemon
    sleepForEver();
}

}  // namespace

int main(int argc, char** argv) {
    int tree = 0;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        const char* const value = i + 1 < argc ? argv[++i] : nullptr;
        if (option == "--directory" && value != nullptr) {
            directory = value;
        } else if (option == "--name" && value != nullptr) {
            name = value;
        } else if (option == "--tree" && value != nullptr) {
            tree = std::atoi(value);
        } else {
            std::fputs("usage: chaos_victim --directory DIR --name NAME [--tree CHILDREN]\n", stderr);
            return usageError;
        }
    }
    if (directory.empty() || name.empty()) return usageError;
    const int alive = takeLock("alive");
    takeLock("tree");
    ::prctl(PR_SET_NAME, "chaos-main");
    append(directory + "/" + name + ".starts", std::to_string(::getpid()) + " " + now() + "\n");
    for (int i = 0; i < tree; ++i) scatter(i, alive);
    sleepForEver();
}
