// SPDX-License-Identifier: BSL-1.0
#include "monitor/marked_processes.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::string_view hostVariable = "HOLDFAST_HOST=";
constexpr std::string_view treeVariable = "HOLDFAST_TREE=";

struct Markers {
    std::string host;
    bool tree{false};
};

enum class Look { taken, empty, notAllowed, notPossible };

Look lookAt(std::int64_t process, Markers& markers) {
    const auto path = "/proc/" + std::to_string(process) + "/environ";
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? Look::notPossible : Look::notAllowed;
    std::string text;
    char buffer[4096];
    for (ssize_t count = 0; (count = ::read(file, buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(count));
    ::close(file);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\0', at), text.size());
        const auto entry = std::string_view{text}.substr(at, end - at);
        if (entry.starts_with(hostVariable)) markers.host = entry.substr(hostVariable.size());
        if (entry.starts_with(treeVariable)) markers.tree = true;
        at = end + 1;
    }
    return text.empty() ? Look::empty : Look::taken;
}

std::string programOf(std::int64_t process) {
    std::error_code ignored;
    return std::filesystem::read_symlink("/proc/" + std::to_string(process) + "/exe", ignored).string();
}

}  // namespace

std::optional<std::vector<std::int64_t>> markedProcesses(std::string_view prefix, std::string_view except,
                                                         const std::string& reaper) {
    std::vector<std::int64_t> candidates;
    std::error_code error;
    for (std::filesystem::directory_iterator it{"/proc", error}, end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        std::int64_t process = 0;
        const auto [stop, problem] = std::from_chars(name.data(), name.data() + name.size(), process);
        if (problem == std::errc{} && stop == name.data() + name.size() && process != ::getpid())
            candidates.push_back(process);
    }
    if (error) return std::nullopt;
    std::vector<std::int64_t> found;
    for (int round = 0; round < 2 && !candidates.empty(); ++round) {
        std::vector<std::int64_t> unclear;
        for (const std::int64_t process : candidates) {
            Markers markers;
            const Look look = lookAt(process, markers);
            if (look == Look::notPossible) return std::nullopt;
            if (look == Look::empty && !programOf(process).empty()) unclear.push_back(process);
            if (markers.host.empty() || markers.tree || !markers.host.starts_with(prefix)) continue;
            if (!except.empty() && markers.host.starts_with(except)) continue;
            if (programOf(process) != reaper) found.push_back(process);
        }
        // Who executes a program at this moment has no environment for a moment, like those who have none for ever.
        candidates = std::move(unclear);
        if (round == 0 && !candidates.empty()) std::this_thread::sleep_for(std::chrono::milliseconds{2});
    }
    return found;
}

void killMarked(const std::vector<std::int64_t>& processes, std::string_view prefix) {
    for (const std::int64_t process : processes) {
        const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process), 0));
        if (handle < 0) continue;
        // The number may have passed to another process before the handle was taken: look again, through the handle's time.
        Markers markers;
        if (lookAt(process, markers) == Look::taken && !markers.tree && markers.host.starts_with(prefix))
            ::syscall(SYS_pidfd_send_signal, handle, SIGKILL, nullptr, 0);
        ::close(handle);
    }
}

}  // namespace holdfast::inline v1::monitor
