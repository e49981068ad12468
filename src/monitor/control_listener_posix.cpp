// SPDX-License-Identifier: BSL-1.0
#include "monitor/control_listener.hpp"

#include <fmt/format.h>
#include <boost/asio/buffer.hpp>

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

/** The listening socket belongs to the acceptor, the files to this. */
struct ControlListener::State {
    explicit State(boost::asio::io_context& io) : acceptor{io} {}

    [[nodiscard]] std::string lock(const fs::path& path);
    [[nodiscard]] std::string listen(const fs::path& path);
    void remove() noexcept;

    boost::asio::local::stream_protocol::acceptor acceptor;
    fs::path path;
    fs::path lockPath;
    int socket{-1};
    int lockFile{-1};
    bool bound{false};
    bool madeFolder{false};
};

std::string ControlListener::open(const fs::path& path) {
    sockaddr_un address{};
    if (path.string().size() >= sizeof address.sun_path) {
        return fmt::format("the path has {} bytes, a socket's may have {}: {}", path.string().size(),
                           sizeof address.sun_path - 1, path.string());
    }
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path{"."};
    std::error_code ignored;
    fs::create_directories(folder.parent_path(), ignored);  // what is still missing is said next
    if (auto problem = folderProblem(folder, state_->madeFolder); !problem.empty()) return problem;
    auto problem = state_->lock(path);
    if (problem.empty()) problem = state_->listen(path);
    if (problem.empty()) {
        boost::system::error_code error;
        state_->acceptor.assign(boost::asio::local::stream_protocol{}, std::exchange(state_->socket, -1), error);
        if (!error) state_->acceptor.non_blocking(true, error);
        if (error) problem = error.message();
    }
    if (!problem.empty()) state_->remove();
    return problem;
}

std::string ControlListener::State::lock(const fs::path& at) {
    const fs::path file = at.string() + ".lock";
    for (int attempt = 0; attempt < 8; ++attempt) {
        const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (descriptor < 0) return fmt::format("{} cannot be written: {}", file.string(), systemText(errno));
        if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
            auto problem = fmt::format("a monitor{} listens at {} already", lockHolder(descriptor), at.string());
            ::close(descriptor);
            return problem;
        }
        // The one who held it may have removed the file between our open and our lock.
        struct stat ours {};
        struct stat there {};
        if (::fstat(descriptor, &ours) == 0 && ::stat(file.c_str(), &there) == 0 && ours.st_ino == there.st_ino &&
            ours.st_dev == there.st_dev) {
            lockFile = descriptor;
            lockPath = file;
            const std::string text = fmt::format("{}\n", ::getpid());
            if (::ftruncate(lockFile, 0) != 0 || ::pwrite(lockFile, text.data(), text.size(), 0) < 0)
                return fmt::format("{} cannot be written: {}", file.string(), systemText(errno));
            return {};
        }
        ::close(descriptor);
    }
    return fmt::format("{} changes all the time", file.string());
}

std::string ControlListener::State::listen(const fs::path& at) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, at.c_str(), at.string().size() + 1);
    const auto* const generic = reinterpret_cast<const sockaddr*>(&address);

    struct stat info {};
    if (::lstat(at.c_str(), &info) == 0) {
        if (!S_ISSOCK(info.st_mode)) return fmt::format("{} exists and is no socket; it is left alone", at.string());
        const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (probe < 0) return fmt::format("no socket: {}", systemText(errno));
        const bool alive = ::connect(probe, generic, sizeof address) == 0 || errno == EAGAIN;
        ::close(probe);
        if (alive) return fmt::format("another program listens at {} already", at.string());
        if (::unlink(at.c_str()) != 0 && errno != ENOENT)
            return fmt::format("the socket that a dead monitor left at {} cannot be removed: {}", at.string(),
                               systemText(errno));
    }
    socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (socket < 0) return fmt::format("no socket: {}", systemText(errno));
    // Before bind: there is no moment in which others could connect.
    if (::fchmod(socket, 0600) != 0 || ::bind(socket, generic, sizeof address) != 0)
        return fmt::format("cannot listen at {}: {}", at.string(), systemText(errno));
    path = at;
    bound = true;
    if (::chmod(at.c_str(), 0600) != 0 || ::listen(socket, backlog) != 0)
        return fmt::format("cannot listen at {}: {}", at.string(), systemText(errno));
    return {};
}

void ControlListener::State::remove() noexcept {
    if (bound) ::unlink(path.c_str());
    bound = false;
    if (socket >= 0) ::close(std::exchange(socket, -1));
    if (lockFile >= 0) {
        ::unlink(lockPath.c_str());  // while we hold it
        ::close(std::exchange(lockFile, -1));
        if (std::exchange(madeFolder, false)) ::rmdir(lockPath.parent_path().c_str());  // if nobody else uses it
    }
}

ControlListener::ControlListener(boost::asio::io_context& io) : state_{std::make_shared<State>(io)} {}
ControlListener::~ControlListener() { state_->remove(); }
bool ControlListener::isOpen() const noexcept { return state_->acceptor.is_open(); }
void ControlListener::remove() noexcept { state_->remove(); }

void ControlListener::close() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
}

void ControlListener::accept(Handler handler) {
    state_->acceptor.async_accept(
        [handler = std::move(handler)](const boost::system::error_code& error, ControlStream stream) {
            if (!error) ::fcntl(stream.native_handle(), F_SETFD, FD_CLOEXEC);
            handler(error, std::move(stream));
        });
}

std::string strangerAt(ControlStream& stream) {
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(stream.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return "who it is cannot be seen";
    if (credentials.uid == 0 || credentials.uid == ::geteuid()) return {};
    return fmt::format("process {} of user {} is neither this monitor's user ({}) nor root", credentials.pid,
                       credentials.uid, ::geteuid());
}

void sayWithoutWaiting(ControlStream& stream, const std::string& line) {
    boost::system::error_code ignored;
    stream.non_blocking(true, ignored);
    static_cast<void>(stream.write_some(boost::asio::buffer(line), ignored));
}

}  // namespace holdfast::inline v1::monitor
