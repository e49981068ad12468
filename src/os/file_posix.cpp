// SPDX-License-Identifier: BSL-1.0
#include <holdfast/os/file.hpp>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>

namespace holdfast::inline v1::os {

namespace {

std::error_code lastError() { return {errno, std::system_category()}; }

std::error_code writeAll(int to, std::string_view content) {
    while (!content.empty()) {
        const ::ssize_t count = ::write(to, content.data(), content.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return lastError();
        content.remove_prefix(static_cast<std::size_t>(count));
    }
    return ::fsync(to) == 0 ? std::error_code{} : lastError();
}

}  // namespace

std::error_code replaceFile(const std::filesystem::path& file, std::string_view content) {
    const std::filesystem::path temporary = file.string() + ".new";  // one writer per file: no need for a random name
    const int to = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (to < 0) return lastError();
    auto error = writeAll(to, content);
    if (::close(to) != 0 && !error) error = lastError();
    if (!error && ::rename(temporary.c_str(), file.c_str()) != 0) error = lastError();
    if (error) {
        ::unlink(temporary.c_str());
        return error;
    }
    // The rename itself must survive a power cut.
    const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path{"."};
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
        ::fsync(directory);
        ::close(directory);
    }
    return {};
}

std::string bootId() {
    std::ifstream stream{"/proc/sys/kernel/random/boot_id"};
    std::string id;
    std::getline(stream, id);
    return id;
}

std::optional<LockFile::Refusal> LockFile::take(const std::filesystem::path& file) {
    const int lock = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0) return Refusal{0, lastError()};
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        const auto error = lastError();
        std::array<char, 32> text{};
        const ::ssize_t count = ::read(lock, text.data(), text.size());
        std::int64_t owner = 0;
        if (count > 0) std::from_chars(text.data(), text.data() + count, owner);
        ::close(lock);
        return Refusal{owner, error};
    }
    const std::string pid = std::to_string(::getpid()) + "\n";
    // Only a courtesy to who comes second: the lock is the kernel's. A full disk must not keep us from running.
    if (::ftruncate(lock, 0) == 0 && ::pwrite(lock, pid.data(), pid.size(), 0) < 0) errno = 0;
    handle_ = lock;
    return std::nullopt;
}

LockFile::~LockFile() {
    if (handle_ >= 0) ::close(static_cast<int>(handle_));
}

}  // namespace holdfast::inline v1::os
