// SPDX-License-Identifier: BSL-1.0
#include "monitor/run_directory.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

namespace holdfast::inline v1::monitor {

namespace {

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& why) {
    throw std::runtime_error{fmt::format("the run directory {} cannot be used: {}", path.string(), why)};
}

}  // namespace

RunDirectory::RunDirectory(const std::filesystem::path& path) {
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) refuse(path, std::strerror(errno));
    path_ = std::filesystem::canonical(path, error);
    if (error) refuse(path, error.message());
    struct stat status {};
    if (::lstat(path_.c_str(), &status) != 0) refuse(path, std::strerror(errno));
    if (!S_ISDIR(status.st_mode)) refuse(path, "it is no directory");
    if (status.st_uid != ::geteuid()) refuse(path, "it belongs to somebody else");
    // Below /tmp somebody else may have made the folder in which this one is, and could put another in its place.
    struct stat folder {};
    struct stat above {};
    if (::lstat(path_.parent_path().c_str(), &folder) == 0 && folder.st_uid != 0 && folder.st_uid != ::geteuid() &&
        ::lstat(path_.parent_path().parent_path().c_str(), &above) == 0 && (above.st_mode & S_IWOTH) != 0) {
        refuse(path, fmt::format("{} belongs to somebody else", path_.parent_path().string()));
    }
    if ((status.st_mode & 077) != 0 && ::chmod(path_.c_str(), 0700) != 0) refuse(path, std::strerror(errno));

    const auto file = path_ / "monitor.lock";
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) refuse(path, fmt::format("{}: {}", file.string(), std::strerror(errno)));
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        char owner[32]{};
        const ssize_t count = ::pread(lock, owner, sizeof owner - 1, 0);
        ::close(lock);
        std::string who{owner, static_cast<std::size_t>(count > 0 ? count : 0)};
        while (!who.empty() && who.back() == '\n') who.pop_back();
        refuse(path, fmt::format("another monitor uses it{}", who.empty() ? "" : " (process " + who + ")"));
    }
    lock_ = lock;
    const std::string own = std::to_string(::getpid()) + '\n';
    // Only for people: on a full disk the lock holds all the same.
    if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, own.data(), own.size(), 0) < 0) return;
}

RunDirectory::~RunDirectory() {
    if (lock_ >= 0) ::close(static_cast<int>(lock_));
}

}  // namespace holdfast::inline v1::monitor
