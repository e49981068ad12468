// SPDX-License-Identifier: BSL-1.0
#if defined(__linux__)
#include "monitor/marked_processes.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>

namespace holdfast::inline v1::monitor {

namespace {

constexpr std::string_view hostVariable = "HOLDFAST_HOST=";
constexpr std::string_view treeVariable = "HOLDFAST_TREE=";

struct Markers {
    std::string host;
    bool tree{false};
};

std::optional<Markers> markersOf(std::int64_t process) {
    std::ifstream file{"/proc/" + std::to_string(process) + "/environ", std::ios::binary};
    if (!file) return std::nullopt;
    Markers markers;
    for (std::string entry; std::getline(file, entry, '\0');) {
        if (entry.starts_with(hostVariable)) markers.host = entry.substr(hostVariable.size());
        if (entry.starts_with(treeVariable)) markers.tree = true;
    }
    if (markers.host.empty()) return std::nullopt;
    return markers;
}

}  // namespace

std::vector<std::int64_t> markedProcesses(std::string_view prefix, std::string_view except,
                                          const std::string& reaper) {
    std::vector<std::int64_t> found;
    std::error_code error;
    for (std::filesystem::directory_iterator it{"/proc", error}, end; !error && it != end; it.increment(error)) {
        const std::string name = it->path().filename().string();
        std::int64_t process = 0;
        const auto [stop, problem] = std::from_chars(name.data(), name.data() + name.size(), process);
        if (problem != std::errc{} || stop != name.data() + name.size() || process == ::getpid()) continue;
        const auto markers = markersOf(process);
        if (!markers || markers->tree || !markers->host.starts_with(prefix)) continue;
        if (!except.empty() && markers->host.starts_with(except)) continue;
        std::error_code ignored;
        if (std::filesystem::read_symlink(it->path() / "exe", ignored).string() == reaper) continue;
        found.push_back(process);
    }
    return found;
}

void killMarked(const std::vector<std::int64_t>& processes, std::string_view prefix) {
    for (const std::int64_t process : processes) {
        const auto handle = static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(process), 0));
        if (handle < 0) continue;
        // The number may have passed to another process before the handle was taken: look again, through the handle's time.
        const auto markers = markersOf(process);
        if (markers && !markers->tree && markers->host.starts_with(prefix))
            ::syscall(SYS_pidfd_send_signal, handle, SIGKILL, nullptr, 0);
        ::close(handle);
    }
}

}  // namespace holdfast::inline v1::monitor
#endif
