// SPDX-License-Identifier: BSL-1.0

#include "setup.hpp"
#include "process/proc.hpp"

#include <fcntl.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX, not C
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace holdfast::inline v1::reaper {

using process::Fd;

Fd takeLock(const std::string& file, std::string& complaint) {
    for (int i = 0; i < 100; ++i) {
        Fd lock{::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
        if (!lock) {
            complaint = "cannot open " + file + ": " + process::errorText(errno);
            return {};
        }
        if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) complaint = "cannot lock " + file + ": " + process::errorText(errno);
            return {};
        }
        // The one before removes the file when it leaves: a lock on a file that has no name any more is none.
        struct stat held {};
        struct stat named {};
        if (::fstat(lock.get(), &held) == 0 && ::stat(file.c_str(), &named) == 0 && held.st_ino == named.st_ino)
            return lock;
    }
    complaint = file + " is removed again and again";
    return {};
}

bool lockHeld(const std::string& file) {
    const Fd lock{::open(file.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW)};
    return lock && ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0;
}

Fd listenAt(const std::string& path, std::string& complaint) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);  // its length was checked (Names::complaint)
    ::unlink(path.c_str());
    Fd listener{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    const mode_t before = ::umask(0177);
    const bool bound = listener && ::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    const int error = errno;
    ::umask(before);
    if (!bound || ::listen(listener.get(), 128) != 0) {
        complaint = "cannot listen at " + path + ": " + process::errorText(bound ? errno : error);
        return {};
    }
    return listener;
}

Fd becomeSubreaper() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    // An ignored SIGCHLD, which a parent may leave to us, would take the exit statuses away.
    ::signal(SIGCHLD, SIG_DFL);
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    sigset_t wanted;
    ::sigemptyset(&wanted);
    for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT}) ::sigaddset(&wanted, number);
    return Fd{::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK)};
}

void leaveStandard(int first, int last) {
    const Fd nothing{::open("/dev/null", O_RDWR | O_CLOEXEC)};
    for (int fd = first; nothing && fd <= last; ++fd) ::dup2(nothing.get(), fd);
}

void closeOthers(std::vector<int> kept) {
    std::sort(kept.begin(), kept.end());
    unsigned from = 3;
    for (const int fd : kept) {
        if (fd < 3) continue;
        const auto number = static_cast<unsigned>(fd);
        if (number > from) ::syscall(SYS_close_range, from, number - 1, 0);
        from = number + 1;
    }
    ::syscall(SYS_close_range, from, ~0U, 0);
}

}  // namespace holdfast::inline v1::reaper
