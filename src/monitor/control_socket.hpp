// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>
#include <string>

namespace holdfast::inline v1::monitor {

/**
 * A listening UNIX socket that belongs to one monitor: mode 0600, guarded by a locked file beside it.
 *
 * The lock says whether a monitor lives, whatever a crash left behind: what it left is replaced, a live one is not.
 *
 * @par Thread safety One owner.
 */
class ControlSocket {
public:
    ControlSocket() = default;
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;
    /** Removes the socket, its lock, and the folder if we made it and it is empty. */
    ~ControlSocket() { close(); }

    /** Listens at `path`, creating its folder (0700) if that is missing. Empty, or why it cannot. */
    [[nodiscard]] std::string open(const std::filesystem::path& path);
    void close() noexcept;
    /** The listening descriptor; the caller's from then on. */
    [[nodiscard]] int release() noexcept;

private:
    [[nodiscard]] std::string lock(const std::filesystem::path& path);
    [[nodiscard]] std::string listen(const std::filesystem::path& path);

    std::filesystem::path path_;
    std::filesystem::path lockPath_;
    int socket_{-1};
    int lock_{-1};
    bool bound_{false};
    bool madeFolder_{false};
};

}  // namespace holdfast::inline v1::monitor
