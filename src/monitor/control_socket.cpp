// SPDX-License-Identifier: BSL-1.0
#include "monitor/control_socket.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

namespace fs = std::filesystem;

constexpr int backlog = 128;

std::string systemText(int error) { return std::system_category().message(error); }

/** Whoever may rename what is in the folder could put a socket of their own in our place. */
std::string folderProblem(const fs::path& folder, bool& made) {
    struct stat info {};
    made = ::mkdir(folder.c_str(), 0700) == 0;
    if (!made && errno != EEXIST)
        return fmt::format("the folder {} cannot be made: {}", folder.string(), systemText(errno));
    if (::stat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
        return fmt::format("{} is no folder", folder.string());
    if (info.st_uid != ::geteuid() && info.st_uid != 0)
        return fmt::format("the folder {} belongs to another user", folder.string());
    if ((info.st_mode & 0022U) != 0 && (info.st_mode & S_ISVTX) == 0)
        return fmt::format("others may write in the folder {}", folder.string());
    return {};
}

std::string lockHolder(int file) {
    char text[32] = {};
    const ssize_t count = ::pread(file, text, sizeof text - 1, 0);
    const long process = count > 0 ? std::strtol(text, nullptr, 10) : 0;
    return process > 0 ? fmt::format(" (process {})", process) : std::string{};
}

}  // namespace

std::string ControlSocket::open(const fs::path& path) {
    sockaddr_un address{};
    if (path.string().size() >= sizeof address.sun_path) {
        return fmt::format("the path has {} bytes, a socket's may have {}: {}", path.string().size(),
                           sizeof address.sun_path - 1, path.string());
    }
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path{"."};
    std::error_code ignored;
    fs::create_directories(folder.parent_path(), ignored);  // what is still missing is said next
    if (auto problem = folderProblem(folder, madeFolder_); !problem.empty()) return problem;
    auto problem = lock(path);
    if (problem.empty()) problem = listen(path);
    if (!problem.empty()) close();
    return problem;
}

std::string ControlSocket::lock(const fs::path& path) {
    const fs::path file = path.string() + ".lock";
    for (int attempt = 0; attempt < 8; ++attempt) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor < 0) return fmt::format("{} cannot be written: {}", file.string(), systemText(errno));
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            auto problem = fmt::format("a monitor{} listens at {} already", lockHolder(descriptor), path.string());
            ::close(descriptor);
            return problem;
        }
        // The one who held it may have removed the file between our open and our lock.
        struct stat ours {};
        struct stat there {};
        if (::fstat(descriptor, &ours) == 0 && ::stat(file.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
            ours.st_dev == there.st_dev) {
            lock_ = descriptor;
            lockPath_ = file;
            const std::string text = fmt::format("{}\n", ::getpid());
            if (::ftruncate(lock_, 0) != 0 || ::pwrite(lock_, text.data(), text.size(), 0) < 0)
                return fmt::format("{} cannot be written: {}", file.string(), systemText(errno));
            return {};
        }
        ::close(descriptor);
    }
    return fmt::format("{} changes all the time", file.string());
}

std::string ControlSocket::listen(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.string().size() + 1);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);

    struct stat info {};
    if (::lstat(path.c_str(), &info) == 0) {
        if (!S_ISSOCK(info.st_mode)) return fmt::format("{} exists and is no socket; it is left alone", path.string());
        const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (probe < 0) return fmt::format("no socket: {}", systemText(errno));
        const bool alive = ::connect(probe, generic, sizeof address) == 0 || errno == EAGAIN;
        ::close(probe);
        if (alive) return fmt::format("another program listens at {} already", path.string());
        if (::unlink(path.c_str()) != 0 && errno != ENOENT)
            return fmt::format("the socket that a dead monitor left at {} cannot be removed: {}", path.string(),
                               systemText(errno));
    }
    socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket_ < 0) return fmt::format("no socket: {}", systemText(errno));
    // Before bind: there is no moment in which others could connect.
    if (::fchmod(socket_, 0600) != 0 || ::bind(socket_, generic, sizeof address) != 0)
        return fmt::format("cannot listen at {}: {}", path.string(), systemText(errno));
    path_ = path;
    bound_ = true;
    if (::chmod(path.c_str(), 0600) != 0 || ::listen(socket_, backlog) != 0)
        return fmt::format("cannot listen at {}: {}", path.string(), systemText(errno));
    return {};
}

void ControlSocket::close() noexcept {
    if (bound_) ::unlink(path_.c_str());
    bound_ = false;
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    if (lock_ >= 0) {
        ::unlink(lockPath_.c_str());  // while we hold it
        ::close(std::exchange(lock_, -1));
        if (std::exchange(madeFolder_, false)) ::rmdir(lockPath_.parent_path().c_str());  // if nobody else uses it
    }
}

int ControlSocket::release() noexcept { return std::exchange(socket_, -1); }

}  // namespace holdfast::inline v1::monitor
